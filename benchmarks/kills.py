"""kill -9 of every command that writes, at random and inside each write; then the same again.

Run it as ``python -m benchmarks.kills --kills 200``; ``--only run,repro`` takes some commands.
The kills are in turn inside a write of Python's, each kind of file in turn, at a random moment,
and, where strace is installed, at a write inside SQLite or DuckDB. After each the same command must
succeed, `dvc status` be clean, the results be those of the undisturbed command, and no raw file,
decision, charge of the ledger or promotion be lost. Needs git.
"""

import argparse
import csv
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from tests.project import BIN, ENVIRONMENT, copy_checkout, dvc, shrink, vouch
from vouch.core.files import sha256
from vouch.operate.folders import REST, ROWS
from vouch.project.intake import DATA
from vouch.review.collect.batch import recorded
from vouch.sources.manifest import load_manifest

HERE = Path(__file__).parent / "killing"
VOUCH, DVC = str(BIN / "vouch"), str(BIN / "dvc")
STRACE = shutil.which("strace")
TRACED = [str(STRACE), "-f", "-qq", "-e", "trace=pwrite64", "-e"]
"""A signal at a system call needs every call stopped: no --seccomp-bpf."""
EVALUATION = "evaluation.json"
NEVER = 65_535  # the largest that strace takes
TABLES = (
    "holdouts", "reserves", "slots", "rows", "openings", "questions", "answers", "refunds",
    "drawn", "chain", "blindness", "promotions", "approvals", "adoptions", "model_files", "cases",
)  # fmt: skip


@dataclass
class Command:
    """A command to be killed.

    Attributes:
        words: What is run.
        start: Which state of the project it starts from.
        clean: Folders and stages `dvc status` is asked about afterwards; None: nothing, empty: all.
        forgets: Whether it is there to remove the ledger and the promotions.
        after: What must succeed after it, too.
        made: A file it makes, beside what DVC keeps.
        ends: What it prints when all is done: a kill afterwards is none.
        seconds: How long it takes undisturbed.
        points: Its writes in Python, in order.
        native: The most writes that one of its threads makes inside a library.
        results: The digests of what it makes, where two undisturbed runs agree.
    """

    words: list[str]
    start: str = "trained"
    clean: tuple[str, ...] | None = ()
    forgets: bool = False
    after: list[str] = field(default_factory=list)
    made: str = ""
    ends: str = ""
    seconds: float = 0.0
    points: list[str] = field(default_factory=list)
    native: int = 0
    results: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """When to kill: in a write of Python's by number, in one of a library's, or after seconds."""

    name: str
    point: int = 0
    native: int = 0
    seconds: float | None = None


ALONE = Moment("alone", seconds=600)
RUN = [VOUCH, "run", "fraud", "--no-prefect"]
INTAKE = ("data/raw", *(f"{stage.name}@fraud" for stage in DATA))
COMMANDS = {
    "run": Command(RUN, "fresh"),
    "add": Command([VOUCH, "run", "fraud", "--add", "../second.csv", "--no-prefect"]),
    "rows": Command([VOUCH, "add", "fraud", "../second.csv"], clean=INTAKE),
    "intake": Command(
        [str(BIN / "python"), "-m", "flows", "intake", '{"usecase": "fraud"}'],
        "arrived",
        clean=INTAKE,
        made="data/inbox/fraud/rows/done/second.csv",
    ),
    "repro": Command([DVC, "repro"], "fresh"),
    "collect": Command(
        [VOUCH, "collect", "fraud", "../decided.csv"], clean=("data/labels/fraud/reviews",)
    ),
    "enqueue": Command(
        [VOUCH, "enqueue", "fraud", "-n", "5", "--out", "more.csv"], ends="-> more.csv"
    ),
    "promote": Command([VOUCH, "promote", "fraud", "--version", "1", "--why", "a trial"]),
    "rollback": Command(
        [VOUCH, "rollback", "fraud", "--why", "a trial"], ends="champion is version"
    ),
    "score": Command(
        [VOUCH, "score", "fraud", "--path", "../second.csv", "--out", "scores.csv"],
        made="scores.csv",
    ),
    "reset": Command([VOUCH, "reset", "--yes"], forgets=True, after=RUN),
}


def payments(rows: int, seed: int) -> pd.DataFrame:
    """Draw payments in PaySim's columns; one in twenty is a fraud."""
    rng = np.random.default_rng(seed)
    fraud = rng.random(rows) < 0.05
    before = rng.uniform(100, 90_000, rows).round(2)
    amount = np.where(fraud, before, (before * rng.uniform(0, 1, rows)).round(2))
    return pd.DataFrame(
        {
            "step": np.sort(rng.integers(1, 600, rows)),
            "type": np.where(fraud, "TRANSFER", rng.choice(["PAYMENT", "TRANSFER"], rows)),
            "amount": amount,
            "nameOrig": [f"C{seed}{n}" for n in range(rows)],
            "oldbalanceOrg": before,
            "newbalanceOrig": (before - amount).round(2),
            "nameDest": [f"M{n}" for n in rng.integers(0, rows // 4, rows)],
            "oldbalanceDest": 0.0,
            "newbalanceDest": np.where(fraud, 0.0, amount),
            "isFraud": fraud.astype(int),
            "isFlaggedFraud": 0,
        }
    )


class Ground:
    """A project that is put back into a state before each kill, always at the same path."""

    def __init__(self, folder: Path, rows: int) -> None:
        self.folder, self.project, self.points = folder, folder / "project", folder / "points"
        for number, name in enumerate(("first", "second"), 1):
            payments(rows, number).to_csv(folder / f"{name}.csv", index=False)
        copy_checkout(self.project)
        shrink(self.project, trials=1)
        self._vouch("run", "fraud", "--source", "paysim", "--path", "../first.csv", "--no-prefect")
        shutil.copytree(self.project, folder / "trained", symlinks=True)
        self._vouch("reset", "--yes", "--cache")
        shutil.move(self.project, folder / "fresh")
        self.restore("trained")
        self._second_version()
        self._answers()
        shutil.rmtree(folder / "trained")
        shutil.copytree(self.project, folder / "trained", symlinks=True)
        inbox = self.project / ROWS.format(usecase="fraud")
        inbox.mkdir(parents=True)
        shutil.copy(folder / "second.csv", inbox)
        shutil.copytree(self.project, folder / "arrived", symlinks=True)

    def _vouch(self, *words: str) -> None:
        done = vouch(self.project, *words)
        assert done.returncode == 0, f"{words}: {done.stdout[-1500:]}{done.stderr[-1500:]}"

    def _second_version(self) -> None:
        shrink(self.project, trials=3)
        self._vouch("run", "fraud", "--no-prefect")
        for version in ("1", "2"):
            self._vouch("promote", "fraud", "--version", version, "--why", "to begin with")

    def _answers(self) -> None:
        """Put cases out, collect one half's decisions, and keep the other half's for a kill."""
        self._vouch("enqueue", "fraud", "-n", "10", "--out", "../cases.csv")
        with (self.folder / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
            cases = [row["case"] for row in csv.DictReader(file)]
        for name, part in (("earlier", cases[::2]), ("decided", cases[1::2])):
            lines = ["case,decision,reviewer", *(f"{case},fraud,ann" for case in part)]
            (self.folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
        self._vouch("collect", "fraud", "../earlier.csv")
        self._vouch("run", "fraud", "--no-prefect")

    def restore(self, state: str) -> None:
        """Put the project into a state."""
        shutil.rmtree(self.project, ignore_errors=True)
        shutil.copytree(self.folder / state, self.project, symlinks=True)
        if state == "arrived":
            time.sleep(REST)  # its file is taken only when nobody has written to it for so long

    def measure(self, command: Command) -> None:
        """Run a command undisturbed: what it writes, how long it takes and what it makes."""
        results = []
        for moment in (Moment("points"), *([Moment("native", native=NEVER)] * bool(STRACE)), ALONE):
            self.restore(command.start)
            started = time.monotonic()
            if self.kill(command, moment):
                raise SystemExit(f"{' '.join(command.words)} was killed undisturbed")
            command.seconds = time.monotonic() - started
            results.append(self._results(command))
            if moment.name == "points":
                command.points = self.points.read_text().splitlines()
            if moment.native:
                threads = Counter(line.split()[0] for line in self.points.read_text().splitlines())
                command.native = max(threads.values(), default=0)
        first, last = results[0], results[-1]
        command.results = {name: last[name] for name in last if first.get(name) == last[name]}

    def kill(self, command: Command, moment: Moment) -> bool:
        """Run a command until it is killed.

        Returns:
            Whether it was; False: it had ended before.
        """
        self.points.unlink(missing_ok=True)
        words, more = command.words, dict[str, str]()
        if moment.native:
            words = [*TRACED, f"inject=pwrite64:signal=SIGKILL:when={moment.native}"]
            words += ["-o", str(self.points), *command.words]
        elif moment.seconds is None:
            more = {"KILL_ROOT": str(self.project), "KILL_POINTS": str(self.points)}
            more |= {"KILL_AT": str(moment.point), "PYTHONPATH": str(HERE)}
        with (self.folder / "printed").open("w+") as printed:
            process = subprocess.Popen(
                words,
                cwd=self.project,
                env=_environment() | more,
                stdout=printed,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            killed = self._wait(process, moment)
            printed.seek(0)
            return killed and not (command.ends and command.ends in printed.read())

    def _wait(self, process: "subprocess.Popen[bytes]", moment: Moment) -> bool:
        end = time.monotonic() + (moment.seconds or 600)
        while process.poll() is None and time.monotonic() < end and not self._shot(moment):
            time.sleep(0.01)
        late = process.poll() is None or self._shot(moment)
        if late:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return process.wait() == -signal.SIGKILL or late

    def _shot(self, moment: Moment) -> bool:
        """Return whether one of the command's processes died in a library's write."""
        if not moment.native or not self.points.exists():
            return False
        return b"+++ killed by SIGKILL" in self.points.read_bytes()

    def again(self, command: Command, before: dict[str, set[object]]) -> Iterator[str]:
        """Run the command once more, and yield what is wrong then."""
        for words in filter(None, (command.words, command.after)):
            done = subprocess.run(
                words,
                cwd=self.project,
                env=_environment(),
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
            if done.returncode:
                yield f"{words[1:]} fails: {(done.stdout + done.stderr)[-1500:]}"
        for name, things in self.things().items():
            meant = command.forgets and name in TABLES and name != "cases"
            if (lost := before[name] - things) and not meant:
                yield f"lost {name}: {sorted(map(str, lost))[:5]}"
        if not command.after:
            results = self._results(command)
            if other := [n for n, d in command.results.items() if results.get(n) != d]:
                yield f"other results than undisturbed: {other}"
        if command.clean is not None:
            yield from self._unclean(command.clean)

    def _results(self, command: Command) -> dict[str, str]:
        """Read the digests of DVC's outputs, and of the file that a command makes."""
        lock = self.project / "dvc.lock"
        stages = (yaml.safe_load(lock.read_text()) if lock.exists() else {}).get("stages", {})
        outs = [out for stage in stages.values() for out in stage.get("outs", ())]
        results = {out["path"]: str(out["md5"]) for out in outs}
        results |= {path: self._undated(path) for path in results if path.endswith(EVALUATION)}
        if command.made and (self.project / command.made).exists():
            results[command.made] = sha256(self.project / command.made)
        return results

    def _undated(self, path: str) -> str:
        """Return an evaluation without the head of the ledger, which covers when it was asked."""
        if not (self.project / path).exists():
            return ""
        content = json.loads((self.project / path).read_text())
        (content["ledger"] or {}).pop("head", None)
        return json.dumps(content, sort_keys=True)

    def _unclean(self, targets: tuple[str, ...]) -> Iterator[str]:
        stages = [target for target in targets if "@" in target]
        files = [str(file) for t in targets for file in (self.project / t).glob("*.dvc")]
        status = dvc(self.project, "status", *files, *stages)
        if "up to date" not in status.stdout:
            yield f"dvc status: {(status.stdout + status.stderr)[-1500:]}"

    def things(self) -> dict[str, set[object]]:
        """Read what must never be lost."""
        found: dict[str, set[object]] = {name: set() for name in TABLES}
        raw = self.project / "data/raw/paysim"
        found["raw"] = {
            arrival.sha256
            for arrival in load_manifest(raw).values()
            if sha256(raw / arrival.name) == arrival.sha256
        }
        reviews = recorded(self.project / "data/labels/fraud/reviews", "paysim")
        found["decisions"] = set(zip(reviews["case"], reviews["actor"], strict=True))
        database = self.project / ".vouch/vouch.db"
        if database.exists():
            with closing(sqlite3.connect(database)) as connection:
                there = connection.execute("SELECT name FROM sqlite_master").fetchall()
                for name in set(TABLES) & {table for (table,) in there}:
                    found[name] = set(connection.execute(f"SELECT rowid FROM {name}"))
        return found


def _environment() -> dict[str, str]:
    return ENVIRONMENT | {"PATH": f"{BIN}:{os.environ['PATH']}"}


def kinds(points: list[str]) -> dict[str, list[int]]:
    """Return the numbers of the writes to each kind of file: names without digests and numbers."""
    calls: dict[str, list[int]] = {}
    for number, point in enumerate(points, 1):
        calls.setdefault(re.sub(r"[0-9a-f]{6,}|\d+|[\w-]{22}", "#", point), []).append(number)
    return calls


def moments(command: Command, draw: random.Random) -> Iterator[Moment]:
    """Yield for ever when to kill."""
    writes = kinds(command.points)
    while True:
        order = sorted(writes)
        draw.shuffle(order)
        for kind in order:
            yield Moment(kind, point=draw.choice(writes[kind]))
            seconds = draw.uniform(0.2, 1.0) * command.seconds
            yield Moment(f"after {seconds:.1f} s", seconds=seconds)
            if command.native:
                number = draw.randint(1, command.native)
                yield Moment(f"write {number} inside a library", native=number)


def attack(
    ground: Ground, names: list[str], kills: int, seed: int, say: Callable[[str], None]
) -> tuple[int, list[str]]:
    """Kill the commands in turn.

    Returns:
        How many kills there were, and what went wrong after them.
    """
    draw = random.Random(seed)
    for name in names:
        ground.measure(COMMANDS[name])
        command = COMMANDS[name]
        say(
            f"{name}: {command.seconds:.0f} s, {len(command.points)} writes of Python's, up to "
            f"{command.native} of a library's, {len(command.results)} results to compare"
        )
    plans = {name: moments(COMMANDS[name], draw) for name in names}
    done, tries, wrong = 0, 0, list[str]()
    while done < kills:
        name = names[tries % len(names)]
        tries += 1
        command, moment = COMMANDS[name], next(plans[name])
        ground.restore(command.start)
        before = ground.things()
        if not ground.kill(command, moment):
            continue  # it had ended before
        done += 1
        faults = [f"{name}, {moment.name}: {fault}" for fault in ground.again(command, before)]
        wrong += faults
        say(f"{done}: {name}, {moment.name}: {faults or 'well'}")
    return done, wrong


def main() -> None:
    """Kill and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--only", default=",".join(COMMANDS), help="commands, by commas")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder).resolve(), options.rows)
        done, wrong = attack(
            ground,
            options.only.split(","),
            options.kills,
            options.seed,
            lambda t: print(t, flush=True),
        )
    print(f"{done} kills, {len(wrong)} faults")
    raise SystemExit("\n".join(wrong) or 0)


if __name__ == "__main__":
    main()
