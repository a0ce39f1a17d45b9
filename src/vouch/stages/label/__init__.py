"""Label: the labels of each row by rules, by truth that arrives late, and by people."""

from vouch.stages.label.stage import label

__all__ = ["label"]
