"""Score: every row of a new file, with the features the model was trained on."""

from vouch.score.stage import Request, score

__all__ = ["Request", "score"]
