"""``vouch doctor``: what is wrong with a machine and a project, and how to mend it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from vouch.core.errors import VouchError
from vouch.engine import encoders, jars, java
from vouch.operate import killed, processes
from vouch.operate.locks import at_work
from vouch.operate.record import Ports, running
from vouch.project import damage
from vouch.project.faults import explain
from vouch.project.inputs import INPUTS, load_inputs
from vouch.project.paths import KEPT
from vouch.project.trial import trials

PYTHON = (3, 11)
LOCK = "requirements.lock"
LEAST = 2.0
"""Gigabytes that must be free: a run of a million payments stores about one."""
GIGA = 1 << 30
EXAMPLES = 3
HOOK = "vouch-dvc.pth"
State = Literal["ok", "note", "wrong"]


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        name: What was looked at.
        state: ``ok``, ``note`` (only some need it) or ``wrong``.
        said: What was found.
        hint: How to mend it; empty where nothing is to be mended.
        fix: Mends it, where the program can.
    """

    name: str
    state: State
    said: str
    hint: str = ""
    fix: Callable[[], None] | None = None

    def as_json(self) -> dict[str, str]:
        """Return it as JSON."""
        return {n: str(getattr(self, n)) for n in ("name", "state", "said", "hint")}


def examine(root: Path, ports: Ports) -> list[Finding]:
    """Check everything that could keep the project from running.

    Args:
        root: The project's folder.
        ports: Where ``vouch up`` is to listen.
    """
    machine = [_python(), _packages(root), *_spark(root), _encoders()]
    room = [*_ports(root, ports), _disk(root)]
    return [*machine, *room, _kept(root), *_project(root), _trials(root), *_leftovers(root)]


def _python() -> Finding:
    message = f"{sys.version_info.major}.{sys.version_info.minor} in {sys.prefix}"
    if sys.version_info[:2] == PYTHON:
        return Finding("Python", "ok", message)
    required = ".".join(map(str, PYTHON))
    return Finding("Python", "wrong", message, f"install Python {required}, then: make setup")


def _packages(root: Path) -> Finding:
    if not (root / LOCK).exists():
        return Finding("packages", "note", f"no {LOCK} to compare with", "git checkout it")
    pins = list(_pins((root / LOCK).read_text()))
    wrong = [message for requirement in pins if (message := _differs(requirement))]
    if not wrong:
        return Finding("packages", "ok", f"all {len(pins)} as pinned")
    more = f" and {len(wrong) - EXAMPLES} more" if len(wrong) > EXAMPLES else ""
    return Finding("packages", "wrong", "; ".join(wrong[:EXAMPLES]) + more, "make setup")


def _pins(lock: str) -> Iterator[Requirement]:
    """Read a lock's pins that hold on this machine."""
    for line in re.findall(r"^[A-Za-z0-9][^\\\n]*", lock, re.MULTILINE):
        requirement = Requirement(line.strip())
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement


def _differs(pinned: Requirement) -> str:
    try:
        installed = version(pinned.name)
    except PackageNotFoundError:
        return f"{pinned.name} is not installed"
    right = pinned.specifier.contains(installed, prereleases=True)
    return "" if right else f"{pinned.name} is {installed}, pinned is {pinned.specifier}"


def _spark(root: Path) -> Iterator[Finding]:
    """Check Java and the jars of Spark NLP, which only the engine ``spark`` needs."""
    try:
        chosen = load_inputs(root / INPUTS).usecases.values()
        lacking: State = "wrong" if any(c.engine == "spark" for c in chosen) else "note"
    except VouchError as error:
        yield Finding("input", "wrong", str(error), error.hint)
        lacking = "note"
    try:
        java.check()
        yield Finding("Java", "ok", java.find())
    except VouchError as error:
        yield Finding("Java", lacking, str(error), error.hint)
    try:
        yield Finding("Spark jars", "ok", jars.class_path())
    except VouchError as error:
        message = f"{error}; only text models on Spark need them"
        yield Finding("Spark jars", "note", message, error.hint)


def _encoders() -> Finding:
    """Check the sentence encoders, which text models use where they are there."""
    try:
        names = [name[: name.index("@") + 13] for name in encoders.installed()]
    except VouchError as error:
        return Finding("encoders", "wrong", str(error), error.hint)
    if names:
        return Finding("encoders", "ok", f"{', '.join(names)} in {encoders.folder()}")
    message = f"{encoders.folder()}: none is there; text models may get more right with one"
    return Finding("encoders", "note", message, encoders.COMMAND)


def _ports(root: Path, ports: Ports) -> Iterator[Finding]:
    if record := running(root):
        yield Finding("ports", "ok", f"vouch up serves on {record.ports.url('page')}")
        return
    for name in Ports.model_fields:
        port = getattr(ports, name)
        what = f"port of {name}"
        if processes.taken(port):
            hint = f"end what listens there, or: vouch up --{name}-port N"
            yield Finding(what, "wrong", f"{port} is taken", hint)
        else:
            yield Finding(what, "ok", f"{port} is free")


def _disk(root: Path) -> Finding:
    free = shutil.disk_usage(root).free / GIGA
    message = f"{free:.1f} GB free for {root.resolve()}"
    if free >= LEAST:
        return Finding("disk", "ok", message)
    return Finding("disk", "wrong", message, "make room, or: vouch reset --cache")


def _kept(root: Path) -> Finding:
    files = [path for path in (root / KEPT).rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) / GIGA
    return Finding(
        "partial results", "ok", f"{size:.1f} GB in {KEPT}; to delete it costs time only"
    )


def _project(root: Path) -> Iterator[Finding]:
    """Check the project for damaged and missing parts."""
    looks: tuple[tuple[str, str, Callable[[Path], Iterator[VouchError]]], ...] = (
        ("git", "the project is in a git repository", damage.repository),
        ("writing", "the project's folders can be written", damage.unwritable),
        ("parameters", "params.yaml has every section", damage.sections),
        ("dvc.lock", "dvc.lock is intact", damage.lockfile),
        ("data", "all that DVC knows of is here", damage.missing),
        ("tables", "all Parquet files are intact", damage.tables),
        ("databases", "all databases are intact", damage.databases),
        ("environment", "MLflow can read its path", damage.environment),
        ("MLflow", "its tables are of this MLflow", damage.schema),
        ("champions", "MLflow has every champion", damage.champions),
        ("whole files", "DVC writes whole files in this environment", _writes_whole),
    )
    for name, fine, look in looks:
        damages = _looked(look, root)
        for each in damages:
            yield Finding(name, "wrong", str(each), each.hint)
        if not damages:
            yield Finding(name, "ok", fine)


def _looked(look: Callable[[Path], Iterator[VouchError]], root: Path) -> list[VouchError]:
    """Return the damages that a check finds; a check that fails has found damage, too."""
    try:
        return list(look(root))
    except Exception as error:
        if (meaning := explain(error, root)) is None:
            raise
        return [meaning]


def _writes_whole(_root: Path) -> Iterator[VouchError]:
    """Check in a new Python process: this one may have installed the module itself."""
    question = "import sys; sys.exit('vouch.project.whole' not in sys.modules)"
    if subprocess.run([sys.executable, "-c", question], check=False).returncode:
        yield VouchError(f"{HOOK} is not active: a kill may leave dvc.lock empty", "make setup")


def _trials(root: Path) -> Finding:
    """Check for raw files that a killed intake left in force, which the next run takes out."""
    usecases = [] if "run" in at_work(root) else trials(root)
    if not usecases:
        return Finding("trials", "ok", "no raw files that a kill left on trial")
    message = f"raw files that a kill left on trial: {', '.join(usecases)}"
    return Finding("trials", "wrong", message, f"vouch run {' '.join(usecases)}")


def _leftovers(root: Path) -> Iterator[Finding]:
    """Check for what a killed process left behind."""
    looks: tuple[tuple[str, str, Callable[[Path], list[int] | list[str]], _Fix], ...] = (
        ("servers", "servers that a kill left", killed.orphans, killed.end_orphans),
        ("locks", "files that DVC holds for nobody", killed.stale, killed.forget_stale),
        ("runs", "Prefect runs that a kill left open", killed.flow_runs, killed.close_flow_runs),
        ("searches", "MLflow runs that a kill left open", killed.searches, killed.close_searches),
    )
    for name, what, look, fix in looks:
        if remains := look(root):
            message = f"{len(remains)} {what}: {', '.join(map(str, remains[:EXAMPLES]))}"
            yield Finding(name, "wrong", message, "vouch doctor --fix", _bound(fix, root))
        else:
            yield Finding(name, "ok", f"no {what}")


_Fix = Callable[[Path], None]


def _bound(fix: _Fix, root: Path) -> Callable[[], None]:
    return lambda: fix(root)
