"""What only the report on texts shows: words that speak for a class, slices, sureness, mistakes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, cast

import numpy as np

from vouch.core.files import read_json
from vouch.models.agreement import TREESHAP
from vouch.pages import figures
from vouch.pages.cards import card, headline_part
from vouch.results.evaluate import Figures, figure_of
from vouch.results.report import Results
from vouch.results.tune import Leaderboard
from vouch.sources.declaration import Declaration
from vouch.usecases.classes import class_names
from vouch.usecases.params import ReportParams

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vouch.usecases.sentiment.judge import Bin, Classified, Coverage

TEMPLATES = Path(__file__).parent / "templates"


def content(
    source: Declaration,
    paths: Mapping[str, Path],
    results: Results,
    params: ReportParams,
) -> dict[str, Any]:
    """Return what the page shows beside the stages' summaries.

    Args:
        source: The source.
        paths: Where ``tree`` (the model's words) and ``explanations`` are.
        results: What the stages wrote.
        params: How long the page's lists are; none here.
    """
    names = class_names(source)
    part, where = headline_part(results.evaluation)
    truth, rule, metric = part["truth"], part["rule"], results.evaluation.metric
    return {
        "templates": TEMPLATES,
        "classes": names,
        "label_classes": names,
        "kinds": kinds(names),
        "judged": part,
        "where": where,
        "words": _words(paths["tree"]),
        "cases": _cases(paths["explanations"]),
        "headline": [
            card(figure_of(truth, metric), "macro-recall against truth", where),
            card(figure_of(truth, "accuracy"), "accuracy against truth", where),
            card(figure_of(rule, metric), "macro-recall against the rule", where),
        ],
        "images": _images(
            # curves of blinded figures are withheld
            None if results.evaluation.blind else truth if truth and truth["rows"] else rule,
            results.leaderboard,
        ),
    }


def kinds(names: Sequence[str]) -> dict[str, str]:
    """Return the headings of the explained texts, by their kind."""
    return {
        **{f"surest_{name}": f"The surest {name} texts" for name in names},
        "mistake": "The surest mistakes",
        "least_certain": "The least certain texts",
        "covering": "Texts that together cover the model",
    }


class Words(TypedDict):
    """The picture of the strongest n-grams, and the n-grams by class."""

    image: str
    strongest: dict[str, list[Any]]


def _words(folder: Path) -> Words:
    """Read the n-grams that speak most strongly for each class, and their picture."""
    drawn = folder / "words.svg"
    return {
        "image": figures.inline(drawn.read_bytes()) if drawn.exists() else "",
        "strongest": read_json(folder / "words.json").get("strongest") or {},
    }


def _cases(explanations: Path) -> list[dict[str, Any]]:
    """Gather each explained text, cut into pieces with the weight of each."""
    import pyarrow.parquet as pq

    cases: dict[tuple[str, str], dict[str, Any]] = {}
    for row in pq.read_table(explanations).to_pylist():
        case = cases.setdefault((row["kind"], row["id"]), {**row, "tokens": [], "treeshap": []})
        if row["method"] == TREESHAP:
            case["treeshap"].append((row["token"], row["weight"]))
        elif row["token"] is not None:
            case["tokens"].append((row["start"], row["token"], row["weight"]))
    for case in cases.values():
        case["pieces"] = list(pieces(case["text"], case["tokens"]))
    return list(cases.values())


class Piece(TypedDict):
    """A piece of a text, see :func:`pieces`."""

    text: str
    weight: float
    shade: float


def pieces(text: str, tokens: Sequence[tuple[int, str, float]]) -> list[Piece]:
    """Cut a text at its explained tokens.

    Args:
        text: The text.
        tokens: Start, token and weight of each; none overlap.

    Returns:
        Pieces that make up the text, each with ``text``, ``weight`` (0 between tokens) and
        ``shade``, the weight's size against the heaviest one, 0 to 1.
    """
    heaviest = max((abs(weight) for _, _, weight in tokens), default=0.0) or 1.0
    parts, at = list[Piece](), 0
    for start, token, weight in sorted(tokens):
        parts.append({"text": text[at:start], "weight": 0.0, "shade": 0.0})
        parts.append({"text": token, "weight": weight, "shade": abs(weight) / heaviest})
        at = start + len(token)
    parts.append({"text": text[at:], "weight": 0.0, "shade": 0.0})
    return [piece for piece in parts if piece["text"]]


def _images(figures_of: Figures | None, leaderboard: Leaderboard) -> dict[str, str]:
    judged = cast("Classified | None", figures_of)
    drawn = {
        "coverage": _coverage(judged["coverage"]) if judged else None,
        "calibration": _calibration(judged["calibration"]["bins"]) if judged else None,
        "trials": figures.trials(leaderboard),
    }
    return {name: figures.inline(figures.svg(figure)) for name, figure in drawn.items()}


def _coverage(points: "list[Coverage]") -> "Figure | None":
    """Draw accuracy over the share of surest texts kept; None without rows."""
    if not points:
        return None
    figure, axes = figures.axes_of("share of texts answered, the surest first", "share right")
    x = [point["coverage"] for point in points]
    right = np.array([point["accuracy"]["value"] for point in points])
    axes.plot(x, right, color="#0b5fa5", marker="o")
    low, high = np.array([point["accuracy"]["interval"] for point in points]).T
    axes.fill_between(x, low, high, color="#0b5fa5", alpha=0.15, linewidth=0)
    axes.set_ylim(top=1.01)
    return figure


def _calibration(bins: "list[Bin]") -> "Figure | None":
    """Draw observed over predicted shares of a class; None without rows."""
    if not bins:
        return None
    figure, axes = figures.axes_of("predicted probability of a class", "share of texts of it")
    axes.plot([0, 1], [0, 1], ":", color=figures.INK, linewidth=1, label="perfect")
    x, y = [point["score"] for point in bins], [point["share"] for point in bins]
    ends = [[abs(point["interval"][i] - point["share"]) for point in bins] for i in (0, 1)]
    axes.errorbar(x, y, ends, fmt="o", color="#0b5fa5", capsize=2, label="observed")
    axes.legend(frameon=False, loc="upper left")
    return figure
