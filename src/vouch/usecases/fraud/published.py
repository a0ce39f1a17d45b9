"""Reference figures for the built-in sources, beside ours: published ones, and measured ones.

A published figure names where it was published; without that it was measured by this project, and
its remark says how.
"""

from dataclasses import dataclass
from typing import Any

from vouch.results.evaluate import Answer, Kind, OutOfFold, Reference


@dataclass(frozen=True)
class Figure:
    """A reference figure.

    Attributes:
        what: What was measured, on which model.
        kind: Against truth or against the rule.
        value: The value.
        ours: The key of our figure in the evaluation's figures of that kind.
        remark: How the protocols differ; of a figure measured here also how it was measured.
        citation: Where it was published; None: measured by this project.
    """

    what: str
    kind: Kind
    value: float
    ours: str
    remark: str
    citation: str | None = None


POST = "Databricks: Detecting Financial Fraud at Scale with Decision Trees and MLflow"
HANDBOOK = "Le Borgne et al.: Fraud Detection Handbook, chapter 5, later months"
TREE = (
    "published on a random 80/20 split by an evaluator that is not shown, probably on hard 0/1 "
    "decisions; ours on later rows than trained on, by a model that also learns from the truth"
)
FOREST = (
    "measured by this project on a sample of PaySim's file, 5 random folds, reweighted to the true "
    "base rate; ours on later rows than trained on"
)
RULE = "measured by this project: the rule against the truth in PaySim's file"
FLAGGED = "published of the study's own data; ours of this file"
WEEK = (
    "published: one week of training, one of delay, one assessed, cards known by then left out; "
    "`vouch backtest cards` measures by that protocol"
)
PAYSIM = (
    Figure(
        "decision tree, unbalanced: area under PR",
        "rule",
        0.9539,
        "average_precision",
        TREE,
        POST,
    ),
    Figure(
        "decision tree, balanced: area under PR",
        "rule",
        0.9905,
        "average_precision",
        TREE,
        POST,
    ),
    Figure("decision tree, unbalanced: area under ROC", "rule", 0.9984, "roc_auc", TREE, POST),
    Figure("decision tree, balanced: area under ROC", "rule", 0.9998, "roc_auc", TREE, POST),
    Figure("random forest, all balances: AP", "truth", 0.81, "average_precision", FOREST),
    Figure("the rule: precision", "truth", 0.029, "the_rule.truth.precision", RULE),
    Figure("the rule: recall", "truth", 0.936, "the_rule.truth.recall", RULE),
    Figure(
        "a tree that relearns the rule: AP",
        "truth",
        0.027,
        "the_rule.truth.average_precision",
        RULE,
    ),
    Figure(
        "share of rows the rule flags",
        "rule",
        0.04,
        "the_rule.share_flagged_rows",
        FLAGGED,
        POST,
    ),
    Figure(
        "share of money the rule flags",
        "rule",
        0.11,
        "the_rule.share_flagged_money",
        FLAGGED,
        POST,
    ),
)
_CARDS = {
    "logistic regression": (0.868, 0.623, 0.297),
    "random forest": (0.870, 0.678, 0.299),
    "XGBoost": (0.869, 0.687, 0.303),
    "neural net": (0.876, 0.675, 0.303),
    "balanced bagging": (0.879, 0.680, 0.305),
}
_MEASURES = (
    ("AUC ROC", "roc_auc"),
    ("AP", "average_precision"),
    ("card precision@100", "precision_at_capacity"),
)
CARDS = tuple(
    Figure(f"{model}: {name}", "truth", value, ours, WEEK, HANDBOOK)
    for model, values in _CARDS.items()
    for (name, ours), value in zip(_MEASURES, values, strict=True)
)
FIGURES = {"paysim": PAYSIM, "cards": CARDS}


def side_by_side(source: str, out_of_fold: OutOfFold, holdout: Answer | None) -> list[Reference]:
    """Return reference figures beside ours.

    Args:
        source: The source's name; none but the built-in ones have reference figures.
        out_of_fold: Figures on out-of-fold rows: ``truth``, ``rule`` and ``the_rule``.
        holdout: What the holdout told: ``truth`` and ``rule``; None if it did not answer.

    Returns:
        One row a figure: ``figure``, ``kind``, ``value``, ``citation`` (None: measured by
        this project), ``ours``, ``interval``, ``on``
        (``holdout`` or ``out_of_fold``), ``too_few``, ``remark``; null where ours is undefined.
    """
    return [_row(figure, out_of_fold, holdout) for figure in FIGURES.get(source, ())]


def _row(figure: Figure, out_of_fold: OutOfFold, holdout: Answer | None) -> Reference:
    path = figure.ours.split(".") if "." in figure.ours else [figure.kind, figure.ours]
    told: Any = holdout and holdout.get(path[0])
    inside = path[0] == "the_rule" or not told or path[-1] not in told
    part: Any = out_of_fold if inside else holdout
    for step in path[:-1]:
        part = part[step]
    ours = part[path[-1]]
    ours = ours if isinstance(ours, dict) else {"value": ours, "interval": None}
    return {
        "figure": figure.what,
        "kind": figure.kind,
        "value": figure.value,
        "citation": figure.citation,
        "ours": ours["value"],
        "interval": ours["interval"],
        "on": "out_of_fold" if inside else "holdout",
        "too_few": part.get("too_few"),
        "remark": figure.remark,
    }
