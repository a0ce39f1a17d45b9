"""Score: every row of a new file, with the features the model was trained on."""

from vouch.serve.stage import Request, score

__all__ = ["Request", "score"]
