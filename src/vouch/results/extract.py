"""What extract computed, and where it cut: ``extract.json``."""

from typing import Any, ClassVar, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from vouch.core.results import Result
from vouch.core.settings import Engine


class FeatureSummary(TypedDict):
    """A feature: its column, group, window (None: it looks at its own row), and what it is."""

    name: str
    group: str
    window: str | None
    description: str


class Computed(TypedDict):
    """What a use case's extract computed; see :class:`Extracted`."""

    features: list[FeatureSummary]
    delay_seconds: NotRequired[float | None]
    categories: NotRequired[dict[str, list[str]]]


class ByKind(TypedDict):
    """A count against the truth, None of the holdout, and one against the rule."""

    truth: int | None
    rule: int


class ClassesByKind(TypedDict):
    """Counts of each class, by the truth, None of the holdout, and by the rule."""

    truth: dict[str, int] | None
    rule: dict[str, int]


class Parts(TypedDict):
    """Rows in training and holdout, kept for the next holdout, and left out as near-duplicates.

    ``newer`` of the training rows are later than all of the holdout.
    """

    train: int
    holdout: int
    newer: int
    reserved: int
    near_holdout: NotRequired[int]


class LateLabels(TypedDict):
    """Labels of training rows that came after the holdout began.

    Truth of ``left_out`` rows from before it came by itself, and does not train: ``by_rule`` of
    them have the rule's label instead, ``unlabelled`` ones none, the others an earlier truth,
    which of ``changed`` rows is another class than the one in force (not in earlier files).
    ``decided`` rows train with what people decided since.
    """

    left_out: int
    by_rule: int
    unlabelled: int
    changed: NotRequired[int]
    decided: int


class Extracted(Result):
    """Features, the holdout's key and boundary, and counts.

    Attributes:
        usecase: Whose rows.
        source: Their source.
        set: The set of files they came from.
        generation: The holdout's number in the set, from 1.
        as_of: The time (ISO) until which rows and labels count.
        holdout_id: Digest of the sealed file.
        boundary: The holdout's first time (ISO); None: it was not cut by time.
        until: Its last time (ISO), likewise.
        reserve: Share of the parties whose later rows are kept for the next holdout, above 0 and
            at most 1; None: it was not cut by time.
        features: The features.
        lag_seconds: How long after it is first known a row is scored; None: an earlier release
            learned from each row's newest version.
        delay_seconds: Mean time from an event to its label; None where unknown.
        categories: The values of each category that are features of their own.
        engine: Where models that read the rows' own columns learn; None: features were computed.
        classes: Names of the classes, class 0 first; empty: an earlier release wrote none.
        listed: The values that the label column lists for them, by which alone their places are
            known; empty: it maps values to classes by name, or declares none.
        mapped: Each value it maps to a class, in lower case, and the class.
        unsealed: Rows of the holdout whose truth came in with them, as it was cut afterwards.
        arrives: Whether any truth in force comes by itself, on held-out rows too; else people's
            word is the only truth. None: an earlier release did not write it.
        rows: Counts of rows.
        positives: Of two classes the second's rows, else the rarest one's, in ``train`` and
            ``holdout``. The holdout's true ones come with a charged answer only: what two runs
            counted, one label apart, would tell that label.
        by_class: Rows of each class likewise.
        late: Labels that came after the holdout began; None: it was not cut by time, or an earlier
            release did not count them.
        warnings: Sentences for people.
    """

    FORMAT: ClassVar[int] = 3

    usecase: str
    source: str
    set: str
    generation: int
    as_of: str
    holdout_id: str
    boundary: str | None
    until: str | None
    reserve: float | None = None
    features: list[FeatureSummary]
    lag_seconds: float | None = None
    delay_seconds: float | None = None
    categories: dict[str, list[str]] = Field(default_factory=dict)
    engine: Engine | None = None
    classes: list[str]
    listed: list[str] = Field(default_factory=list)
    mapped: dict[str, str] = Field(default_factory=dict)
    unsealed: int = 0
    arrives: bool | None = None
    rows: Parts
    positives: dict[str, ByKind]
    by_class: dict[str, ClassesByKind]
    late: LateLabels | None = None
    warnings: list[str]

    def share(self) -> float:
        """Return the share of positives among training rows: true ones if any, else the rule's."""
        counts = self.positives["train"]
        return (counts["truth"] or counts["rule"]) / max(self.rows["train"], 1)

    def differing(self, other: "Extracted") -> str:
        """Return why a model of these rows is not of another's classes; their order may differ.

        Args:
            other: The other rows; where either has no classes, nothing is known to differ.
        """
        if not self.classes or not other.classes:
            return ""
        if {*self.classes} != {*other.classes}:
            return f"it was trained for {', '.join(self.classes)}, not {', '.join(other.classes)}"
        before, now = self._meanings(), other._meanings()
        for name in self.classes:  # it is another class when none of its words means it any more
            words = [word for word in before if before[word] == name and word in now]
            if words and all(now[word] != name for word in words):
                word = words[0]
                return f"it was trained where {word!r} stood for {name}, not for {now[word]}"
        return ""

    def _meanings(self) -> dict[str, str]:
        return dict(zip(self.listed, self.classes, strict=False)) | self.mapped

    @classmethod
    def migrate(cls, content: dict[str, Any], written: int) -> dict[str, Any]:
        """Add ``classes`` and ``by_class``, which releases of fixed classes did not write.

        Format 1 lacks ``mapped``, which is empty where it is not there. Before format 3 all rows
        newer than the holdout were kept for the next one.
        """
        rows = content["rows"]
        content["rows"] = rows | {"newer": 0, "reserved": rows["newer"]}
        content["reserve"] = None if content["until"] is None else 1.0
        return {"classes": [], "by_class": {}} | content
