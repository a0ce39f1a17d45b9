"""``vouch holdout``: what the sealed holdout may still be asked, and asking it."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vouch.core.output import write, write_table
from vouch.usecases import find, names

if TYPE_CHECKING:
    from vouch.usecases.params import EvaluateParams

app = typer.Typer(help="Ask the sealed holdout; see what it was asked.", no_args_is_help=True)
ROOT = Path()
Usecase = Annotated[str, typer.Argument(help=" or ".join(names()))]


class MeanMechanism(StrEnum):
    """Which noise hides the holdout."""

    thresholdout = "thresholdout"
    gaussian = "gaussian"


Json = Annotated[Path | None, typer.Option("--json", help="Write the answer here too.")]


@app.command()
def status(json_file: Json = None) -> None:
    """Show every holdout: its rows, its budget and what is left of it.

    Example:
      vouch holdout status
    """
    from vouch.project.paths import STATE

    holdouts = _ledger(ROOT / STATE).status()
    columns = ("holdout", "from, to", "rows", "positives", "asked", "status")
    write_table(columns, map(_row, holdouts))
    _save(json_file, holdouts)


@app.command()
def ask(
    usecase: Usecase,
    metric: Annotated[
        str,
        typer.Option(
            help="candidate, accuracy, brier; of payments recall, precision_at_capacity, cost."
        ),
    ] = "candidate",
    against: Annotated[str, typer.Option(help="truth or rule.")] = "truth",
    mechanism: Annotated[
        MeanMechanism, typer.Option(help="Of a mean: thresholdout (proved) or gaussian (not).")
    ] = MeanMechanism.thresholdout,
    json_file: Json = None,
) -> None:
    """Ask the holdout about the current model; a new question is charged to its budget.

    `candidate` is the evaluate stage's own question, so it is free once the stage has run: whether
    the model is to be promoted, and then a rounded figure. All others shown are out of fold. Of a
    mean you are told the training estimate, for nothing, unless the holdout contradicts it.

    Examples:
      vouch holdout ask fraud
      vouch holdout ask fraud --metric accuracy --against rule
    """
    from dataclasses import asdict

    from vouch.project.ask import ALL, out_of_fold
    from vouch.project.ask import ask as ask_holdout
    from vouch.project.blind import status as blindness

    params = _params(usecase)
    reply = ask_holdout(ROOT, usecase, metric, against, params, mechanism.value)
    number = f"question {reply.question}: " if reply.question else ""
    write(f"{number}{reply.status}{_colon(reply.reason)}")
    for line in _lines(reply.answer or {}):
        write(f"  {line}")
    if metric == ALL:
        where = "out of fold" + ", blinded" * blindness(ROOT, usecase).blind
        for line in _figures(out_of_fold(ROOT, usecase, params), where):
            write(f"  {line}")
    _save(json_file, asdict(reply))


@app.command()
def log(json_file: Json = None) -> None:
    """Show every question the holdouts were asked, who asked, and the answers.

    Example:
      vouch holdout log --json questions.json
    """
    from vouch.project.paths import STATE

    entries = _ledger(ROOT / STATE).log()
    write_table(("", "asked", "about", "question and answer"), map(_question, entries))
    _save(json_file, entries)


@app.command()
def rotate(
    usecase: Usecase,
    force: Annotated[
        bool, typer.Option("--force", help="Even if the new holdout will be too small to tell.")
    ] = False,
    json_file: Json = None,
) -> None:
    """Open a fresh holdout of the newest rows; the old one becomes training data.

    Example:
      vouch holdout rotate fraud
    """
    from dataclasses import asdict

    from rich.console import Console

    from vouch.project.rotation import rotate as open_next
    from vouch.project.training import alone
    from vouch.project.trial import end_trial

    few = _params(usecase).min_positives
    with alone(ROOT, Console(stderr=True)):
        end_trial(ROOT, usecase)
        rotation = open_next(ROOT, usecase, few, force)
    reserved = rotation.reserved
    rows = f"{reserved:,} newer rows that were kept for it" if reserved else "what was kept for it"
    write(
        f"Generation {rotation.generation} opens with the next run, on {rows}: vouch run {usecase}"
    )
    _save(json_file, asdict(rotation))


@app.command()
def verify(json_file: Json = None) -> None:
    """Compare the ledger with its hash chain, and the chain with the heads recorded elsewhere.

    It names what disagrees and ends with exit code 1: a ledger that is missing, shorter than it
    was or another one, rows that were deleted, changed or inserted.

    Example:
      vouch holdout verify
    """
    from dataclasses import asdict

    from vouch.core.database import place
    from vouch.holdout.ledger import Ledger
    from vouch.holdout.witness import TRACKED
    from vouch.project.paths import STATE
    from vouch.registry.versions import served_heads

    state = ROOT / STATE
    # a ledger that is gone is a fault, one that never was is not
    ledger = Ledger(state) if (ROOT / TRACKED).exists() else _ledger(state)
    result = ledger.verify(served_heads(state))
    _save(json_file, asdict(result))
    if result.faults:
        write_table(("", "where", "what"), [(f.kind, f.where, f.detail) for f in result.faults])
        raise typer.Exit(1)
    others = f"; of other ledgers: {', '.join(result.others)}" if result.others else ""
    write(
        f"{place(state)}: {result.rows:,} rows agree with {result.links:,} links, and these with "
        f"{len(result.records)} recorded heads{others}"
    )


def _params(usecase: str) -> "EvaluateParams":
    from vouch.core.settings import load_params
    from vouch.usecases.params import EvaluateParams

    find(usecase)  # an unknown one is told with the names there are
    return load_params(ROOT / "params.yaml", EvaluateParams, "evaluate", usecase)


def _ledger(state: Path) -> Any:
    from vouch.core.database import exists, place
    from vouch.core.errors import VouchError
    from vouch.holdout.ledger import Ledger

    if not exists(state):
        raise VouchError(f"{place(state)}: no ledger yet", "vouch run USECASE makes it")
    return Ledger(state)


def _lines(answer: Mapping[str, Any]) -> list[str]:
    """Return an answer in short lines."""
    if "value" in answer:
        basis = "the training estimate holds" if answer["from"] == "training" else "with noise"
        value = answer["value"] * answer["scale"]
        line = f"{answer['metric']} against {answer['kind']}: {value:.4f} ({basis})"
        return [line, _proved(answer)]
    lines = []
    for kind in ("truth", "rule"):
        rounded = " on the holdout, rounded" * (answer.get("mechanism") == "comparison")
        lines += _figures(answer.get(kind, {}), f"against {kind}{rounded}")
    for rival in ("rule", "champion"):
        lines += _compared(answer.get(f"against_{rival}", {}), rival)
    return lines


def _figures(figures: Mapping[str, Any], where: str) -> list[str]:
    lines = ((name, _estimate(figure)) for name, figure in figures.items())
    return [f"{name} {where}: {text}" for name, text in lines if text]


def _compared(compared: Mapping[str, Any], rival: str) -> list[str]:
    if "promote" in compared:
        verb = "beats" if compared["promote"] else "does not surely beat"
        size = compared["detectable"]
        notice = f"; a difference of {size:.3f} is noticed in four of five cases" if size else ""
        needed = f"at a p-value of {compared['level']:.2g}{notice}"
        return [f"{verb} the {compared['rival']} by {compared['metric']}, {needed}"]
    text = _estimate(compared.get("difference"))
    return [f"{compared['metric']} beyond the {rival}'s: {text}"] if text else []


def _proved(answer: Mapping[str, Any]) -> str:
    """Return what is proved of a mean's answer."""
    if answer.get("bound") is None:
        return f"guarantee: {answer.get('guarantee', 'none')}"
    reach, chance = answer["bound"] * answer["scale"], answer["beta"]
    return f"within {reach:.4f} of the truth, but for a chance of {chance:g} over all questions"


def _estimate(figure: Any) -> str:
    if not isinstance(figure, dict) or not figure.get("interval"):
        return ""
    low, high = figure["interval"]
    return f"{figure['value']:.4f} ({low:.4f} to {high:.4f})"


def _colon(text: str) -> str:
    return f": {text}" if text else ""


def _row(holdout: dict[str, Any]) -> tuple[Any, ...]:
    opened = holdout["budget"] is not None
    times = "\n".join(str(holdout[end] or "by hash")[:16] for end in ("boundary", "until"))
    questions = f"{holdout['spent']} of {holdout['budget']}" if opened else "never"
    counts = ["?" if holdout[name] is None else holdout[name] for name in ("rows", "positives")]
    return _name(holdout), times, *counts, questions, holdout["status"]


def _question(entry: dict[str, Any]) -> tuple[Any, ...]:
    when = f"{entry['asked_at'][:16]}\n{entry['actor']}"
    lines = _lines(entry["answer"])[:1] if entry["answer"] else ["charged, not answered yet"]
    about = f"{_name(entry)}\nmodel {entry['model'][:12]}"
    return entry["question"], when, about, "\n".join([entry["metric"], *lines])


def _name(holdout: dict[str, Any]) -> str:
    return f"{holdout['usecase']}-{holdout['source']} {holdout['set']} #{holdout['generation']}"


def _save(path: Path | None, content: Any) -> None:
    if path:
        from vouch.core.files import write_json

        write_json(path, content)
