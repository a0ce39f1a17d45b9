"""The report's figures, as SVG for the page and as PNG for anyone else.

Every figure is drawn from JSON that a stage wrote, is the same bytes for the same JSON, and can be
told apart without colour.
"""

import io
from base64 import b64encode
from datetime import datetime
from itertools import accumulate
from typing import TYPE_CHECKING

from vouch.pages.formats import words
from vouch.results.evaluate import Evaluation
from vouch.results.report import Known, Sliding
from vouch.results.tune import Leaderboard

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GRID = "#1f2933", "#d9dee3"
COLOURS = {"truth": "#0b5fa5", "rule": "#b45309", "random": "#6b7280", "tpe": "#0b5fa5"}
SAID = {"truth": "against truth", "rule": "against the rule"}
SIZE = (5.2, 3.7)


def precision_recall(evaluation: Evaluation) -> "Figure | None":
    """Draw precision over recall of the out-of-fold rows; None where there is no curve."""
    curves = evaluation.curves
    if curves is None or not curves["precision_recall"]:
        return None
    kind, points = curves["kind"], curves["precision_recall"]
    figure, axes = axes_of("recall: share of positives found", "precision: share of flags right")
    recall, precision = zip(*points, strict=True)
    axes.plot(recall, precision, color=COLOURS[kind], label=SAID[kind])
    _unit(axes, "lower left")
    return figure


def roc(evaluation: Evaluation) -> "Figure | None":
    """Draw the receiver operating characteristic; None where there is no curve."""
    curves = evaluation.curves
    if curves is None or not curves["roc"]:
        return None
    kind, points = curves["kind"], curves["roc"]
    figure, axes = axes_of("share of negatives flagged", "share of positives flagged")
    axes.plot([0, 1], [0, 1], ":", color=INK, linewidth=1, label="chance")
    false, true = zip(*points, strict=True)
    axes.plot(false, true, color=COLOURS[kind], label=SAID[kind])
    _unit(axes, "lower right")
    return figure


def calibration(evaluation: Evaluation) -> "Figure | None":
    """Draw observed shares over predicted probabilities; None where there is no curve."""
    curves = evaluation.curves
    if curves is None or not curves["calibration"]:
        return None
    kind, points = curves["kind"], curves["calibration"]
    figure, axes = axes_of("predicted probability", "observed share of positives")
    low = min([0.1, *(point["score"] for point in points if point["score"] > 0)])
    axes.plot([low, 1], [low, 1], ":", color=INK, linewidth=1, label="perfect")
    predicted, observed = ([p["score"] for p in points], [p["share"] for p in points])
    ends = [[abs(point["interval"][i] - point["share"]) for point in points] for i in (0, 1)]
    colour = COLOURS[kind]
    axes.errorbar(predicted, observed, ends, fmt="o", color=colour, label=SAID[kind], capsize=2)
    # frauds are rare: on a linear scale all bins but the last would be one point
    axes.set_xscale("symlog", linthresh=low)
    axes.set_yscale("symlog", linthresh=low)
    axes.legend(frameon=False, loc="upper left")
    return figure


def cost(evaluation: Evaluation) -> "Figure | None":
    """Draw the cost of a row over the threshold and mark the chosen one; None without a curve."""
    points = [point for point in evaluation.cost_curve if point["threshold"] <= 1]
    if not points:
        return None
    figure, axes = axes_of("threshold: flag from this probability on", "cost of a row")
    thresholds = [point["threshold"] for point in points]
    axes.plot(thresholds, [point["cost"] for point in points], color=COLOURS["truth"], label="cost")
    low, high = zip(*(point["interval"] for point in points), strict=True)
    axes.fill_between(thresholds, low, high, color=COLOURS["truth"], alpha=0.15, linewidth=0)
    chosen = evaluation.cut
    if chosen is not None and chosen <= 1:
        axes.axvline(chosen, color=COLOURS["rule"], linestyle="--", label=f"chosen: {chosen:.3g}")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
    return figure


def trials(leaderboard: Leaderboard) -> "Figure | None":
    """Draw each trial's measure and the best so far, by sampler; None without trials."""
    done = [(t["sampler"], t["value"]) for t in leaderboard.trials if t["value"] is not None]
    if not done:
        return None
    metric = words(leaderboard.metric).lower()
    blinded = ", blinded" * bool(leaderboard.blind)
    figure, axes = axes_of("trial of its sampler", f"{metric}, out of fold{blinded}")
    for sampler, marker in (("random", "s"), ("tpe", "o")):
        values = [value for name, value in done if name == sampler]
        if not values:
            continue
        order, colour = range(1, len(values) + 1), COLOURS[sampler]
        shown = "TPE" if sampler == "tpe" else "random search"
        axes.scatter(order, values, 16, color=colour, marker=marker, alpha=0.6, label=shown)
        best = list(accumulate(values, max))
        axes.step(order, best, where="post", color=colour, label=f"best so far, {shown}")
    # outside: the points may lie anywhere
    figure.legend(frameon=False, loc="outside upper center", ncols=2, fontsize="small")
    return figure


def sliding(past: Sliding | None) -> "Figure | None":
    """Draw a measure as it would have been reported at past dates, beside what is known now."""
    if past is None:
        return None
    figure, axes = axes_of("date of the report", f"{words(past['metric']).lower()}, out of fold")
    _line(axes, [(p["at"], p["then"]) for p in past["points"]], "rule", "s--", "as known then")
    _line(axes, [(p["at"], p["now"]) for p in past["points"]], "truth", "o-", "as known now")
    axes.set_ylim(-0.01, 1.03)
    axes.tick_params("x", rotation=30)
    # outside: the points may lie anywhere
    figure.legend(frameon=False, loc="outside upper center", ncols=2, fontsize="small")
    return figure


def _line(
    axes: "Axes", points: list[tuple[str, Known]], colour: str, style: str, label: str
) -> None:
    drawn = [
        (datetime.fromisoformat(at), part["figure"]["value"], *part["figure"]["interval"])
        for at, part in points
        if part["figure"]["interval"] is not None
    ]
    if not drawn:
        return
    dates, values, lows, highs = zip(*drawn, strict=True)
    axes.plot(dates, values, style, color=COLOURS[colour], label=label, markersize=4)
    axes.fill_between(dates, lows, highs, color=COLOURS[colour], alpha=0.12, linewidth=0)


def precision_recall_png(evaluation: Evaluation) -> bytes | None:
    """Draw precision over recall as PNG; None where there is no curve."""
    return png(precision_recall(evaluation))


def roc_png(evaluation: Evaluation) -> bytes | None:
    """Draw the receiver operating characteristic as PNG; None where there is no curve."""
    return png(roc(evaluation))


def calibration_png(evaluation: Evaluation) -> bytes | None:
    """Draw the calibration as PNG; None where there is no curve."""
    return png(calibration(evaluation))


def cost_png(evaluation: Evaluation) -> bytes | None:
    """Draw the cost curve as PNG; None where there is no curve."""
    return png(cost(evaluation))


def trials_png(leaderboard: Leaderboard) -> bytes | None:
    """Draw the trials as PNG; None where there are none."""
    return png(trials(leaderboard))


def png(figure: "Figure | None") -> bytes | None:
    """Render a figure as PNG, 120 dots an inch."""
    return None if figure is None else _rendered(figure, "png", {"Software": None})


def svg(figure: "Figure | None") -> bytes | None:
    """Render a figure as SVG that needs no font."""
    return None if figure is None else _rendered(figure, "svg", {"Date": None})


def inline(image: bytes | None) -> str:
    """Write an SVG as a data URL: as an image it runs no scripts and loads nothing."""
    return f"data:image/svg+xml;base64,{b64encode(image).decode()}" if image else ""


def _rendered(figure: "Figure", kind: str, metadata: dict[str, None]) -> bytes:
    import matplotlib as mpl

    place = io.BytesIO()
    # ids in an SVG are random and its date is now, unless told otherwise
    with mpl.rc_context({"svg.hashsalt": "vouch", "svg.fonttype": "path"}):
        figure.savefig(place, format=kind, dpi=120, metadata=metadata)
    return place.getvalue()


def axes_of(x: str, y: str) -> tuple["Figure", "Axes"]:
    """Begin a figure in the page's look, with its axes' names."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK)
    for side in axes.spines:
        axes.spines[side].set_visible(side in {"left", "bottom"})
        axes.spines[side].set_color(INK)
    return figure, axes


def _unit(axes: "Axes", place: str) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.03)
    axes.legend(frameon=False, loc=place)
