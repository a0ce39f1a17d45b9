"""How good a candidate is: ``evaluation.json``."""

from collections.abc import Mapping
from typing import Literal, NotRequired, cast

from pydantic import Field, with_config
from typing_extensions import TypedDict

from vouch.metrics.figures import Difference, Figure
from vouch.results.blind import Freezable
from vouch.results.holdouts import Head

Kind = Literal["truth", "rule"]
"""Against what a figure is: the truth, or the rule's labels."""
KINDS: tuple[Kind, ...] = ("truth", "rule")
Guarantee = Literal["certified", "heuristic", "none"]
"""What is proved of an answer of the holdout, see :mod:`vouch.holdout.mechanisms`."""
Mechanism = Literal["comparison", "thresholdout", "gaussian", "exact"]
"""How the holdout answered; ``exact`` by people's word, and in earlier releases."""
ToldKind = Literal["rule", "champion", "figure", "mean"]


class Told(TypedDict):
    """One thing that an answer told of the holdout: whether it was not the expected one.

    ``probability`` is the value's among all surprising ones of its kind.
    """

    kind: ToldKind
    surprise: bool
    probability: float


@with_config({"extra": "allow"})
class Figures(TypedDict):
    """A model's figures on rows; beside these the use case's own measures.

    ``positives`` are, of more than two classes, the rarest one's rows; ``chance`` is what the
    deciding measure is of a random model; ``reason`` says why a figure is undefined or unsure.
    """

    rows: int
    positives: int
    chance: float
    too_few: bool
    reason: NotRequired[str]
    evidence: NotRequired["Evidence"]
    people: NotRequired["PeoplesWord"]


class Evidence(TypedDict):
    """In how many accounts or groups rows come, which intervals take together.

    ``columns`` are what tells them, such as payer and payee; without any, rows count as independent
    of each other. There are so many ``clusters``, and as much evidence for what ``positives``
    counts as ``effective`` of them would carry if they were of one size.
    """

    columns: list[str]
    clusters: int
    effective: float


class PeoplesWord(TypedDict):
    """How much people decided of a holdout, and what their disagreement does to the measure.

    ``drawn`` rows were drawn and ``decided`` of them count, with so many ``decisions``; ``several``
    have more than one, ``disputed`` ones that differ. By these people find a positive with the
    chance ``finds`` and take a negative for one with ``mistakes``; ``unsure`` rows could still be
    either, and ``between`` is what the deciding measure is with these taken one way or the other.
    """

    drawn: int
    decided: int
    decisions: int
    several: int
    disputed: int
    unsure: NotRequired[int]
    finds: NotRequired[float | None]
    mistakes: NotRequired[float | None]
    between: list[float] | None


class RuleFigures(TypedDict):
    """Figures of the starting rule itself, and the shares of rows and money it flags."""

    truth: Figures
    share_flagged_rows: NotRequired[float | None]
    share_flagged_money: NotRequired[float | None]


class OutOfFold(TypedDict):
    """Figures on out-of-fold rows, against the truth and the rule, and the rule's own."""

    truth: Figures
    rule: Figures
    the_rule: RuleFigures


class Comparison(TypedDict):
    """Two models on the same rows; no ``difference`` for a ``reason``.

    Of the ``rival`` the holdout tells whether to ``promote`` the challenger over it, as a p-value
    of at most ``level`` does, and how large a difference it would notice: ``detectable``.

    By people's word on drawn rows there are ``surely``, the ends of an interval that holds whenever
    one looks, and ``missing``, how many more rows people must decide.
    """

    metric: NotRequired[str]
    kind: NotRequired[Kind]
    rows: NotRequired[int]
    positives: NotRequired[int]
    too_few: NotRequired[bool]
    challenger: NotRequired[float]
    champion: NotRequired[float]
    difference: Difference | None
    share_better: NotRequired[float]
    rival: NotRequired[Literal["rule", "chance", "champion"]]
    promote: NotRequired[bool]
    level: NotRequired[float]
    detectable: NotRequired[float | None]
    surely: NotRequired[list[float]]
    missing: NotRequired[int]
    reason: NotRequired[str]


class Bootstrap(TypedDict):
    """The confidence of intervals; of earlier releases, also the samples behind them."""

    repeats: NotRequired[int]
    confidence: float


class Answer(TypedDict):
    """The holdout's answer about a candidate, as the ledger keeps it.

    Of a comparison its figures are the rows', not the model's; only a promoted model has its
    deciding measure, rounded.
    """

    truth: Figures
    rule: Figures
    against_rule: Comparison
    against_champion: Comparison
    bootstrap: Bootstrap
    mechanism: NotRequired[Mechanism]
    guarantee: NotRequired[Guarantee]
    told: NotRequired[list[Told]]


class Holdout(TypedDict):
    """The holdout's reply: its status, the question's number, and the figures."""

    status: Literal["answered", "too_small", "refused"]
    question: int | None
    reason: str
    truth: Figures | None
    rule: Figures | None
    rule_comparison: Comparison | None
    rule_comparison_reason: str
    bootstrap: Bootstrap | None
    mechanism: NotRequired[Mechanism]
    guarantee: NotRequired[Guarantee]


class Champion(TypedDict):
    """The comparison with the champion; none for a ``reason``."""

    version: int | None
    comparison: Comparison | None
    reason: str


class HoldoutStatus(TypedDict):
    """A holdout's cut, budget and spent questions; null where it was never asked.

    ``inherited`` of the spent questions were asked of holdouts that share rows with it, which are
    ``inherited_from``. In an evaluation ``head`` is the ledger's link of the answer, or its newest
    one if refused.
    """

    usecase: str
    source: str
    set: str
    generation: int
    boundary: str | None
    until: str | None
    rows: int | None
    positives: int | None
    budget: int | None
    spent: int
    left: int | None
    opened_at: str | None
    status: Literal["open", "spent", "retired"]
    inherited: NotRequired[int]
    inherited_from: NotRequired[list[str]]
    head: NotRequired[Head | None]


class Point(TypedDict):
    """A point of the cost curve: the mean cost of a row at a threshold."""

    threshold: float
    cost: float
    interval: list[float]


class Threshold(TypedDict):
    """The threshold of least expected cost, and what flagging nothing or all would cost a row."""

    value: float
    interval: list[float] | None
    cost: Figure | None
    kind: Kind
    total: NotRequired[float]
    flag_nothing: NotRequired[float]
    flag_everything: NotRequired[float]
    reason: NotRequired[str]


class CalibrationBin(TypedDict):
    """A bin of a calibration curve: mean score, observed share, its interval, and rows."""

    score: float
    share: float
    interval: list[float]
    rows: int


class Curves(TypedDict):
    """Curves of out-of-fold rows as points, and against what they are drawn."""

    kind: Kind
    precision_recall: list[list[float]]
    roc: list[list[float]]
    calibration: list[CalibrationBin]


class RankingParts(TypedDict, total=False):
    """What only models that rank rows have."""

    threshold: Threshold
    cost_curve: list[Point]
    curves: Curves


class Estimates(TypedDict):
    """A figure on the random sample, on all decided rows, and their difference."""

    random: Figure
    naive: Figure
    bias: Figure


class Few(TypedDict):
    """Whether a class of the sample has too few cases, and which."""

    too_few: bool
    reason: NotRequired[str]


class Sample(TypedDict):
    """How many rows are in the frame, drawn from it, and decided."""

    frame: int
    drawn_to: float
    drawn: int
    decided: int
    undecided: int


class Review(Few):
    """Figures by people's decisions, see :func:`vouch.stages.evaluate.review.review`."""

    reviewed: int
    outside: int
    random: Sample
    metrics: dict[str, Estimates]
    by_class: dict[str, dict[str, int]]


class Reference(TypedDict):
    """A reference figure (without ``citation``: measured by this project) beside ours."""

    figure: str
    kind: Kind
    value: float
    citation: str | None
    ours: float | None
    interval: list[float] | None
    on: Literal["holdout", "out_of_fold"]
    too_few: bool | None
    remark: str


class Evaluation(Freezable):
    """A candidate's figures.

    Attributes:
        metric: The measure that decides.
        kind: Against what: the truth where it is known.
        confidence: Of the intervals out of fold.
        out_of_fold: Figures on out-of-fold rows.
        holdout: The holdout's reply.
        threshold: Of rankings, the threshold that decides.
        cost_curve: Of rankings, the cost of a row by threshold, thresholds falling.
        curves: Of rankings, curves on out-of-fold rows.
        review: Figures by people's decisions; None: nobody decided anything.
        champion: The comparison with the champion.
        ledger: The holdout's status after the question.
        published: Reference figures beside ours.
        warnings: Sentences for people.
    """

    metric: str
    kind: Kind
    confidence: float
    out_of_fold: OutOfFold
    holdout: Holdout
    threshold: Threshold | None = None
    cost_curve: list[Point] = Field(default_factory=list)
    curves: Curves | None = None
    review: Review | None
    champion: Champion
    ledger: HoldoutStatus | None
    published: list[Reference]
    warnings: list[str]

    @property
    def cut(self) -> float | None:
        """The score from which a row is flagged; None: the likeliest class decides."""
        return None if self.threshold is None else self.threshold["value"]


def compared(comparison: Comparison) -> bool:
    """Return whether two models were compared, rather than not for a reason."""
    return comparison["difference"] is not None or "promote" in comparison


def figure_of(figures: Mapping[str, object] | None, metric: str) -> Figure | None:
    """Return one of a use case's own measures; None where it was not measured."""
    return cast("Figure | None", (figures or {}).get(metric))
