"""Many reviewers decide at once while the page's server is killed: is any decision lost or doubled?

Run it as ``python -m benchmarks.review_page``; ``--postgres`` keeps them in a PostgreSQL of its
own. Each client is a browser that logs in, takes a case and answers it, and sends an answer again
until it hears that it is saved. Some die in the middle and never come back. The server is killed
with SIGKILL every few seconds and started again. Afterwards every answer a client was told is kept
must stand once, no case may have been held by two at a time, and the cases of dead clients must
have come back to others.
"""

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import numpy as np

from tests import postgres
from tests.project import copy_checkout
from vouch.core.database import ADDRESS
from vouch.project.paths import STATE
from vouch.review.page.reach import Reach, listen
from vouch.review.people import People
from vouch.review.queue import Case, Queue
from vouch.review.queue.seats import COUNTS, Seats

PASSWORD = "correct horse battery"
DIES = 0.002
"""The chance that a client dies after taking a case."""
BETWEEN = 6.0
"""Seconds that the server answers between two kills, at most."""
PATIENCE = 30.0
LEASE = 1.0
"""Minutes that a case stays with a client that is silent."""


@dataclass
class Seen:
    """What the clients saw.

    Attributes:
        kept: Token of each answer that the page said is saved, to its case.
        held: Case, client, when it was handed out and until when it was answered.
        seconds: From sending an answer to having the next case, where no kill came between.
        dead: Cases of clients that died.
        errors: Answers that no page of ours should give.
    """

    kept: dict[str, str] = field(default_factory=dict)
    held: list[tuple[str, str, float, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Server:
    """The page's server, killed and started again at the same port."""

    def __init__(self, root: Path) -> None:
        self.root, self.kills = root, 0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.reach = Reach(port=probe.getsockname()[1])
        self.start()

    def start(self) -> None:
        """Start it: the port is open before it listens."""
        listening = listen(self.reach)
        command = ["-m", "vouch.review.page.serve", self.reach.model_dump_json()]
        self.process = subprocess.Popen(
            [sys.executable, *command, str(listening.fileno())],
            cwd=self.root,
            pass_fds=(listening.fileno(),),
            stderr=subprocess.DEVNULL,
        )
        listening.close()

    def wait(self) -> None:
        """Wait until it answers."""
        while True:
            try:
                httpx.get(f"{self.reach.url}/health", timeout=PATIENCE, trust_env=False)
            except httpx.HTTPError:
                time.sleep(0.1)
            else:
                return

    def kill(self) -> None:
        """Kill it, whatever it is doing, and start another."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1
        self.start()


class Client:
    """One reviewer's browser."""

    def __init__(self, name: str, url: str, seen: Seen, seed: int, until: int) -> None:
        self.name, self.seen, self.until = name, seen, until
        self.random = random.Random(seed)
        self.http = httpx.Client(
            base_url=url, headers={"Origin": url}, timeout=PATIENCE, trust_env=False
        )
        self.broken = False

    def ask(self, path: str, content: object = None) -> httpx.Response:
        """Send a request until it is answered."""
        while True:
            try:
                answer = self.http.post(path, json=content)
            except httpx.HTTPError:
                self.broken = True
                time.sleep(0.2)
                continue
            if answer.status_code >= 500:
                with self.seen.lock:
                    self.seen.errors.append(f"{path}: {answer.status_code}")
            return answer

    def log_in(self) -> None:
        """Begin a session, which lasts over the server's kills."""
        session = self.ask("/api/login", {"name": self.name, "password": PASSWORD}).json()
        self.http.headers["X-CSRF-Token"] = session["csrf"]

    def work(self) -> None:
        """Decide until enough is decided, or die."""
        took, waiting = time.monotonic(), 0
        case = self.next()
        while len(self.seen.kept) < self.until and waiting < 200:
            if case is None:  # all is held: cases of the dead come back when their leases end
                waiting += 1
                time.sleep(0.5)
                took, case = time.monotonic(), self.next()
                continue
            waiting = 0
            if self.random.random() < DIES:
                with self.seen.lock:
                    self.seen.dead.add(case["case"])
                return
            self.broken, sent = False, time.monotonic()
            self.answer(case, took)
            took = time.monotonic()
            case = self.next()
            if not self.broken:
                with self.seen.lock:
                    self.seen.seconds.append(time.monotonic() - sent)

    def next(self) -> dict[str, str] | None:
        """Take the next case; None where nothing is free."""
        answer = self.ask("/api/queues/fraud/next")
        return answer.json() if answer.status_code == 200 else None

    def answer(self, case: dict[str, str], took: float) -> None:
        """Answer a case, and note it once the page says it is saved."""
        word = self.random.choice(["genuine", "fraud"])
        given = {"token": case["token"], "case": case["case"], "word": word}
        kept = self.ask("/api/queues/fraud/answers", given)
        if kept.status_code != 200 or kept.json()["kind"] != "decision":
            return  # its lease ended while the server was away
        with self.seen.lock:
            self.seen.kept[case["token"]] = case["case"]
            self.seen.held.append((case["case"], self.name, took, time.monotonic()))


def prepare(folder: Path, cases: int, clients: int) -> Path:
    """Make a project with cases and people."""
    root = copy_checkout(folder / "project")
    params = root / "params.yaml"
    params.write_text(
        params.read_text()
        .replace("lease: 15 ", f"lease: {LEASE:g} ")
        .replace("gold: 0.05", "gold: 0")
    )
    put = [
        Case(
            case=f"fraud-{number:012x}",
            usecase="fraud",
            origin="simulated",
            entity=f"row-{number}",
            stream="margin",
            propensity=None,
            model="fraud-simulated:1",
            scores=[0.4, 0.6],
            prediction=1,
            classes=["genuine", "fraud"],
            facts={"amount": number, "type": "TRANSFER"},
            reasons=[("amount", 0.3)],
            poor=False,
            out_at=datetime(2026, 1, 1),
        )
        for number in range(cases)
    ]
    Queue(root / STATE, "fraud", "simulated").put(put, datetime(2026, 1, 1))
    people = People(root / STATE)
    for number in range(clients):
        people.set_password(people.add(f"reviewer {number}", "reviewer"), PASSWORD)
    return root


def check(root: Path, seen: Seen) -> list[str]:
    """Return what is wrong afterwards, in words."""
    seats = Seats(root / STATE, "fraud", "simulated", timedelta(minutes=LEASE))
    standing = [answer for answer in seats.standing() if answer.said.kind in COUNTS]
    tokens = [answer.token for answer in standing]
    cases = [answer.case for answer in standing]
    faults = list(seen.errors)
    if lost := seen.kept.keys() - set(tokens):
        faults.append(f"{len(lost)} answers lost that were said to be saved")
    if len(tokens) != len(set(tokens)) or len(cases) != len(set(cases)):
        faults.append("cases decided twice")
    held: dict[str, list[tuple[float, float, str]]] = {}
    for case, who, began, ended in seen.held:
        held.setdefault(case, []).append((began, ended, who))
    twice = [case for case, spans in held.items() if len({who for *_, who in spans}) > 1]
    if twice:
        faults.append(f"{len(twice)} cases answered by two")
    if stuck := seen.dead - set(cases):
        faults.append(f"{len(stuck)} cases of dead clients never came back")
    return faults


def run(folder: Path, decisions: int, clients: int, seed: int) -> list[str]:
    """Measure, print, and return what is wrong."""
    root = prepare(folder, decisions + clients, clients)
    server, seen = Server(root), Seen()
    browsers = [
        Client(f"reviewer {n}", server.reach.url, seen, seed + n, decisions) for n in range(clients)
    ]
    for browser in browsers:
        browser.log_in()
    threads = [threading.Thread(target=browser.work) for browser in browsers]
    began, random_number = time.monotonic(), random.Random(seed)
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        server.wait()
        time.sleep(random_number.uniform(BETWEEN / 3, BETWEEN))
        if any(thread.is_alive() for thread in threads):
            server.kill()
    took = time.monotonic() - began
    server.process.kill()
    faults = check(root, seen)
    p50, p99 = np.quantile(seen.seconds, [0.5, 0.99]) * 1000 if seen.seconds else (0, 0)
    print(
        f"{len(seen.kept):,} decisions of {clients} clients in {took:.0f} s "
        f"({len(seen.kept) / took:.0f}/s), {server.kills} kills of the server, "
        f"{len(seen.dead)} dead clients; answer to next case {p50:.0f} ms, p99 {p99:.0f} ms"
    )
    print("\n".join(faults) or "0 lost, 0 doubled, none held by two; dead clients' cases came back")
    return faults


def main() -> None:
    """Measure on SQLite or PostgreSQL; exits with 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decisions", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    server = postgres.server() if options.postgres else nullcontext("")
    with server as address, tempfile.TemporaryDirectory() as folder:
        if address:
            os.environ[ADDRESS] = address
        faults = run(Path(folder), options.decisions, options.clients, options.seed)
    if options.json:
        options.json.write_text(json.dumps({"faults": faults}) + "\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
