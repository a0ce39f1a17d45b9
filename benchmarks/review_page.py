"""Many reviewers decide at once while the page's server is killed: is any decision lost or doubled?

Run it as ``python -m benchmarks.review_page``; ``--postgres`` keeps them in a PostgreSQL of its
own, which writes to disk before it answers. Each client does what a browser does: logs in, opens
the page, answers the case on it and gets the next one with the answer's response, and sends an
answer again until it hears that it is saved; now and then also when it has heard so. Some die with
a case before them and never come back; somebody else takes their place. The server is killed with
SIGKILL every few seconds; another one, forked from a process that has imported all of it, takes its
socket. At the end
each case is decided. Then every answer a client was told is kept must stand once, there may be no
other, nobody may have been shown a case that was another's, and the cases of dead clients must
have come back to others.

``--one`` measures one person instead: from key to next case, with no kills. The time is that of
the one request which keeps the answer and brings the next case, commit included.
"""

import argparse
import http.client
import itertools
import json
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from pydantic import BaseModel

from tests import postgres
from tests.project import copy_checkout
from vouch.core.database import ADDRESS
from vouch.project.paths import STATE
from vouch.results.context import Context, Edge, Flow, Node, Payment, Statement
from vouch.review.page.reach import Reach, listen
from vouch.review.people import People
from vouch.review.queue import Case, Queue
from vouch.review.queue.seats import COUNTS, Answer, Seats

PASSWORD = "correct horse battery"
DIES = 0.001
"""The chance that a client dies with a case before it."""
REPEATS = 0.02
"""The chance that a client sends an answer again that it heard is saved."""
BETWEEN = 6.0
"""Seconds that the server answers between two kills, at most."""
PATIENCE = 30.0
LEASE = 1.0
"""Minutes that a case stays with a client that is silent."""
MOMENT = datetime(2026, 1, 1)
PAGE, ANSWER = "/review/fraud", "/review/fraud/answer"
SERVER = """
import os
import sys
from pathlib import Path
from vouch.review.page.reach import Reach
from vouch.review.page.serve import serve

for _word in sys.stdin:
    child = os.fork()
    if not child:
        serve(Path(), Reach.model_validate_json(sys.argv[1]), int(sys.argv[2]))
    print(child, flush=True)
    os.waitpid(child, 0)
"""
"""Begins the page's server at a word, as often as one comes, and tells its process id."""


@dataclass
class Hold:
    """That a client was shown a case.

    Attributes:
        case: The case.
        token: The lease.
        who: The client.
        touched: When it last sent a request that was answered, before it had the case or with it.
        shown: When it had the case.
        kept: Whether its decision counts.
    """

    case: str
    token: str
    who: str
    touched: float
    shown: float
    kept: bool = False


@dataclass
class Seen:
    """What the clients saw.

    Attributes:
        holds: Every case that a client was shown.
        late: Answers that were kept and do not count: their lease had ended.
        kept: Answers that count.
        seconds: From sending an answer to having the next case, where no kill came between.
        dead: Cases of clients that died.
        errors: Answers that no page of ours should give.
    """

    holds: list[Hold] = field(default_factory=list)
    late: int = 0
    kept: int = 0
    seconds: list[float] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Result(BaseModel):
    """What a run measured.

    Attributes:
        decisions: Decisions that stand.
        lost: Answers that a client was told are saved, and that do not stand.
        doubled: Cases with two decisions, and decisions that no client was told of.
        held_by_two: Times that a client was shown a case while it was another's.
        stuck: Cases of dead clients that nobody decided.
        errors: Answers of the server that nothing explains.
        dead: Clients that died.
        kills: Of the server.
        seconds: All in all.
        up: Of these, those in which a server answered.
        median: Milliseconds from an answer to the next case.
        p99: The same, of the slowest hundredth.
        cpu: Milliseconds of the servers' processor time a decision; beginning and logging in count.
        load: The machine's load average over the last five minutes, at the end.
    """

    decisions: int
    lost: int = 0
    doubled: int = 0
    held_by_two: int = 0
    stuck: int = 0
    errors: list[str] = []
    dead: int = 0
    kills: int = 0
    seconds: float = 0.0
    up: float = 0.0
    median: float
    p99: float
    cpu: float
    load: float

    @property
    def faults(self) -> int:
        """How much is wrong."""
        return self.lost + self.doubled + self.held_by_two + self.stuck + len(self.errors)

    def print(self) -> None:
        """Print it in words."""
        print(
            f"{self.decisions:,} decisions in {self.seconds:.0f} s "
            f"({self.decisions / self.seconds:.0f}/s; while a server answered "
            f"{self.decisions / self.up:.0f}/s), {self.kills} kills, {self.dead} dead clients\n"
            f"{self.lost} lost, {self.doubled} doubled, {self.held_by_two} held by two, "
            f"{self.stuck} cases of dead clients that did not come back\n"
            f"key to next case: median {self.median:.0f} ms, p99 {self.p99:.0f} ms; "
            f"{self.cpu:.1f} ms of processor time a decision; load {self.load:.1f} "
            f"on {os.cpu_count()} cores"
        )
        print("\n".join(self.errors[:10]), end="")


class Server:
    """The page's server, killed and begun again at the same socket."""

    def __init__(self, root: Path) -> None:
        self.kills, self.up = 0, 0.0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.reach = Reach(port=probe.getsockname()[1])
        self.listening = listen(self.reach)
        reach, number = self.reach.model_dump_json(), self.listening.fileno()
        self.parent = subprocess.Popen(
            [sys.executable, "-c", SERVER, reach, str(number)],
            cwd=root,
            pass_fds=(number,),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.begin()

    def begin(self) -> None:
        """Begin it."""
        self.parent.stdin.write("begin\n")
        self.parent.stdin.flush()
        self.process = int(self.parent.stdout.readline())

    def wait(self) -> None:
        """Wait until it answers."""
        Http(self.reach.port).ask("GET", "/health")
        self.since = time.monotonic()

    def kill(self) -> None:
        """Kill it, whatever it is doing."""
        os.kill(self.process, signal.SIGKILL)
        self.up += time.monotonic() - self.since

    def again(self) -> None:
        """Kill it and begin it again."""
        self.kill()
        self.kills += 1
        self.begin()

    def end(self) -> None:
        """Kill it for good."""
        self.kill()
        self.parent.communicate()
        self.listening.close()


class Http:
    """A connection that asks until it is answered."""

    def __init__(self, port: int) -> None:
        self.port, self.broken, self.sent = port, False, 0.0
        self.connection: http.client.HTTPConnection | None = None
        self.headers = {"Origin": f"http://127.0.0.1:{port}", "HX-Request": "true"}

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """Return an answer's status and text, and keep its cookie."""
        self.broken = False
        while True:
            try:
                return self._ask(method, path, form)
            except (OSError, http.client.HTTPException):
                self.broken = True
                if self.connection:
                    self.connection.close()
                self.connection = None
                time.sleep(0.1)

    def _ask(self, method: str, path: str, form: dict[str, str] | None) -> tuple[int, str]:
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self.sent, kind = time.monotonic(), {"Content-Type": "application/x-www-form-urlencoded"}
        body = None if form is None else urlencode(form)
        self.connection.request(method, path, body, self.headers | (kind if body else {}))
        answer = self.connection.getresponse()
        if cookie := answer.getheader("Set-Cookie"):
            self.headers["Cookie"] = cookie.partition(";")[0]
        return answer.status, answer.read().decode()


class Client:
    """One reviewer's browser."""

    def __init__(self, name: str, port: int, seen: Seen, seed: int) -> None:
        self.name, self.seen = name, seen
        self.random, self.http = random.Random(seed), Http(port)
        self.csrf, self.hold = "", None

    def ask(self, method: str, path: str, form: dict[str, str] | None = None) -> str:
        """Return what a request is answered with; what no page of ours should answer is noted."""
        if form is not None:
            form = {"csrf": self.csrf} | form
        status, text = self.http.ask(method, path, form)
        if status >= 400:
            with self.seen.lock:
                self.seen.errors.append(f"{self.name}: {path}: {status} {text[:300]}")
        return text

    def log_in(self) -> None:
        """Begin a session, which lasts over the server's kills."""
        self.http.ask("POST", "/login", {"name": self.name, "password": PASSWORD})

    def open(self) -> None:
        """Open the page."""
        self.see(self.ask("GET", PAGE))

    def see(self, page: str) -> None:
        """Note the case that is on a page; None where nothing is left."""
        csrf, case, token = (
            re.search(pattern, page)
            for pattern in (
                r'name="csrf" value="([^"]+)"',
                r'data-case="([^"]+)"',
                r'name="token" value="([^"]+)"',
            )
        )
        self.csrf = csrf[1] if csrf else self.csrf
        if not case or not token:
            self.hold = None
            return
        if self.hold and self.hold.token == token[1]:
            self.hold.touched = self.http.sent
            return
        self.hold = Hold(case[1], token[1], self.name, self.http.sent, time.monotonic())
        with self.seen.lock:
            self.seen.holds.append(self.hold)

    def decide(self) -> None:
        """Answer the case that is on the page, and have the next one."""
        hold, word = self.hold, self.random.choice(["genuine", "fraud"])
        form = {"token": hold.token, "case": hold.case, "kind": "decision", "word": word}
        began = time.monotonic()
        page = self.ask("POST", ANSWER, form)
        took, broken = time.monotonic() - began, self.http.broken
        self.see(page)
        self.hear(hold, page)
        with self.seen.lock:
            if not broken:
                self.seen.seconds.append(took)
        if self.random.random() < REPEATS and "Saved." not in self.ask("POST", ANSWER, form):
            with self.seen.lock:
                self.seen.errors.append(f"{hold.case}: an answer sent again was not taken so")

    def hear(self, hold: Hold, page: str) -> None:
        """Note what became of an answer."""
        with self.seen.lock:
            if "Saved." in page:
                hold.kept = True
                self.seen.kept += 1
            elif "your answer is kept" in page:
                self.seen.late += 1
            elif "not with you any more" not in page:
                self.seen.errors.append(f"{hold.case}: {page[:300]}")


@dataclass
class Storm:
    """All clients, and those who take the place of dead ones."""

    seen: Seen
    decisions: int
    spare: list[Client]

    def work(self, client: Client) -> None:
        """Decide until all is decided; where a client dies, the next one goes on."""
        client.open()
        while self.seen.kept < self.decisions:
            if client.hold is None:  # all is held: cases of the dead come back when leases end
                time.sleep(1)
                client.open()
            elif self.spare and client.random.random() < DIES:
                with self.seen.lock:
                    self.seen.dead.append(client.hold.case)
                    client = self.spare.pop()
                client.open()
            else:
                client.decide()


def context(number: int) -> dict[str, object]:
    """Return what a payment is shown with: twelve earlier ones, and who they were with."""
    history = tuple(
        Payment(
            party="payer",
            time=MOMENT - timedelta(hours=7 * n),
            amount=float(number % 97 + 10 * n),
            category="TRANSFER",
            direction="out",
            counterpart=f"C{number + n}",
        )
        for n in range(1, 13)
    )
    around = [Node(name=f"C{number + n}", part="other") for n in range(1, 7)]
    return Context(
        time=MOMENT,
        amount=float(number),
        headline=(Statement(label="Amount", value=str(number), comparison="usually 12"),),
        rule=Statement(label="Rule", value="flagged", comparison="amount > 200"),
        history=history,
        flow=Flow(
            nodes=(Node(name="payer", part="payer"), Node(name="shop", part="payee"), *around),
            edges=(
                Edge(start=0, end=1, sum=250.0, count=1, own=True),
                *(Edge(start=0, end=n, sum=9.0 * n, count=n, own=False) for n in range(2, 8)),
            ),
        ),
    ).content()


def case(number: int) -> Case:
    """Return a case as ``vouch enqueue`` makes them."""
    names = ("amount", "hour", "old_balance", "new_balance", "payer_count", "payee_age")
    return Case(
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
        facts={"type": "TRANSFER"} | {name: float(number) for name in names},
        reasons=[(f"{name} is {number}", 0.3 - n / 10) for n, name in enumerate(names)],
        poor=False,
        out_at=MOMENT,
        context=context(number),
    )


def prepare(folder: Path, cases: int, people: int) -> Path:
    """Make a project with cases and people."""
    root = copy_checkout(folder / "project")
    params = root / "params.yaml"
    text = params.read_text().replace("lease: 15 ", f"lease: {LEASE:g} ")
    params.write_text(text.replace("gold: 0.05", "gold: 0"))
    Queue(root / STATE, "fraud", "simulated").put([case(n) for n in range(cases)], MOMENT)
    store = People(root / STATE)
    for number in range(people):
        store.set_password(store.add(f"reviewer {number}", "reviewer"), PASSWORD)
    return root


def held_by_two(holds: list[Hold]) -> int:
    """Count how often a client was shown a case that was another's.

    A case is a client's from when it was shown until its answer is kept, and for a lease's length
    after the last request of a client that gives none. Nobody is shown a decided case.
    """
    by_case, wrong = defaultdict[str, list[Hold]](list), 0
    for hold in sorted(holds, key=lambda hold: hold.shown):
        by_case[hold.case].append(hold)
    for shown in by_case.values():
        for earlier, later in itertools.pairwise(shown):
            ended = later.shown - earlier.touched >= LEASE * 60 and not earlier.kept
            wrong += earlier.who != later.who and not ended
    return wrong


def standing(root: Path) -> list[Answer]:
    """Return the decisions that stand."""
    seats = Seats(root / STATE, "fraud", "simulated", timedelta(minutes=LEASE))
    return [answer for answer in seats.standing() if answer.said.kind in COUNTS]


def check(root: Path, seen: Seen, server: Server, seconds: float) -> Result:
    """Return what was measured and what is wrong."""
    answers = standing(root)
    tokens, cases = {a.token for a in answers}, {a.case for a in answers}
    kept = {hold.token for hold in seen.holds if hold.kept}
    return Result(
        decisions=len(answers),
        lost=len(kept - tokens),
        doubled=len(answers) - len(cases) + len(tokens - kept),
        held_by_two=held_by_two(seen.holds),
        stuck=len(set(seen.dead) - cases),
        errors=seen.errors,
        dead=len(seen.dead),
        kills=server.kills,
        seconds=seconds,
        up=server.up,
        **speed(seen.seconds, len(answers)),
    )


def speed(seconds: list[float], decisions: int) -> dict[str, float]:
    """Return how long answers took, once the servers have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    median, p99 = np.quantile(seconds, [0.5, 0.99]) * 1000
    cpu = (used.ru_utime + used.ru_stime) * 1000 / decisions
    return {"median": median, "p99": p99, "cpu": cpu, "load": os.getloadavg()[1]}


def storm(folder: Path, decisions: int, clients: int, seed: int) -> Result:
    """Let many decide while the server is killed."""
    spare = max(decisions // 250, 2)
    root = prepare(folder, decisions, clients + spare)
    server, seen = Server(root), Seen()
    server.wait()
    browsers = [
        Client(f"reviewer {n}", server.reach.port, seen, seed + n) for n in range(clients + spare)
    ]
    for browser in browsers:
        browser.log_in()
    all_of_them = Storm(seen, decisions, browsers[clients:])
    threads = [
        threading.Thread(target=all_of_them.work, args=(browser,), daemon=True)
        for browser in browsers[:clients]
    ]
    server.wait()
    began, random_number = time.monotonic(), random.Random(seed)
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        server.wait()
        kept = seen.kept
        time.sleep(random_number.uniform(BETWEEN / 3, BETWEEN))
        while seen.kept == kept < decisions:  # on a machine that is busy a server needs longer
            time.sleep(0.1)
        if any(thread.is_alive() for thread in threads):
            server.again()
            took = time.monotonic() - began
            print(f"{took:4.0f} s: {seen.kept:,} decisions, {server.kills} kills", flush=True)
    took = time.monotonic() - began
    server.end()
    return check(root, seen, server, took)


def one(folder: Path, decisions: int) -> Result:
    """Measure one person's way from key to next case, among cases that wait in thousands."""
    root = prepare(folder, 10_000, 1)
    server, seen = Server(root), Seen()
    server.wait()
    client = Client("reviewer 0", server.reach.port, seen, 1)
    client.log_in()
    client.open()
    for _ in range(20):  # the first ones wait for templates and caches
        client.decide()
    seen.seconds.clear()
    server.wait()
    began = time.monotonic()
    for _ in range(decisions):
        client.decide()
    took = time.monotonic() - began
    server.end()
    return check(root, seen, server, took)


def main() -> None:
    """Measure on SQLite or PostgreSQL; exits with 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decisions", type=int)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--one", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    store = postgres.server(durable=True) if options.postgres else nullcontext("")
    with store as address, tempfile.TemporaryDirectory() as folder:
        if address:
            os.environ[ADDRESS] = address
        if options.one:
            result = one(Path(folder), options.decisions or 500)
        else:
            decisions = options.decisions or 10_000
            result = storm(Path(folder), decisions, options.clients, options.seed)
    result.print()
    if options.json:
        options.json.write_text(json.dumps(result.model_dump()) + "\n")
    sys.exit(bool(result.faults))


if __name__ == "__main__":
    main()
