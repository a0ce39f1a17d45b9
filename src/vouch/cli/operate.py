"""``vouch up``, ``link``, ``doctor``, ``reset``: running the project for good, and afresh."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vouch.core.output import write

if TYPE_CHECKING:
    from vouch.operate.doctor import Finding
    from vouch.operate.reset import Part

ROOT = Path()
Json = Annotated[Path | None, typer.Option("--json", help="Write what was found here.")]
SIGNS = {"ok": " ", "note": "·", "wrong": "!"}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (up, link, doctor, reset):
        app.command()(command)


def up(
    prefect_port: Annotated[int, typer.Option(help="Prefect's API.")] = 4200,
    page_port: Annotated[int, typer.Option(help="All pages but the reviewers'.")] = 8765,
    review_port: Annotated[int, typer.Option(help="The review page.")] = 8766,
    review_host: Annotated[
        str, typer.Option(help="Where that listens; beyond this machine only with TLS or a proxy.")
    ] = "127.0.0.1",
    review_cert: Annotated[
        Path | None, typer.Option(help="Its TLS certificate (PEM), with --review-key.")
    ] = None,
    review_key: Annotated[Path | None, typer.Option(help="The certificate's key (PEM).")] = None,
    review_public: Annotated[
        str | None, typer.Option(help="The https address at which a proxy serves it.")
    ] = None,
) -> None:
    """Serve the project: Prefect with prefect.yaml's schedules, a worker, MLflow, all pages.

    It stops everything it started on Ctrl-C, on SIGTERM, and when one of them ends, but for the
    pages: a page that ends is started again, and it says so. Meanwhile `vouch run` uses its
    server. The pages open with the link it prints, once; `vouch link`
    makes another.

    Reviewers have a page of their own, where they log in (`vouch review add NAME`).

    Examples:
      vouch up --page-port 8800
      vouch up --review-host 0.0.0.0 --review-cert review.pem --review-key review.key
    """
    from rich.console import Console

    from vouch.operate.record import Ports
    from vouch.operate.up import up as serve
    from vouch.review.page.reach import Reach

    ports = Ports(prefect=prefect_port, page=page_port)
    reach = Reach(
        host=review_host,
        port=review_port,
        certificate=review_cert,
        key=review_key,
        public=review_public,
    )
    serve(ROOT, ports, Console(highlight=False), reach)


def link() -> None:
    """Print a link that opens the pages of vouch up in a browser, once and within the hour.

    Example:
      vouch link
    """
    from vouch.operate.up import link as make

    write(make(ROOT))


def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Mend what can be mended.")] = False,
    json_file: Json = None,
) -> None:
    """Check this machine and project: what is wrong, and how to mend it; exits with 1 if so.

    Of the project: git, data that is not here, damaged databases, tables and dvc.lock, missing
    sections of params.yaml, MLflow's tables and champions, folders that cannot be written.
    --fix ends servers, closes runs and clears locks that a kill left behind; nothing else.

    Examples:
      vouch doctor
      vouch doctor --fix --json found.json
    """
    from vouch.core.files import write_json
    from vouch.operate.doctor import examine
    from vouch.operate.record import Ports

    findings = examine(ROOT, Ports())
    mending = [finding for finding in findings if fix and finding.fix]
    for finding in mending:
        write(f"mending: {finding.said}")
        assert finding.fix is not None
        finding.fix()
    findings = examine(ROOT, Ports()) if mending else findings
    for finding in findings:
        _tell(finding)
    if json_file:
        write_json(json_file, [finding.as_json() for finding in findings])
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(1)


def _tell(finding: "Finding") -> None:
    write(f"{SIGNS[finding.state]} {finding.name:15} {finding.said}")
    if finding.hint:
        write(f"  {'':15} try: {finding.hint}")


def reset(
    cache: Annotated[
        bool, typer.Option("--cache", help="DVC's cache too: every version it keeps.")
    ] = False,
    decisions: Annotated[
        bool,
        typer.Option(
            "--decisions", help="Reviewers' decisions and the cases out too; the people stay."
        ),
    ] = False,
    people: Annotated[
        bool,
        typer.Option(
            "--people",
            help="The review page's people too: names, passwords, capacity; and the guidelines' "
            "history.",
        ),
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help="The raw files you gave too.")] = False,
    forget_holdouts: Annotated[
        bool,
        typer.Option(
            "--forget-holdouts", help="The holdouts' ledger too: what they were asked is forgotten."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    json_file: Json = None,
) -> None:
    """Remove what runs made: data, models, Prefect's and MLflow's runs.

    Raw files, what lies in data/inbox, reviewers' decisions, the review page's people, and the
    ledger of what the holdouts were asked stay unless you say otherwise: each has an option of its
    own. That a ledger was forgotten stays in
    data/holdouts.json, which git keeps.

    Examples:
      vouch reset --dry-run
      vouch reset --cache --yes
    """
    from vouch.core.files import write_json
    from vouch.operate.locks import check_idle
    from vouch.operate.reset import Scope, plan
    from vouch.operate.reset import reset as remove

    scope = Scope(
        cache=cache, decisions=decisions, people=people, raw=raw, holdouts=forget_holdouts
    )
    if not dry_run:
        check_idle(ROOT)
    parts = plan(ROOT, scope)
    _list(parts)
    if stays := scope.stays:
        write(f"what stays of the database: {', '.join(stays)}")
    if json_file:
        write_json(json_file, [vars(part) for part in parts])
    if dry_run:
        return
    if parts and not yes:
        typer.confirm(f"Remove all of this for good{_with(scope.goes)}?", abort=True)
    remove(ROOT, scope)  # without parts it ends what a killed reset had begun
    write("removed" if parts else "nothing to remove")


def _with(what: list[str]) -> str:
    return f", with {' and '.join(what)}" if what else ""


def _list(parts: "list[Part]") -> None:
    """Print what would go, and how much it is."""
    for part in parts:
        write(f"{part.bytes / 1e6:10.1f} MB {part.files:7,} files  {part.path}  ({part.what})")
    files = sum(part.files for part in parts)
    write(f"{sum(part.bytes for part in parts) / 1e6:10.1f} MB {files:7,} files in all")
