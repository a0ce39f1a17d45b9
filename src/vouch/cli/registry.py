"""``vouch promote``, ``rollback``, ``compare`` and ``lineage``: a model's life after training."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vouch.core.output import write, write_table
from vouch.project.paths import STATE
from vouch.usecases import names

if TYPE_CHECKING:
    from vouch.registry.compare import VersionComparison
    from vouch.registry.promotions import Promotion

ROOT = Path()
Usecase = Annotated[str, typer.Argument(help=" or ".join(names()))]
Source = Annotated[
    str | None, typer.Option(help="A declaration in data/sources; else the present one.")
]
Why = Annotated[str, typer.Option(help="The reason, for the log.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write the answer here.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (promote, rollback, compare, lineage):
        app.command()(command)


def promote(
    usecase: Usecase,
    why: Why,
    source: Source = None,
    version: Annotated[str, typer.Option(help="A version's number, or challenger.")] = "challenger",
    json_file: Json = None,
) -> None:
    """Make a version the champion, whatever the gate says; the log keeps who and why.

    Example:
      vouch promote fraud --version 3 --why "caught the new pattern in May"
    """
    from vouch.registry.life import promote as make_champion

    entry, new = make_champion(STATE, _name(usecase, source), version, why)
    _tell(entry, json_file, "is" if new else "is already")


def rollback(
    usecase: Usecase,
    why: Why,
    source: Source = None,
    leave: Annotated[
        int | None,
        typer.Option(
            "--from", help="The champion to leave; the same command twice goes back once."
        ),
    ] = None,
    json_file: Json = None,
) -> None:
    """Return to the champion before the present one.

    Examples:
      vouch rollback fraud --why "too many complaints"
      vouch rollback fraud --from 3 --why "too many complaints"
    """
    from vouch.registry.life import rollback as go_back

    entry = go_back(STATE, _name(usecase, source), why, leave)
    _tell(entry, json_file)
    at = f" --source {shlex.quote(source)}" if source else ""
    again = f"vouch rollback {usecase}{at} --from {entry.from_version} --why {shlex.quote(why)}"
    write(f"to repeat it without going back further: {again}")


def compare(
    a: Annotated[
        str,
        typer.Argument(help="NAME:VERSION, or a use case: its champion"),
    ],
    b: Annotated[str, typer.Argument(help="NAME:VERSION")],
    json_file: Json = None,
) -> None:
    """Show what differs between two versions: data, labels, parameters, metrics, cases.

    Example:
      vouch compare fraud-paysim:champion fraud-paysim:challenger
    """
    from vouch.registry.compare import compare as differences
    from vouch.registry.versions import parse

    result = differences(parse(STATE, reference(a)), parse(STATE, reference(b)))
    _print_differences(result)
    _save(result, json_file)


def lineage(
    subject: Annotated[
        str,
        typer.Argument(
            help="NAME:VERSION, USECASE (its champion), a file, 6 digits of a digest, a row"
        ),
    ],
    json_file: Json = None,
) -> None:
    """Show what a version rests on, or which versions rest on a file or a row.

    Examples:
      vouch lineage fraud
      vouch lineage fraud-paysim:champion
      vouch lineage payments.csv
      vouch lineage 3f2a9c81
    """
    from vouch.registry.lineage import trace

    tree = trace(ROOT, STATE, reference(subject))
    _print_tree(tree)
    _save(tree, json_file)


def reference(text: str) -> str:
    """Return a use case's present champion for its bare name; any other text stays as it is.

    ``fraud:2`` is likewise version 2 of the present source's model.
    """
    usecase, _, version = text.partition(":")
    if usecase not in names():
        return text
    return f"{_name(usecase, None)}:{version or 'champion'}"


def _name(usecase: str, source: str | None) -> str:
    from vouch.project.inputs import INPUTS, load_inputs

    return f"{usecase}-{source or load_inputs(ROOT / INPUTS).choice(usecase).source}"


def _tell(entry: "Promotion", json_file: Path | None, verb: str = "is") -> None:
    from vouch.registry.promotions import as_dict

    write(
        f"{entry.name}: champion {verb} version {entry.to_version} "
        f"(before: {entry.from_version or 'none'}; {entry.kind} by {entry.who}: {entry.why})"
    )
    _save(as_dict(entry), json_file)


def _print_differences(differences: "VersionComparison") -> None:
    for part in ("data", "raw_files", "labels", "parameters", "metrics"):
        title = part.replace("_", " ")
        if not differences[part]:
            write(f"{title}: the same")
            continue
        rows = ((row["name"], _short(row["a"]), _short(row["b"])) for row in differences[part])
        write_table((title, differences["a"], differences["b"]), rows)
    _print_picks(differences)
    decided = differences["decisions"]
    if decided is None:
        write(f"cases: not compared: of {differences['a']}, {differences['reason']}")
        return
    write(
        f"cases: {decided['rows_in_both']:,} predicted by both, {decided['decided_differently']:,} "
        f"differently: a higher class by {differences['a']} {decided['higher_by_a']:,}, "
        f"by {differences['b']} {decided['higher_by_b']:,}"
    )
    for case in decided["examples"]:
        write(
            f"  {case['id']}  {case['score_a']:.4f}  {case['score_b']:.4f}  truth {case['truth']}"
        )


def _print_picks(differences: "VersionComparison") -> None:
    """Print the cases that together cover each version, and what they rest on."""
    picks = differences["picks"]
    if picks is None:
        write("picks: a version was registered without cases that cover it")
        return
    for cases, version in ((picks["a"], differences["a"]), (picks["b"], differences["b"])):
        write(f"picks that cover {version}:")
        for case in cases:
            reasons = "; ".join(f"{what} ({weight:+.2f})" for what, weight in case["reasons"])
            write(f"  {case['id']}  {case['score']:.4f}  {reasons}")
    write(f"  both rest on: {_short(picks['both'])}")
    write(f"  only {differences['a']}: {_short(picks['only_a'])}")
    write(f"  only {differences['b']}: {_short(picks['only_b'])}")


def _print_tree(content: Any, depth: int = 0) -> None:
    """Print nested facts, one per line, lists as items."""
    pad = "  " * depth
    for key, value in content.items():
        if isinstance(value, dict) and value:
            write(f"{pad}{key}:")
            _print_tree(value, depth + 1)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            write(f"{pad}{key}:")
            for item in value:
                write(f"{pad}  - " + ", ".join(f"{k} {_short(v)}" for k, v in item.items()))
        else:
            write(f"{pad}{key}: {_short(value)}")


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_short(item) for item in value) or "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _save(content: Any, json_file: Path | None) -> None:
    from vouch.core.files import write_json

    if json_file:
        write_json(json_file, content)
