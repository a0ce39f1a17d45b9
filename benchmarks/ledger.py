"""Many processes ask one ledger at once and are killed at random: is any question lost or free?

Run it as ``python -m benchmarks.ledger``; ``--postgres`` asks a PostgreSQL of its own. Afterwards
the whole chain must agree with the rows and with the tracked head, what was charged must be the
budget, and every answer a worker was given must still be the ledger's.
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests import postgres
from vouch.core.database import ADDRESS
from vouch.holdout import witness
from vouch.holdout.ledger import HoldoutKey, Inquiry, Ledger, RefusedError

KEY = HoldoutKey("fraud", "paysim", "0123456789ab", 1)
CUT = (datetime(2024, 1, 1), datetime(2024, 2, 1))
MOST = 2.0
"""Seconds between two kills, at most."""


@dataclass(frozen=True)
class Outcome:
    """What became of the questions.

    Attributes:
        asked: Questions that were put.
        spent: Questions charged.
        answered: Answers in the ledger.
        kills: Processes that were killed.
        seconds: How long it took.
        faults: What is wrong afterwards, in words.
    """

    asked: int
    spent: int
    answered: int
    kills: int
    seconds: float
    faults: tuple[str, ...]


def ask(state: Path, worker: int, questions: int, budget: int) -> None:
    """Ask questions, a third of them every worker's, and note each answer before the next one."""
    ledger, notes = Ledger(state), state.parent / f"answers{worker}"
    ledger.cut(KEY, lambda: CUT)
    done = len(notes.read_text().splitlines()) if notes.exists() else 0
    with notes.open("a") as file:
        for number in range(done, questions):
            name = f"everybody's {number}" if number % 3 == 0 else f"{worker}'s {number}"
            inquiry = Inquiry(name, "", "rows", "m", name, "mean")
            try:
                charge = ledger.charge(KEY, inquiry, budget, 10, 2)
                answer = charge.answer or ledger.answer(charge.question, {"by": worker})
            except RefusedError:
                answer = {}
            file.write(json.dumps([name, dict(answer)]) + "\n")
            file.flush()


def storm(state: Path, questions: int, processes: int, budget: int, seed: int) -> Outcome:
    """Let processes ask, kill one after another at random, and begin those again.

    Args:
        state: The state folder of a project.
        questions: How many are asked in all.
        processes: By how many processes at once.
        budget: How many may be charged.
        seed: Of the kills.
    """
    draw, context, began = random.Random(seed), multiprocessing.get_context("fork"), time.time()
    share, kills = questions // processes, 0

    def start(worker: int) -> multiprocessing.process.BaseProcess:
        process = context.Process(target=ask, args=(state, worker, share, budget))
        process.start()
        return process

    workers = {worker: start(worker) for worker in range(processes)}
    faults: list[str] = []
    while workers:
        time.sleep(draw.uniform(0.02, MOST))
        for worker, process in list(workers.items()):
            if process.exitcode is not None:
                del workers[worker]
                faults += [f"a worker ended with {process.exitcode}"] if process.exitcode else []
        if workers and (victim := draw.choice(list(workers))) is not None:
            process = workers[victim]
            if process.is_alive() and process.pid:
                os.kill(process.pid, signal.SIGKILL)
                process.join()
                kills += 1
                workers[victim] = start(victim)
    return _outcome(state, questions, budget, kills, time.time() - began, faults)


def _outcome(
    state: Path, asked: int, budget: int, kills: int, seconds: float, faults: list[str]
) -> Outcome:
    ledger = Ledger(state)
    log, verified = ledger.log(), ledger.verify()
    faults += [str(fault) for fault in verified.faults]
    spent = sum(entry["cost"] for entry in log)
    names = [entry["metric"] for entry in log]
    if spent != budget:
        faults.append(f"{spent} of {budget} charged")
    if len(set(names)) != len(names):
        faults.append("a question was charged twice")
    answers = {entry["metric"]: entry["answer"] for entry in log}
    for notes in state.parent.glob("answers*"):
        lines = [json.loads(line) for line in notes.read_text().splitlines()]
        faults += [f"{name}: another answer" for name, a in lines if a and answers.get(name) != a]
    return Outcome(asked, spent, sum(a is not None for a in answers.values()), kills, seconds,
                   tuple(faults))  # fmt: skip


def project(folder: Path) -> Path:
    """Make what is tracked like a project's; return its state folder."""
    (folder / "data").mkdir()
    (folder / witness.PROJECT).touch()
    return folder / ".vouch"


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    server = postgres.server() if options.postgres else nullcontext("")
    with tempfile.TemporaryDirectory() as folder, server as address:
        if address:
            os.environ[ADDRESS] = address
        budget = options.questions // 2
        state = project(Path(folder))
        outcome = storm(state, options.questions, options.processes, budget, options.seed)
        print(outcome)
    raise SystemExit(bool(outcome.faults))


if __name__ == "__main__":
    main()
