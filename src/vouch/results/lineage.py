"""What a registered version was made from: ``lineage.json`` beside its files."""

from typing import Any, NotRequired

from typing_extensions import TypedDict

from vouch.results.blind import Freezable
from vouch.results.extract import ByKind
from vouch.results.ingest import RawFile


class Issuer(TypedDict):
    """An issuer's labels of training rows and their ends (ISO); of two classes the positives."""

    source: str
    actor: str
    issues: int
    positives: NotRequired[int]
    first: str | None
    last: str | None


class Lineage(Freezable):
    """A version's inputs.

    Attributes:
        usecase: Whose model.
        source: The source of its rows; with ``set`` and ``generation`` its holdout's key.
        set: The set of files they came from.
        generation: The holdout's number in the set, from 1.
        as_of: The time (ISO) until which rows and labels count.
        boundary: The holdout's first time (ISO); None: it was not cut by time.
        until: Its last time, likewise.
        holdout_id: Digest of the sealed holdout.
        raw_files: The files in force.
        digests: Path to DVC digest of each of its files.
        labels: Who issued the labels of its training rows.
        reviews: Names of the batches of people's decisions.
        rows: Counts of rows by part; see :class:`vouch.results.extract.Extracted`.
        positives: Of ``train`` and ``holdout``, by ``truth`` (None of the holdout) and ``rule``.
        features: The features' names.
        candidate: What was fitted.
        threshold: The score from which a row is flagged; None: the likeliest class decides.
        metrics: Measured values by name, with the ends of their intervals.
        ledger_question: Number of the holdout's question; None: it was not asked.
        holdout_status: The holdout's reply.
        ledger_head: The ledger's link of the answer, as text; None: an earlier release wrote none.
        git_commit: The code it was made with.
    """

    usecase: str
    source: str
    set: str
    generation: int
    as_of: str
    boundary: str | None
    until: str | None
    holdout_id: str
    raw_files: list[RawFile]
    digests: dict[str, str]
    labels: list[Issuer]
    reviews: list[str]
    rows: dict[str, int]
    positives: dict[str, ByKind]
    features: list[str]
    candidate: dict[str, Any]
    threshold: float | None
    metrics: dict[str, float]
    ledger_question: int | None
    holdout_status: str
    ledger_head: str | None = None
    git_commit: str

    @classmethod
    def migrate(cls, content: dict[str, Any], written: int) -> dict[str, Any]:
        """Add the batches of decisions, which the earliest releases did not write."""
        return {"reviews": []} | content
