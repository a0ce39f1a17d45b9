"""Where money went shortly before a case: payer left, payee right, their neighbours around them.

Those who dealt with the payer alone stand left of it, those with the payee alone right of it, and
those with both above and below. Each place is a slot of its own, so no two boxes overlap.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from vouch.pages.formats import count, money
from vouch.results.context import Edge, Flow
from vouch.review.picture.svg import compact, element, label, magnitude, picture, share, shorten

WIDTH, HEIGHT = 480, 220
MIDDLE = HEIGHT / 2
BOX_WIDTH, BOX_HEIGHT = 76, 18
FIRST, LAST = 40.0, 440.0
"""The middles of the outermost columns of boxes."""
ALONE = (110.0, 370.0)
"""Those of payer and payee without neighbours beside them."""
PITCH, LOOSE = 21.5, 32.0
"""Distance of boxes in a column: the least, and that of a few."""
BETWEEN = (75, 145, 53.5, 166.5, 32, 188, 10.5, 209.5)
"""Heights of the boxes between payer and payee, beside the line from one to the other."""
EMS = 6.8
THIN, THICK = 1.0, 5.0
FAN, APART = 6.0, 2.5
"""How far apart lines meet a party's box, and how far from each other those there and back lie."""

Column = Literal["left", "payer", "between", "payee", "right"]
ROOM: dict[Column, int] = {"left": 10, "between": len(BETWEEN), "right": 10}
"""How many boxes stand one above the other: together more than a flow has parties."""


@dataclass(frozen=True)
class Box:
    """Where a node stands.

    Attributes:
        column: Of which column it is.
        x: Its middle, across.
        y: Its middle, down.
    """

    column: Column
    x: float
    y: float

    @property
    def is_party(self) -> bool:
        """Whether it is the payer's or the payee's."""
        return self.column in {"payer", "payee"}

    @property
    def left(self) -> float:
        """Its left edge."""
        return self.x - BOX_WIDTH / 2

    @property
    def top(self) -> float:
        """Its upper edge."""
        return self.y - BOX_HEIGHT / 2


def money_flow(flow: Flow) -> Markup:
    """Draw a flow of money: the wider a line, the larger the logarithm of its sum.

    Args:
        flow: Parties and what went between them.

    Returns:
        SVG of 480 to 220 units.
    """
    boxes = layout(flow)
    sizes = [magnitude(edge.sum) for edge in flow.edges]
    low, high = (min(sizes), max(sizes)) if sizes else (0.0, 0.0)
    lines = []
    # the case's own last: it lies above the others
    for edge, size in sorted(zip(flow.edges, sizes, strict=True), key=lambda pair: pair[0].own):
        width = THIN + share(size, low, high) * (THICK - THIN)
        lines.append(_line(edge, flow, boxes, width))
    nodes = [_node(flow, number, box) for number, box in boxes.items()]
    sums = list(_sums(flow, boxes))
    told = f"{count(len(flow.nodes))} parties, {count(len(flow.edges))} flows"
    title = "Money of payer and payee in the three days before, and this payment"
    return picture("flow", WIDTH, HEIGHT, title, told, *lines, *nodes, *sums)


def layout(flow: Flow) -> dict[int, Box]:
    """Return where each node stands: the same places for the same flow, and none twice."""
    columns = _columns(flow)
    middles = _middles(bool(columns["left"]), bool(columns["right"]))
    boxes = dict[int, Box]()
    for column, numbers in columns.items():
        heights = BETWEEN if column == "between" else _heights(len(numbers))
        places = zip(numbers, heights, strict=False)
        boxes |= {number: Box(column, middles[column], y) for number, y in places}
    return boxes


def _columns(flow: Flow) -> dict[Column, list[int]]:
    """Return the numbers of each column's nodes, from above."""
    columns: dict[Column, list[int]] = {
        "left": [],
        "payer": [],
        "between": [],
        "payee": [],
        "right": [],
    }
    for number, node in enumerate(flow.nodes):
        if node.part != "other":
            columns[node.part].append(number)
    for number in _order(flow):
        wanted = _wanted(_sides(flow, number))
        columns[next(each for each in wanted if len(columns[each]) < ROOM[each])].append(number)
    return columns


def _wanted(sides: set[str]) -> tuple[Column, ...]:
    """Return the columns for a neighbour of these parties, the best first."""
    if sides == {"payer", "payee"}:
        return "between", "left", "right"
    return ("right", "left") if sides == {"payee"} else ("left", "right")


def _middles(left: bool, right: bool) -> dict[Column, float]:
    """Return the columns' middles, as far from each other as there is room."""
    if not left and not right:
        payer, payee = ALONE
    else:
        payer = FIRST + (LAST - FIRST) / (left + right + 1) if left else FIRST
        payee = LAST - (LAST - FIRST) / (left + right + 1) if right else LAST
    between = (payer + payee) / 2
    return {"left": FIRST, "payer": payer, "between": between, "payee": payee, "right": LAST}


def _order(flow: Flow) -> list[int]:
    """Return the neighbours' numbers, those with the largest sums first."""
    sums = dict.fromkeys((n for n, node in enumerate(flow.nodes) if node.part == "other"), 0.0)
    for edge in flow.edges:
        for number in {edge.start, edge.end} & sums.keys():
            sums[number] += abs(edge.sum or 0.0)
    return sorted(sums, key=lambda number: (-sums[number], flow.nodes[number].name, number))


def _sides(flow: Flow, number: int) -> set[str]:
    """Return with which of the case's parties a neighbour dealt."""
    ends = [{edge.start, edge.end} for edge in flow.edges if number in {edge.start, edge.end}]
    parts: set[str] = {flow.nodes[end].part for pair in ends for end in pair - {number}}
    return parts - {"other"}


def _heights(boxes: int) -> list[float]:
    """Return the middles of a column's boxes, from above."""
    pitch = min(LOOSE, max(PITCH, (HEIGHT - BOX_HEIGHT) / max(boxes, 1)))
    return [MIDDLE + (place - (boxes - 1) / 2) * pitch for place in range(boxes)]


def _node(flow: Flow, number: int, box: Box) -> Markup:
    node = flow.nodes[number]
    size = {"width": BOX_WIDTH, "height": BOX_HEIGHT, "rx": 4}
    parts = [
        element("title", f"{node.part}: {node.name}" if node.part != "other" else node.name),
        element("rect", x=box.left, y=box.top, **size),
        label(shorten(node.name, EMS), box.x, box.y + 3.5, anchor="middle"),
    ]
    if node.part != "other":
        parts.append(label(node.part, box.x, box.top - 4, f"part {node.part}", "middle"))
    return element("g", *parts, class_=f"node {node.part}")


def _line(edge: Edge, flow: Flow, boxes: Mapping[int, Box], width: float) -> Markup:
    names = flow.nodes[edge.start].name, flow.nodes[edge.end].name
    times = f"{count(edge.count)} payment{'s' * (edge.count != 1)}"
    told = f"{names[0]} → {names[1]}: {money(edge.sum)} in {times}"
    title = element("title", f"this payment, {told}" if edge.own else told)
    path, head = _course(edge, boxes, width)
    drawn = element("path", d=path, fill="none", stroke_width=width, class_="way")
    arrow = element("polygon", points=head, class_="head")
    return element("g", title, drawn, arrow, class_="edge own" if edge.own else "edge")


def _course(edge: Edge, boxes: Mapping[int, Box], width: float) -> tuple[str, str]:
    """Return the path of an edge and the corners of its head."""
    if edge.start == edge.end:
        return _loop(boxes[edge.start], width)
    start, end = boxes[edge.start], boxes[edge.end]
    reach, shift = 4 + width, _shift(edge)
    x1, y1, dx1, dy1 = _end(start, end, shift)
    x2, y2, dx2, dy2 = _end(end, start, shift)
    tip_x, tip_y = x2 + dx2 * reach, y2 + dy2 * reach  # the line ends where its head begins
    bend = max(abs(tip_x - x1), abs(tip_y - y1)) / 2
    path = (
        f"M{x1:.1f},{y1:.1f} C{x1 + dx1 * bend:.1f},{y1 + dy1 * bend:.1f} "
        f"{tip_x + dx2 * bend:.1f},{tip_y + dy2 * bend:.1f} {tip_x:.1f},{tip_y:.1f}"
    )
    return path, _head(x2, y2, dx2, dy2, reach)


End = tuple[float, float, float, float]
"""A point at a box's edge, and the direction away from the box."""


def _shift(edge: Edge) -> float:
    """Return how far an edge lies beside the straight way: there and back are two lines."""
    if edge.own:
        return 0.0
    return APART if edge.start < edge.end else -APART


def _end(box: Box, other: Box, shift: float) -> End:
    """Return where an edge meets a box: above or below towards what stands between, else beside."""
    if box.is_party and other.column == "between":
        way = 1.0 if other.y > box.y else -1.0
        return box.x + 2 * shift, box.y + way * BOX_HEIGHT / 2, 0.0, way
    way = 1.0 if other.x > box.x else -1.0
    fan = (other.y - box.y) / MIDDLE * FAN if box.is_party else 0.0
    both = box.is_party and other.is_party
    return box.x + way * BOX_WIDTH / 2, box.y + (2 if both else 1) * shift + fan, way, 0.0


def _loop(box: Box, width: float) -> tuple[str, str]:
    """Return the path of what a party paid itself."""
    x, y, reach = box.x, box.y + BOX_HEIGHT / 2, 4 + width
    path = f"M{x - 20:.1f},{y:.1f} C{x - 20:.1f},{y + 40:.1f} {x + 20:.1f},{y + 40:.1f} "
    return f"{path}{x + 20:.1f},{y + reach:.1f}", _head(x + 20, y, 0.0, 1.0, reach)


def _head(x: float, y: float, dx: float, dy: float, reach: float) -> str:
    """Return the corners of a head whose point is at a box's edge."""
    half = reach * 0.62
    back_x, back_y = x + dx * reach, y + dy * reach
    corners = [(x, y), (back_x - dy * half, back_y + dx * half)]
    corners.append((back_x + dy * half, back_y - dx * half))
    return " ".join(f"{cx:.1f},{cy:.1f}" for cx, cy in corners)


def _sums(flow: Flow, boxes: Mapping[int, Box]) -> Iterator[Markup]:
    """Yield how much went: of the case's own, and of the largest flow of each neighbour."""
    largest = dict[int, Edge]()
    for edge in flow.edges:
        if edge.own:
            yield _own_sum(edge, boxes)
            continue
        for number in (edge.start, edge.end):
            if flow.nodes[number].part == "other":
                largest[number] = _larger(largest.get(number), edge)
    for number, edge in largest.items():
        yield _sum_beside(boxes[number], edge)


def _larger(first: Edge | None, second: Edge) -> Edge:
    return second if first is None or abs(second.sum or 0) > abs(first.sum or 0) else first


def _own_sum(edge: Edge, boxes: Mapping[int, Box]) -> Markup:
    start, end = boxes[edge.start], boxes[edge.end]
    below = 40 if edge.start == edge.end else -8
    return label(compact(edge.sum), (start.x + end.x) / 2, start.y + below, "sum own", "middle")


def _sum_beside(box: Box, edge: Edge) -> Markup:
    if box.column == "right":
        return label(compact(edge.sum), box.left - 4, box.y - 3.5, "sum", "end")
    return label(compact(edge.sum), box.left + BOX_WIDTH + 4, box.y - 3.5, "sum")
