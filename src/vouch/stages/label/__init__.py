"""Label: what rules, the truth that arrives late, and people say of each row."""

from vouch.stages.label.stage import label

__all__ = ["label"]
