"""Limits that no parameter loosens."""

MOST_QUESTIONS = 100
"""A holdout's budget at most."""
FREE = 50
"""Questions a holdout answers for each of its budget, those that cost nothing included."""
LEAST = 10
"""Rows of the rarest class below which no comparison is made."""
