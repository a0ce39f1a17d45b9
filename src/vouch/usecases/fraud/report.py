"""What only the report on a ranking shows: money, categories, curves, the tree, features' bars."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from vouch.core.files import read_json
from vouch.metrics import totals as facts
from vouch.models.agreement import LIME, TREESHAP
from vouch.pages import figures, formats
from vouch.pages.cards import card, headline_part
from vouch.pages.figures import inline
from vouch.results.evaluate import Evaluation, figure_of
from vouch.results.report import Results
from vouch.results.tune import Leaderboard
from vouch.sources.declaration import Declaration
from vouch.usecases.params import ReportParams

TEMPLATES = Path(__file__).parent / "templates"
KINDS = {
    "riskiest": "The riskiest cases",
    "least_certain": "The least certain cases",
    "covering": "Cases that together cover the model",
}
"""Headings of the explained cases."""


def content(
    source: Declaration,
    paths: Mapping[str, Path],
    results: Results,
    params: ReportParams,
) -> dict[str, Any]:
    """Return what the page shows beside the stages' summaries.

    Args:
        source: The source.
        paths: Where ``rows``, ``predictions``, ``tree`` and ``explanations`` are.
        results: What the stages wrote.
        params: How long its lists are.
    """
    evaluation, leaderboard = results.evaluation, results.leaderboard
    return {
        "templates": TEMPLATES,
        **_counted(paths["rows"], paths["predictions"], source, evaluation, params),
        "tree": _tree(paths["tree"]),
        "kinds": KINDS,
        "cases": _cases(paths["explanations"]),
        "images": _images(evaluation, leaderboard),
        "headline": _headline(source, evaluation),
    }


def _headline(source: Declaration, evaluation: Evaluation) -> list[dict[str, str]]:
    """Choose the figures a reader sees first."""
    judged, where = headline_part(evaluation)
    truth, rule = judged["truth"], judged["rule"]
    right = figure_of(truth, "precision_at_capacity")
    write = formats.metric if evaluation.blind else formats.share  # blinded it is no share
    return [
        card(figure_of(truth, evaluation.metric), "average precision against truth", where),
        card(figure_of(rule, evaluation.metric), "average precision against the rule", where),
        {
            "value": write(right and right["value"]),
            "label": "of reviewed cases would be right",
            "note": f"{formats.count(source.capacity)} reviews a day, {where}",
        },
    ]


class Counted(TypedDict):
    """Flagged shares of all rows, and of each category's values."""

    flagged: facts.Flagged
    categories: list[facts.Category]


class Tree(TypedDict):
    """The decision tree as image, rules and SQL, and the content of ``tree.json``."""

    image: str
    rules: str
    sql: str
    about: dict[str, Any] | None


def _counted(
    rows: Path,
    predictions: Path,
    source: Declaration,
    evaluation: Evaluation,
    params: ReportParams,
) -> Counted:
    # what the model flags bounds how often it is right
    cut = None if evaluation.blind else evaluation.cut
    return {
        "flagged": facts.flagged(predictions, cut),
        "categories": facts.by_category(
            rows, predictions, source, threshold=cut, most=params.categories
        ),
    }


def _tree(folder: Path) -> Tree:
    def text(name: str) -> str:
        return (folder / name).read_text() if (folder / name).exists() else ""

    drawn = text("tree.svg")
    return {
        "image": inline(drawn.encode()) if drawn else "",
        "rules": text("tree.txt"),
        "sql": text("tree.sql"),
        "about": read_json(folder / "tree.json") if text("tree.json") else None,
    }


def _cases(explanations: Path) -> list[dict[str, Any]]:
    """Gather the rows of each explained case: what holds of it, and what it adds by each method.

    Bars are scaled to the longest of their method in the case.
    """
    import pyarrow.parquet as pq

    cases: dict[tuple[str, str], dict[str, Any]] = {}
    for row in pq.read_table(explanations).to_pylist():
        case = cases.setdefault((row["kind"], row["id"]), {**row, "bars": {}})
        bar = case["bars"].setdefault(row["feature"], {"condition": row["condition"]})
        bar[row["method"]] = {"weight": row["weight"]}
    for case in cases.values():
        case["bars"] = list(case["bars"].values())
        for method in (LIME, TREESHAP):
            drawn = [bar[method] for bar in case["bars"] if method in bar]
            longest = max((abs(one["weight"]) for one in drawn), default=0.0) or 1.0
            for one in drawn:
                one["width"] = 50 * abs(one["weight"]) / longest
    return list(cases.values())


def _images(evaluation: Evaluation, leaderboard: Leaderboard) -> dict[str, str]:
    drawn = {
        "precision_recall": figures.precision_recall(evaluation),
        "roc": figures.roc(evaluation),
        "calibration": figures.calibration(evaluation),
        "cost": figures.cost(evaluation),
        "trials": figures.trials(leaderboard),
    }
    return {name: inline(figures.svg(figure)) for name, figure in drawn.items()}
