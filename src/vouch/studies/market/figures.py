"""The market report's figures; each can be read without colours."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vouch.pages.figures import GRID, INK
from vouch.studies.market.tweets import CLASSES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#b45309", "#6b7280", "#0b5fa5")
"""Of negative, neutral and positive."""
MARKERS = "osD^vPX*<>"
BUCKETS = 130
"""Most points of a curve over time."""
NAMES = {
    "sentiment": "sum of sentiment",
    "tweets": "number of tweets",
    "followers": "followers",
    "retweets": "retweets",
}
SHOWN = 3
"""Assets whose sentiment and price are drawn."""


def lengths(texts: pd.DataFrame) -> "Figure":
    """Draw how long the texts of each class are."""
    figure, axes = _grid(1, 1, (5.6, 3.4))
    present = [n for n in range(3) if (texts["class"] == n).sum() > 1]
    groups = [texts.loc[texts["class"] == n, "length"].to_numpy(float) for n in present]
    drawn = axes[0].violinplot(groups, range(len(present)), showmedians=True, widths=0.8)
    bodies: Any = drawn["bodies"]
    for n, body in zip(present, bodies, strict=True):
        body.set(facecolor=COLOURS[n], alpha=0.45)
    for part in ("cmedians", "cmins", "cmaxes", "cbars"):
        drawn[part].set(color=INK, linewidth=1)
    axes[0].set_xticks(range(len(present)), [CLASSES[n] for n in present])
    axes[0].set_ylabel("characters", color=INK)
    return figure


def cloud(words: Mapping[str, float], label: int) -> bytes | None:
    """Draw a word cloud as PNG, words more typical of the class larger; None without words."""
    from wordcloud import WordCloud

    if not words:
        return None
    image = WordCloud(
        width=720,
        height=480,
        background_color="white",
        color_func=lambda *_args, **_rest: COLOURS[label],
        prefer_horizontal=1.0,
        relative_scaling=0.5,
        random_state=0,
    ).generate_from_frequencies(words)
    place = io.BytesIO()
    image.to_image().quantize(32).save(place, format="png")
    return place.getvalue()


def volume(daily: pd.DataFrame) -> "Figure":
    """Draw tweets of each class over time, stacked.

    Args:
        daily: Index: the time each bucket begins; columns ``CLASSES``.
    """
    figure, axes = _grid(1, 1, (10.4, 2.8))
    width = (daily.index[1] - daily.index[0]) * 0.9 if len(daily) > 1 else 0.9
    bottom = np.zeros(len(daily))
    for name, colour, hatch in zip(CLASSES, COLOURS, ("//", "", ".."), strict=True):
        bars = {"label": name, "color": colour, "hatch": hatch, "edgecolor": "white"}
        axes[0].bar(daily.index, daily[name], width, bottom, linewidth=0, align="edge", **bars)
        bottom += daily[name].to_numpy(float)
    axes[0].set_ylabel("tweets", color=INK)
    figure.legend(frameon=False, loc="outside upper right", ncols=3, fontsize="small")
    _dates(axes[0])
    return figure


def over_time(assets: Mapping[str, pd.DataFrame]) -> "Figure | None":
    """Draw each asset's sentiment as bars and its price as a line.

    Args:
        assets: Name to a frame by time: ``sentiment`` (mean a tweet) and ``price``, NaN where
            there is none.
    """
    if not assets:
        return None
    figure, axes = _grid(len(assets), 1, (10.4, 2.5 * len(assets)))
    for axis, (name, rows) in zip(axes, assets.items(), strict=True):
        width = (rows.index[1] - rows.index[0]) * 0.9 if len(rows) > 1 else 0.9
        colours = np.where(rows["sentiment"] < 0, COLOURS[0], COLOURS[2])
        axis.bar(rows.index, rows["sentiment"], width, color=colours, alpha=0.45, align="edge")
        axis.axhline(0, color=INK, linewidth=0.7)
        axis.set_ylabel(f"{name}: sentiment\nof a tweet (bars)", color=INK)
        _dates(axis)
        if rows["price"].notna().any():
            other = axis.twinx()
            other.plot(rows.index, rows["price"], color=INK, linewidth=1.3)
            other.set_ylabel("price (line)", color=INK)
            other.yaxis.set_major_formatter("{x:,g}")
            other.spines[["top", "left", "bottom"]].set_visible(False)
    return figure


def volatility(days: pd.DataFrame) -> "Figure | None":
    """Draw each day's volatility over its tweets, both on logarithmic scales.

    Args:
        days: ``asset``, ``tweets`` and ``volatility`` (a share), both above 0.
    """
    if days.empty:
        return None
    figure, axes = _grid(1, 1, (5.6, 4))
    for marker, (name, rows) in zip(MARKERS * 9, days.groupby("asset"), strict=False):
        axes[0].scatter(
            rows["tweets"], 100 * rows["volatility"], 14, marker=marker, alpha=0.6, label=name
        )
    axes[0].set(xscale="log", yscale="log")
    axes[0].set_xlabel("tweets about the asset in a day", color=INK)
    axes[0].set_ylabel("volatility of the day, %", color=INK)
    axes[0].yaxis.set_major_formatter("{x:g}")
    axes[0].xaxis.set_major_formatter("{x:g}")
    figure.legend(frameon=False, loc="outside right upper", fontsize="small")
    return figure


def correlogram(tests: Sequence[Mapping[str, Any]], series: str) -> "Figure | None":
    """Draw each impulse's correlation with the return by lag; found ones are filled."""
    if not tests:
        return None
    figure, axes = _grid(2, 2, (10.4, 5.6), sharex=True)
    for axis, (impulse, name) in zip(axes, NAMES.items(), strict=True):
        rows = [
            t
            for t in tests
            if (t["impulse"], t["series"]) == (impulse, series) and t["correlation"]["interval"]
        ]
        rows.sort(key=lambda test: test["lag"])
        axis.axhline(0, color=INK, linewidth=0.8)
        axis.axvspan(-0.5, 0.5, color=GRID, alpha=0.6, linewidth=0)
        for filled in (True, False):
            _points(axis, [t for t in rows if t["found"] == filled], filled=filled)
        axis.set_title(name, fontsize="medium", color=INK)
    for axis in axes[2:]:
        axis.set_xlabel("windows by which the price comes later", color=INK)
    for axis in axes[::2]:
        axis.set_ylabel("correlation", color=INK)
    return figure


def _points(axes: "Axes", rows: Sequence[Mapping[str, Any]], *, filled: bool) -> None:
    if not rows:
        return
    values = [t["correlation"]["value"] for t in rows]
    ends = np.array([t["correlation"]["interval"] for t in rows]).T
    axes.errorbar(
        [t["lag"] for t in rows],
        values,
        np.abs(ends - values),
        fmt="o",
        color=COLOURS[2],
        markerfacecolor=COLOURS[2] if filled else "white",
        capsize=2,
        linewidth=1,
    )


def buckets(since: Any, until: Any) -> str:
    """Return how long a bucket of a curve over time is, so that there are not too many."""
    days = (until - since) / pd.Timedelta(days=1)
    for rule, length in (("1h", 1 / 24), ("6h", 0.25), ("1D", 1), ("7D", 7), ("28D", 28)):
        if days / length <= BUCKETS:
            return rule
    return "364D"


def _grid(
    rows: int, columns: int, size: tuple[float, float], **options: Any
) -> tuple["Figure", list["Axes"]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    drawn = list(figure.subplots(rows, columns, squeeze=False, **options).ravel())
    for axes in drawn:
        axes.grid(color=GRID, linewidth=0.7)
        axes.set_axisbelow(True)
        axes.tick_params(colors=INK)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(INK)
    return figure, drawn


def _dates(axes: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    place = AutoDateLocator()
    axes.xaxis.set_major_locator(place)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(place))
