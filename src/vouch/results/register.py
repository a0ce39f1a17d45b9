"""What was registered, and what the gate decided: ``registration.json``."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from vouch.core.results import Result

Mode = Literal["enabled", "approval", "dry_run", "disabled"]


class Gate(TypedDict):
    """The gate's decision, and its reasons in sentences.

    ``missing`` is how many more rows of the holdout people must decide until it can tell.
    """

    better: bool
    promoted: bool
    reasons: list[str]
    mode: Mode
    missing: NotRequired[int]


class Otherwise(TypedDict):
    """How many out-of-fold rows the previous champion decides otherwise."""

    champion: int
    rows_in_both: int
    decided_differently: int
    higher_by_a: int
    higher_by_b: int


class Registration(Result):
    """A registered version.

    Attributes:
        name: The registered model, ``<usecase>-<source>``.
        version: Its number.
        model_id: What MLflow calls its logged model; None: an earlier release did not say.
        run_id: MLflow's run.
        aliases: Its aliases when it was registered.
        gate: The gate's decision.
        digests: Path to DVC digest of each file it was made from.
        git_commit: The code it was made with.
        reviews: Names of the batches of people's decisions it learned from.
        as_of: The time (ISO) until which labels count.
        ledger_question: Number of the holdout's question; None: it was not asked.
        model_uri: How MLflow finds it.
        otherwise: What the previous champion decides otherwise; None: there is none.
    """

    name: str
    version: int
    model_id: str | None
    run_id: str
    aliases: list[str]
    gate: Gate
    digests: dict[str, str]
    git_commit: str
    reviews: list[str]
    as_of: str
    ledger_question: int | None
    model_uri: str
    otherwise: Otherwise | None

    @classmethod
    def migrate(cls, content: dict[str, Any], written: int) -> dict[str, Any]:
        """Add what earlier releases did not write."""
        return {"model_id": None, "otherwise": None, "reviews": []} | content
