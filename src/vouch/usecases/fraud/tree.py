"""The best decision tree for people: a drawing, rules as text, and SQL that decides the same."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vouch.core.files import write_json
from vouch.usecases.fraud.models import Fitted, deflate

DRAWN = 4  # levels that still can be read in a drawing


@dataclass(frozen=True)
class Node:
    """A node of a fitted tree.

    Attributes:
        probability: Of a positive among the rows that reach it, corrected as in ``predict``.
        rows: How many rows it was fitted on.
        feature: What it asks for; None in a leaf.
        threshold: Rows up to it, inclusive, go left; may be infinite: then all that are defined.
        undefined_left: Whether rows without the feature go left.
        left: The child on the left.
        right: The child on the right.
    """

    probability: float
    rows: int
    feature: str | None = None
    threshold: float = np.nan
    undefined_left: bool = False
    left: "Node | None" = None
    right: "Node | None" = None

    @property
    def children(self) -> "tuple[Node, Node] | None":
        """Both children; None in a leaf."""
        return (self.left, self.right) if self.left and self.right else None

    def leaves(self, levels: int | None = None) -> int:
        """Count the leaves, or the nodes at the end of so many levels."""
        if not self.children or levels == 0:
            return 1
        below = None if levels is None else levels - 1
        return sum(child.leaves(below) for child in self.children)

    def depth(self) -> int:
        """Count the questions on the longest way to a leaf."""
        return 1 + max(c.depth() for c in self.children) if self.children else 0


def read(fitted: Fitted) -> Node:
    """Read a fitted decision tree."""
    tree = fitted.estimator.tree_
    values = deflate(tree.value[:, 0, 1].astype(np.float64), fitted.inflation)
    nodes = tree.__getstate__()["nodes"]

    def at(index: int) -> Node:
        node = nodes[index]
        probability, rows = float(values[index]), int(node["n_node_samples"])
        if node["left_child"] < 0:
            return Node(probability, rows)
        return Node(
            probability,
            rows,
            fitted.features[node["feature"]],
            float(node["threshold"]),
            bool(node["missing_go_to_left"]),
            at(node["left_child"]),
            at(node["right_child"]),
        )

    return at(0)


def export(fitted: Fitted, folder: Path, facts: dict[str, Any]) -> None:
    """Write ``tree.svg``, ``tree.txt``, ``tree.sql`` and ``tree.json``.

    Args:
        fitted: A fitted decision tree.
        folder: Where to; made if it is not there.
        facts: Further fields of ``tree.json``, such as the average precision.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = read(fitted)
    (folder / "tree.sql").write_text(HEADER + sql(root) + "\n")
    (folder / "tree.txt").write_text("\n".join(rules(root)) + "\n")
    size = {"depth": root.depth(), "leaves": root.leaves(), "features": sorted(_used(root))}
    write_json(folder / "tree.json", {"candidate": fitted.candidate.model_dump(), **size, **facts})
    draw(root, folder / "tree.svg")


def _used(node: Node) -> set[str]:
    below = (_used(child) for child in node.children or ())
    return {node.feature or ""}.union(*below) - {""}


HEADER = """\
-- The decision tree as one expression over the gold columns: the probability of a positive.
-- SELECT id, (this expression) AS score FROM 'train.parquet'
"""


def sql(node: Node, indent: str = "") -> str:
    """Return a tree as a CASE expression that equals ``predict`` to the last bit.

    Columns are compared as float32 with thresholds in double precision, as scikit-learn does; NaN
    and NULL both are undefined.
    """
    if not node.children:
        return f"{indent}{_double(node.probability)}"
    yes, no = (sql(child, indent + "  ") for child in node.children)
    return f"{indent}CASE WHEN {_condition(node)} THEN\n{yes}\n{indent}ELSE\n{no}\n{indent}END"


def _condition(node: Node) -> str:
    column = '"' + (node.feature or "").replace('"', '""') + '"'
    undefined = f"{column} IS NULL OR isnan({column})"
    if np.isinf(node.threshold):
        return "TRUE" if node.undefined_left else f"NOT ({undefined})"
    below = f"{column} <= {_double(node.threshold)}"
    # NaN is above every number in SQL, so alone it goes right
    return f"({undefined} OR {below})" if node.undefined_left else below


def _double(value: float) -> str:
    """Write a literal that is a double, not a decimal: with an exponent."""
    text = repr(value)
    return text if "e" in text else f"{text}e0"


def rules(node: Node, indent: str = "") -> list[str]:
    """Return a tree as indented text, a line a node; leaves show probability and rows."""
    if not node.children:
        return [f"{indent}probability {node.probability:.4g} ({node.rows:,} rows)"]
    yes, no = node.children
    return [
        f"{indent}{question(node)}",
        *rules(yes, indent + "    "),
        f"{indent}else",
        *rules(no, indent + "    "),
    ]


def question(node: Node) -> str:
    """Return the question a node asks; a yes goes left."""
    if np.isinf(node.threshold):
        return f"if {node.feature} is defined"
    undefined = " or undefined" if node.undefined_left else ""
    return f"if {node.feature} <= {node.threshold:,.6g}{undefined}"


def draw(root: Node, path: Path, levels: int = DRAWN) -> None:
    """Draw the top of a tree as SVG: the same bytes for the same tree.

    Args:
        root: The tree.
        path: The file.
        levels: How many levels of questions are drawn; ``tree.txt`` has all.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "vouch", "svg.fonttype": "none", "font.size": 8}):
        depth = min(levels, root.depth())
        figure = Figure(figsize=(max(6.0, 1.75 * root.leaves(levels)), 1.15 * depth + 1))
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, root.leaves(levels)), ylim=(-depth - 0.5, 0.5))
        axes.axis("off")
        _draw_node(axes, root, 0.0, 0, levels)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _draw_node(axes: Any, node: Node, start: float, level: int, levels: int) -> float:
    """Draw a node and what is below it from ``left`` on; give the node's own place."""
    ends = not node.children or level == levels
    center = start + node.leaves(levels - level) / 2
    if node.children and not ends:
        for child, answer in zip(node.children, ("yes", "no"), strict=True):
            place = _draw_node(axes, child, start, level + 1, levels)
            axes.plot([center, place], [-level, -level - 1], color="#9aa5b1", lw=1, zorder=1)
            middle = (center + place) / 2, -level - 0.5
            axes.text(
                *middle,
                answer,
                color="#52606d",
                ha="center",
                va="center",
                zorder=2,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )
            start += child.leaves(levels - level - 1)
    _draw_box(axes, node, center, level)
    return center


def _draw_box(axes: Any, node: Node, center: float, level: int) -> None:
    import matplotlib as mpl

    lines = _lines(node) if node.children else ""
    text = f"{lines}{node.probability:.2%} of {node.rows:,}"
    # the root keeps small probabilities apart: rare positives would all look white
    color = mpl.colormaps["Oranges"](0.75 * node.probability**0.5)
    box = {"boxstyle": "round,pad=0.4", "facecolor": color, "edgecolor": "#616e7c", "lw": 0.8}
    axes.text(center, -level, text, ha="center", va="center", zorder=3, bbox=box)


def _lines(node: Node) -> str:
    words = question(node).removeprefix("if ").replace(f"{node.feature} ", f"{node.feature}\n", 1)
    return f"{words}\n"
