"""Clients with a history: each has an amount, an hour, shops and friends of its own.

PaySim's clients pay once or in one run, so nothing is unusual for any of them. These pay for a
month. :func:`burst` draws what departs from habit: frauds, and what only looks odd.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vouch.sources.patterns import Pattern
from vouch.sources.paysim.arrays import Arrays, Ints
from vouch.sources.paysim.parameters import CASH_IN, CASH_OUT, PAYMENT, STEPS, TRANSFER, TYPES

Floats = NDArray[np.float64]
ROWS_EACH = 40
"""Rows of a client, on average."""
FAVOURITES, FRIENDS = 6, 4
SHARES = (0.05, 0.14, 0.05, 0.62, 0.14)
"""Of the types, in the order of ``TYPES``."""
TIMES_USUAL = np.array([25.0, 3.0, 0.5, 1.0, 4.0])
"""What a payment of each type is on average, in a client's usual amounts."""
USUAL_LOG_MEAN, USUAL_LOG_SD = 8.6, 0.8
OWN_SD = 0.7
"""Spread of a client's amounts, as the sd of their logarithm."""
HOURS_SD = 2.5
PAYDAYS = (1, 15, 29)
ANY_HOUR, ANY_SHOP, ANY_FRIEND = 0.06, 0.15, 0.2
"""Shares of payments at an hour, in a shop, to an account that is not a client's usual one."""
FREQUENT_SMALL = 0.05
"""Share of the clients half of whose payments are small, such as fares."""
SHOPS, AGENTS, FIRMS = 3_000, 200, 100
FIRST_FRIEND, FIRST_NEW = 10_000, 10_000_000
"""Where the numbers of friends, and of accounts that hardly come twice, begin."""
KEPT = 0.04
"""Share that an account keeps of what passes through it."""
ODD = (
    Pattern(share=0.002, type="PAYMENT", rows=(1, 1), times=(8, 30), payee="shop"),
    Pattern(share=0.002, type="TRANSFER", rows=(3, 5), within=48, times=(2, 20), payee="account"),
    Pattern(share=0.006, type="PAYMENT", rows=(6, 15), within=96, times=(0.3, 4), hours="any"),
    Pattern(share=0.003, type="TRANSFER", rows=(1, 2), within=2, times=(3, 25), payee="account"),
    Pattern(share=0.002, type="CASH_OUT", rows=(2, 4), within=6, times=(2, 12), hours="any"),
)
"""Genuine, as shares of these clients' rows: a big purchase, a move, a journey, money passed on,
cash for a holiday."""


@dataclass(frozen=True)
class Acts(Arrays):
    """Payments of clients, in any order; all arrays of one length.

    Attributes:
        client: Who pays, from 0; of a chain's later payments, no client: below 0.
        step: Hour, 1 to 743.
        order: Place among payments of one hour: those of a chain follow each other.
        type: Position in ``TYPES``.
        amount: Units of money.
        payee: Number of the shop (of payments), or of the account.
        pattern: 0 for a genuine one; else the fraud's pattern, from 1.
    """

    client: Ints
    step: Ints
    order: Ints
    type: Ints
    amount: Floats
    payee: Ints
    pattern: Ints


@dataclass(frozen=True)
class Clients:
    """What is usual for each client, shapes (clients,) and (clients, several).

    Attributes:
        usual: Amount of a payment in a shop.
        hour: Of the day.
        shops: Those it knows, the one it likes best first.
        friends: Accounts it sends money to.
    """

    usual: Floats
    hour: Floats
    shops: Ints
    friends: Ints

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.usual)


def draw_clients(rng: np.random.Generator, count: int) -> Clients:
    """Draw clients.

    Args:
        rng: Where chance comes from.
        count: How many, at least 1.
    """
    return Clients(
        rng.lognormal(USUAL_LOG_MEAN, USUAL_LOG_SD, count),
        rng.uniform(9, 21, count),
        _shops(rng, (count, FAVOURITES)),
        FIRST_FRIEND + rng.permutation(count * FRIENDS).reshape(count, FRIENDS),
    )


def everyday(rng: np.random.Generator, clients: Clients, rows: int) -> Acts:
    """Draw genuine payments, the odd ones among them.

    Args:
        rng: Where chance comes from.
        clients: Who pays.
        rows: How many.
    """
    odd = [burst(rng, clients, pattern, round(pattern.share * rows), 0) for pattern in ODD]
    usual = _usual(rng, clients, rows - sum(len(each.step) for each in odd))
    return Acts.together([usual, *odd])


def _usual(rng: np.random.Generator, clients: Clients, rows: int) -> Acts:
    often = rng.gamma(1.5, size=clients.count)
    client = rng.choice(clients.count, rows, p=often / often.sum())
    kind = np.searchsorted(np.cumsum(SHARES)[:-1], rng.random(rows), side="right")
    salary = kind == CASH_IN
    day = np.where(salary, rng.choice(PAYDAYS, rows), rng.integers(0, 31, rows))
    hour = np.where(salary, rng.normal(9, 1, rows), _hours(rng, clients, client))
    spread = np.where(salary, 0.02, OWN_SD)  # a salary is nearly the same each time
    amount = clients.usual[client] * TIMES_USUAL[kind] * np.exp(rng.normal(0, spread))
    small = (kind == PAYMENT) & (client < FREQUENT_SMALL * clients.count) & _chance(rng, 0.5, rows)
    amount = np.where(small, rng.lognormal(4, 0.8, rows), amount)
    step, payee = _step(rng, day, hour), _usual_payees(rng, clients, client, kind)
    return Acts(client, step, _zeros(rows), kind, amount, payee, _zeros(rows))


def burst(
    rng: np.random.Generator, clients: Clients, pattern: Pattern, rows: int, number: int
) -> Acts:
    """Draw payments that depart from clients' habits, several of a client soon after each other.

    Args:
        rng: Where chance comes from.
        clients: To whom it happens.
        pattern: How the payments look.
        rows: How many payments in all.
        number: What to call the pattern; 0: they are genuine.
    """
    low, high = pattern.rows
    sizes = rng.integers(low, high + 1, rows // low + 1)
    event = np.repeat(np.arange(len(sizes)), sizes)[:rows]
    place = np.arange(rows) - np.searchsorted(event, event)
    client = rng.integers(0, clients.count, len(sizes))[event]
    step = _burst_steps(rng, clients, pattern, client, event, place)
    kind = np.full(rows, TYPES.index(pattern.type))
    least, most = np.log(pattern.times)
    times = np.exp(rng.uniform(least, most, rows))
    amount = clients.usual[client] * times
    if pattern.round_to:
        amount = np.maximum(np.round(amount / pattern.round_to), 1) * pattern.round_to
    one_account = new_accounts(rng, len(sizes))[event]  # for all of an event's money
    payee = _shops(rng, rows) if pattern.payee == "shop" else one_account
    acts = Acts(client, step, place, kind, amount, payee, np.full(rows, number))
    return _passed_on(acts, event) if pattern.chain else acts


def _burst_steps(
    rng: np.random.Generator,
    clients: Clients,
    pattern: Pattern,
    client: Ints,
    event: Ints,
    place: Ints,
) -> Ints:
    """Return when an event's payments are made: in order, within the pattern's hours."""
    events, begin = int(event.max(initial=-1)) + 1, round(pattern.since * STEPS)
    day = rng.integers(begin // 24, 31, events)[event]
    if pattern.hours == "any":
        hour = rng.uniform(0, 24, events)
    else:
        hour = rng.normal(clients.hour[client[place == 0]], HOURS_SD)
    first = _step(rng, day, hour[event], begin + 1)
    first = first[np.searchsorted(event, event)]
    later = np.where(place == 0, 0, rng.integers(0, pattern.within + 1, len(event)))
    order = np.lexsort((later, event))
    return np.minimum(first + later[order], STEPS)


def _passed_on(acts: Acts, event: Ints) -> Acts:
    """Let each payment after an event's first be made from the account the one before paid into."""
    place, payee = acts.order, acts.payee + acts.order  # neighbours of a new number are new, too
    follows = place > 0
    client = np.where(follows, -np.roll(payee, 1), acts.client)
    amount = acts.amount[np.searchsorted(event, event)] * (1 - KEPT) ** place
    last = np.roll(place, -1) == 0
    kind = np.where(last & follows, CASH_OUT, acts.type)
    return Acts(client, acts.step, place, kind, amount, payee, acts.pattern)


def new_accounts(rng: np.random.Generator, count: int) -> Ints:
    """Draw the numbers of accounts that hardly come twice."""
    return rng.integers(FIRST_NEW, 2**31, count)


def _hours(rng: np.random.Generator, clients: Clients, client: Ints) -> Floats:
    usual, rows = rng.normal(clients.hour[client], HOURS_SD), len(client)
    return np.where(_chance(rng, ANY_HOUR, rows), rng.uniform(0, 24, rows), usual)


def _step(rng: np.random.Generator, day: Ints, hour: Floats, begin: int = 1) -> Ints:
    """Return the step of a day's hour; what falls outside the month is moved into it."""
    step = day * 24 + np.floor(hour % 24).astype(np.int64) + 1
    inside = (step >= begin) & (step <= STEPS)
    return np.where(inside, step, rng.integers(begin, STEPS + 1, len(step)))


def _usual_payees(rng: np.random.Generator, clients: Clients, client: Ints, kind: Ints) -> Ints:
    rows = len(client)
    liked = np.minimum(rng.geometric(0.35, rows) - 1, FAVOURITES - 1)
    shop = np.where(_chance(rng, ANY_SHOP, rows), _shops(rng, rows), clients.shops[client, liked])
    friend = clients.friends[client, rng.integers(0, FRIENDS, rows)]
    friend = np.where(_chance(rng, ANY_FRIEND, rows), new_accounts(rng, rows), friend)
    agent = SHOPS + rng.integers(0, AGENTS, rows)
    firm = SHOPS + AGENTS + client % FIRMS
    kinds = [kind == PAYMENT, kind == TRANSFER, kind == CASH_OUT]
    return np.select(kinds, [shop, friend, agent], firm)


def _shops(rng: np.random.Generator, shape: tuple[int, ...] | int) -> Ints:
    """Draw shops, some of which are far better known than others."""
    return (SHOPS * rng.random(shape) ** 3).astype(np.int64)


def _chance(rng: np.random.Generator, share: float, rows: int) -> NDArray[np.bool_]:
    return rng.random(rows) < share


def _zeros(rows: int) -> Ints:
    return np.zeros(rows, np.int64)
