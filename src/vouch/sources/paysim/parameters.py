"""What is known of the PaySim table: published counts and fits, and shapes of its first hours.

Source: counts over the published table of 6,362,620 rows and its public summary statistics
(Lopez-Rojas, Elmir and Axelsson, "PaySim: a financial mobile money simulator for fraud
detection", EMSS 2016). Shapes of account behaviour were measured on the table's first eight
hours. Only distribution parameters stand here, never a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PUBLISHED_ROWS = 6_362_620
PUBLISHED_FRAUDS = 8_213
PUBLISHED_LONE_CASH_OUTS = 35  # 4,116 cash-outs less the 4,081 that follow a transfer
PUBLISHED_FLAGGED = 16
STEPS = 743  # hours
LARGEST_AMOUNT = 92_445_516.64

TYPES = ("CASH_IN", "CASH_OUT", "DEBIT", "PAYMENT", "TRANSFER")
CASH_IN, CASH_OUT, DEBIT, PAYMENT, TRANSFER = range(5)

# Rows of the first eight hours, then of each day and of each hour of a day (thousands): days 2 to
# 4 and those after 16 are thin. They give the published quartiles of step: 156, 239 and 335.
FIRST_HOURS = (2.692, 1.006, 0.548, 0.555, 0.659, 1.638, 6.825, 21.094)
DAYS: tuple[float, ...] = (
    *(574.0, 455.0, 20.0, 20.0, 20.0, 390.0, 390.0, 437.0, 437.0, 437.0),
    *(398.0,) * 4,
    *(424.0,) * 3,
    *(22.7,) * 14,
)
HOURS: tuple[float, ...] = (
    *(71.6, 27.1, 9.0, 2.0, 1.2, 1.6, 3.4, 9.0, 26.9, 283.5, 425.7, 446.0),
    *(483.4, 468.5, 439.7, 416.7, 441.6, 439.9, 580.5, 647.8, 553.7, 247.8, 194.6, 141.3),
)

# Quantiles of what a client, and an account that bulk payers pay to, holds when first seen (whole
# units).
QUANTILE_LEVELS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)
CLIENT_BALANCE = (1, 110, 280, 850, 10_000, 22_800, 66e3, 176e3, 330e3, 900e3, 3e6, 8e6)
LATER_CLIENT_BALANCE = (1, 150, 600, 2_500, 12_500, 26e3, 58e3, 130e3, 240e3, 700e3, 2e6, 6e6)
BULK_BALANCE = (2e3, 1e4, 18e3, 26e3, 52e3, 120e3, 245e3, 480e3, 700e3, 2e6, 7e6, 1e7)

# Money leaves a taken-over account in pieces of at most ten million.
FRAUD_PIECE = 10_000_000
FRAUD_LOG_MEAN, FRAUD_LOG_SD = 12.98, 1.65
FIRST_FRAUD_LOG_MEAN, FIRST_FRAUD_LOG_SD = 10.67, 2.48
FRAUD_LARGEST_BALANCE = 59_600_000
FLAGGED_LEAST = 353_874.22
FRAUD_NEW_ACCOUNT = 0.28  # a fraud's cash-out goes to an account never seen before

FIRST_ACCOUNTS = 40
SPENT_LOG_MEAN, SPENT_LOG_SD = 11.3, 2.0
MOST_ENRICHED = 8_000_000
# How much likelier than any a payment of each type opens an account: of occasional payers, of bulk
# ones. In the first hours 99 % of bulk payments and all debits move at most what the other account
# holds, a new one's included, so many of the bulk ones' would-be accounts fall away.
OPENS = ((2.0, 1.45, 1.6, 0.0, 1.9), (1.4, 1.6, 1.8, 0.0, 1.3))


@dataclass(frozen=True)
class Runs:
    """How many payments of one type a client makes in a row.

    Attributes:
        occasional: Chances of one, two and three payments.
        bulk: Share of the clients that make many.
        least: Fewest payments of such a client.
        mean: Mean number above ``least``.
        spread: ``uniform`` or ``exponential``.
        continues: Chance that the client is the one of the row before, whatever its type.
    """

    occasional: tuple[float, float, float]
    bulk: float
    least: int
    mean: float
    spread: str
    continues: float

    def expected(self) -> float:
        """Return the mean number of payments of one client."""
        few = float(np.dot(self.occasional, (1, 2, 3)))
        return (1 - self.bulk) * few + self.bulk * (self.least + self.mean)


@dataclass(frozen=True)
class Phase:
    """How payments look during a stretch of hours.

    Attributes:
        until: Its last step.
        shares: Share of each type among genuine rows, in the order of ``TYPES``.
        amounts: Of each type, its quantiles at ``QUANTILE_LEVELS``, or shape and scale of its
            gamma; of TRANSFER, log-mean and log-sd.
        runs: Of each type.
        client_balance: Quantiles of what a client holds when first seen.
        new_account: Chance that a row goes to an account never seen before.
        empty_account: Chance that such an account is empty where the payer is an occasional one.
        tries: How often a bulk payment looks for another account that holds its amount.
        enriched: Chance that an account took in cash under another name since its last row, up to
            ``MOST_ENRICHED``: accounts are clients too.
        popular: Chance that an account is chosen by its payments of late, those of about one
            accounting period: by an occasional payer, by a bulk one.
        spent: Chance, for each row of an account, that it paid out under another name by the end of
            the period.
        period_end: Where in an hour, as a share of its rows, an accounting period ends: all of an
            account's payments of a period have the balance at its end written after them.
    """

    until: int
    shares: tuple[float, ...]
    amounts: tuple[tuple[float, ...], ...]
    runs: tuple[Runs, ...]
    client_balance: tuple[float, ...]
    new_account: float
    empty_account: float
    tries: int
    enriched: float
    popular: tuple[float, float]
    spent: float
    period_end: float


_FIRST_RUNS = (
    Runs((1.0, 0.0, 0.0), 0.13, 6, 39.0, "uniform", 0.14),
    Runs((0.9, 0.1, 0.0), 0.065, 4, 16.0, "exponential", 0.44),
    Runs((1.0, 0.0, 0.0), 0.0, 4, 1.0, "uniform", 0.01),
    Runs((0.86, 0.11, 0.03), 0.028, 4, 11.0, "uniform", 0.06),
    Runs((0.96, 0.035, 0.005), 0.055, 4, 10.0, "uniform", 0.17),
)
_LATER_RUNS = (
    Runs((1.0, 0.0, 0.0), 0.12, 6, 32.0, "uniform", 0.14),
    Runs((0.92, 0.08, 0.0), 0.040, 4, 12.0, "exponential", 0.2),
    Runs((1.0, 0.0, 0.0), 0.0, 4, 1.0, "uniform", 0.01),
    Runs((0.86, 0.11, 0.03), 0.0275, 4, 22.0, "uniform", 0.06),
    Runs((0.96, 0.035, 0.005), 0.083, 4, 10.0, "uniform", 0.17),
)
# Quantiles at ``QUANTILE_LEVELS``; transfers grow during the first hours.
_FIRST_AMOUNTS = (
    (58, 3_390, 14_700, 25_500, 61_500, 137e3, 235e3, 343e3, 417e3, 609e3, 853e3, 1.03e6),
    (71, 3_390, 13_300, 27_900, 67_200, 139e3, 252e3, 363e3, 440e3, 565e3, 737e3, 1.26e6),
    (31, 182, 394, 633, 1_400, 2_980, 4_750, 7_370, 8_730, 12_500, 30e3, 42.8e3),
    (2.4, 116, 592, 1_160, 2_900, 6_290, 11_300, 17_800, 23_100, 36_700, 52e3, 68.8e3),
)
_FIRST_TRANSFERS = (
    (1_220, 3_940, 17_500, 39_400, 98_100, 227e3, 546e3, 1.16e6, 1.6e6, 2.42e6, 3.22e6, 3.78e6),
    (3_540, 10_900, 38_800, 78_900, 180e3, 436e3, 766e3, 1.27e6, 1.71e6, 2.42e6, 2.94e6, 3.5e6),
    (1_780, 8_890, 45_700, 99_700, 269e3, 649e3, 1.23e6, 1.85e6, 2.21e6, 3.02e6, 4.63e6, 5.68e6),
)

# Of each of the first hours: shares of the types, payments' amounts as against all of these hours,
# transfers' quantiles, chance of a new account, where the accounting period ends,
# chance of paying out.
_EARLY, _SEVENTH, _EIGHTH = _FIRST_TRANSFERS
_FIRST = (
    ((0.195, 0.140, 0.055, 0.509, 0.101), 0.74, _EARLY, 0.20, 0.87, 0.35),
    ((0.201, 0.099, 0.070, 0.550, 0.080), 0.86, _EARLY, 0.15, 0.56, 0.15),
    ((0.225, 0.091, 0.046, 0.575, 0.063), 1.18, _EARLY, 0.11, 0.66, 0.09),
    ((0.244, 0.130, 0.029, 0.530, 0.067), 0.42, _EARLY, 0.15, 0.79, 0.10),
    ((0.198, 0.088, 0.036, 0.637, 0.041), 0.67, _EARLY, 0.15, 0.84, 0.13),
    ((0.183, 0.099, 0.013, 0.613, 0.092), 1.50, _EARLY, 0.28, 0.65, 0.10),
    ((0.147, 0.168, 0.016, 0.560, 0.109), 0.98, _SEVENTH, 0.30, 0.40, 0.13),
    ((0.179, 0.273, 0.005, 0.444, 0.099), 1.17, _EIGHTH, 0.26, 1.00, 0.35),
)
FIRST_PHASES = tuple(
    Phase(
        until=hour,
        shares=shares,
        amounts=(*_FIRST_AMOUNTS[:3], tuple(scale * q for q in _FIRST_AMOUNTS[3]), transfers),
        runs=_FIRST_RUNS,
        client_balance=CLIENT_BALANCE,
        new_account=new,
        empty_account=0.25,
        tries=15,
        enriched=0.015,
        popular=(0.15, 0.30),
        spent=spent,
        period_end=end,
    )
    for hour, (shares, scale, transfers, new, end, spent) in enumerate(_FIRST, start=1)
)
# The published fits, moved a few percent towards the published means of each type and quartiles
# of all: gamma, and for transfers lognormal.
PHASES = (
    *FIRST_PHASES,
    Phase(
        until=STEPS,
        shares=(0.22021, 0.35148, 0.00652, 0.33858, 0.08321),
        amounts=((1.46, 118_000), (1.46, 123_000), (1.084, 3_761), (1.142, 10_850), (13.04, 1.201)),
        runs=_LATER_RUNS,
        client_balance=LATER_CLIENT_BALANCE,
        new_account=0.135,
        empty_account=1.0,
        tries=1,
        enriched=0.008,
        popular=(0.25, 0.25),
        spent=0.005,
        period_end=0.6,
    ),
)


def drawn(rng: np.random.Generator, quantiles: Sequence[float], n: int) -> NDArray[np.float64]:
    """Draw by quantiles, log-linear between two of them.

    Args:
        rng: Where chance comes from.
        quantiles: At ``QUANTILE_LEVELS``, above 0.
        n: How many.

    Returns:
        Shape (n,).
    """
    return np.exp(np.interp(rng.random(n), QUANTILE_LEVELS, np.log(quantiles)))


def whole_balance(
    rng: np.random.Generator, quantiles: Sequence[float], n: int
) -> NDArray[np.int64]:
    """Draw balances of whole units by their quantiles; cents, shape (n,)."""
    return np.round(drawn(rng, quantiles, n)).astype(np.int64) * 100
