"""What label issued: ``label.json``."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from vouch.core.results import Result

Unit = Literal["month", "week", "day"]


class Issued(TypedDict):
    """A source's issues, their ends (ISO), and how many there are of each class."""

    issues: int
    entities: int
    first: str | None
    last: str | None
    in_force: bool
    by_class: dict[str, int]
    positives: NotRequired[int]


class Rule(TypedDict, total=False):
    """A source's rule as it is declared."""

    name: str
    where: str
    lexicon: str
    threshold: float


class Known(TypedDict):
    """Rows known by the end of a period, and their valid labels by source and class."""

    rows: int
    by_source: dict[str, dict[str, int]]


class Cell(Known):
    """What was known of the events of one period by the end of another; both by first day."""

    of: str
    as_of: str


class History(TypedDict):
    """What was known when, see :func:`vouch.stages.label.history.history`."""

    unit: Unit
    cells: list[Cell]


class Labelled(Result):
    """Counts of the issued labels.

    Attributes:
        issues: How many there are.
        by_source: Counts by who issued them; ``positives`` of two classes.
        rule: The source's rule; None: it has none.
        history: What was known when; None without times.
        reviews: Names of the batches of people's decisions among them.
        warnings: Sentences for people.
    """

    issues: int
    by_source: dict[str, Issued]
    rule: Rule | None
    history: History | None
    reviews: list[str]
    warnings: list[str]

    @classmethod
    def migrate(cls, content: dict[str, Any], written: int) -> dict[str, Any]:
        """Put each source's counts of classes together; of two there were the positives alone."""
        by_source = {name: _gathered(counted) for name, counted in content["by_source"].items()}
        return content | {"by_source": by_source}


def _gathered(counted: dict[str, Any]) -> dict[str, Any]:
    own = {name: field for name, field in counted.items() if name in Issued.__annotations__}
    classes = {name: field for name, field in counted.items() if name not in own}
    return {"by_class": classes} | own
