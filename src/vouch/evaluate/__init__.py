"""How good the candidate is, how sure that is, and against what."""
