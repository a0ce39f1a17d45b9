"""What validate found: ``validate.json``."""

from typing import Any

from typing_extensions import TypedDict

from vouch.core.results import Result


class Expected(TypedDict):
    """An expectation, and the rows that fail it; see :class:`vouch.stages.validate.outcome`."""

    type: str
    kwargs: dict[str, Any]
    policy: str
    notes: str
    title: str
    success: bool
    failed: int
    share: float
    examples: list[str]
    observed: Any


class Validated(Result):
    """How bronze's rows were divided, and what was expected of them.

    Attributes:
        counts: Rows ``in``, and of them in ``silver``, ``superseded``, ``duplicates`` and
            ``quarantine``, which add up.
        expectations: Each expectation of the suite.
        by_category: Rows and, where there are amounts, their sum, by column and value.
        warnings: Sentences for people.
    """

    counts: dict[str, int]
    expectations: list[Expected]
    by_category: dict[str, dict[str, dict[str, int | float]]]
    warnings: list[str]
