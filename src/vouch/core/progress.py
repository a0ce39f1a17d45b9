"""How a long computation reports its progress."""

from typing import Protocol


class Progress(Protocol):
    """Called from inside a stage; terminal and Prefect each bring their own."""

    def __call__(self, done: float, total: float, message: str = "") -> None:
        """Report progress.

        Args:
            done: Work done so far, in units of the stage's choice, 0 to ``total``.
            total: All the work there is, above 0.
            message: What is being done now, a few words.
        """


def silent(done: float, total: float, message: str = "") -> None:
    """Report to nobody: the default of every stage."""
