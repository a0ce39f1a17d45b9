"""What is known of the PaySim table: published counts and fits, and shapes of its first hours.

Source: counts over the published table of 6,362,620 rows and its public summary statistics
(Lopez-Rojas, Elmir and Axelsson, "PaySim: a financial mobile money simulator for fraud
detection", EMSS 2016). Shapes of account behaviour were measured on the table's first eight
hours. Only distribution parameters stand here, never a row.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PUBLISHED_ROWS = 6_362_620
PUBLISHED_FRAUDS = 8_213
PUBLISHED_LONE_CASH_OUTS = 35  # 4,116 cash-outs less the 4,081 that follow a transfer
PUBLISHED_FLAGGED = 16
STEPS = 743  # hours

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

# Quantiles of what a client, and an account that receives, holds when first seen (whole units).
QUANTILE_LEVELS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)
CLIENT_BALANCE = (1, 110, 280, 820, 9_900, 22_800, 66_000, 176_000, 330_000, 900_000, 3e6, 8e6)
ACCOUNT_BALANCE = (
    50,
    300,
    2_000,
    5_000,
    12_500,
    45_000,
    125_000,
    290_000,
    520_000,
    2e6,
    1e7,
    1.3e7,
)

# Money leaves a taken-over account in pieces of at most ten million.
FRAUD_PIECE = 10_000_000
FRAUD_LOG_MEAN, FRAUD_LOG_SD = 13.07, 1.83
FRAUD_LARGEST_BALANCE = 59_600_000
FLAGGED_LEAST = 353_874.22
FRAUD_NEW_ACCOUNT = 0.22  # a fraud's cash-out goes to an account never seen before

# A payee's balance is written when an accounting period ends: the chance that one ended since
# the account's last row, by the hours between.
PERIOD_ENDED = (0.09, 0.30, 1.0)
FIRST_ACCOUNTS = 25


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
        """Mean number of payments of one client."""
        few = float(np.dot(self.occasional, (1, 2, 3)))
        return (1 - self.bulk) * few + self.bulk * (self.least + self.mean)


@dataclass(frozen=True)
class Phase:
    """How payments look during a stretch of hours.

    Attributes:
        until: Its last step.
        shares: Share of each type among genuine rows, in the order of ``TYPES``.
        amounts: Shape and scale of each type's gamma; of TRANSFER, log-mean and log-sd where
            ``lognormal``.
        lognormal: Whether transfers are lognormal.
        runs: Of each type.
        new_account: Chance that a row goes to an account never seen before.
        empty_account: Chance that such an account is empty.
    """

    until: int
    shares: tuple[float, ...]
    amounts: tuple[tuple[float, float], ...]
    lognormal: bool
    runs: tuple[Runs, ...]
    new_account: float
    empty_account: float


_FIRST_RUNS = (
    Runs((1.0, 0.0, 0.0), 0.13, 6, 44.0, "uniform", 0.14),
    Runs((0.9, 0.1, 0.0), 0.065, 4, 16.0, "exponential", 0.44),
    Runs((1.0, 0.0, 0.0), 0.0, 4, 1.0, "uniform", 0.01),
    Runs((0.86, 0.11, 0.03), 0.026, 4, 11.0, "uniform", 0.06),
    Runs((0.96, 0.035, 0.005), 0.06, 4, 10.0, "uniform", 0.17),
)
_LATER_RUNS = (
    Runs((1.0, 0.0, 0.0), 0.11, 6, 40.0, "uniform", 0.14),
    Runs((0.9, 0.1, 0.0), 0.055, 4, 16.0, "exponential", 0.25),
    Runs((1.0, 0.0, 0.0), 0.0, 4, 1.0, "uniform", 0.01),
    Runs((0.86, 0.11, 0.03), 0.06, 4, 11.0, "uniform", 0.06),
    Runs((0.96, 0.035, 0.005), 0.10, 4, 10.0, "uniform", 0.17),
)
_FIRST_AMOUNTS = ((1.53, 108_500.0), (1.63, 106_100.0), (1.22, 2_940.0), (1.18, 7_020.0))
_LATER_AMOUNTS = ((1.444, 116_791.0), (1.455, 119_336.0), (1.084, 3_761.0), (1.142, 11_329.0))

PHASES = (
    Phase(
        6,
        (0.199, 0.119, 0.043, 0.555, 0.084),
        (*_FIRST_AMOUNTS, (0.95, 450_000.0)),
        False,
        _FIRST_RUNS,
        0.19,
        0.1,
    ),
    Phase(
        7,
        (0.147, 0.169, 0.016, 0.559, 0.109),
        (*_FIRST_AMOUNTS, (0.95, 605_000.0)),
        False,
        _FIRST_RUNS,
        0.30,
        0.08,
    ),
    Phase(
        8,
        (0.179, 0.273, 0.005, 0.444, 0.099),
        (*_FIRST_AMOUNTS, (0.95, 880_000.0)),
        False,
        _FIRST_RUNS,
        0.26,
        0.21,
    ),
    Phase(
        STEPS,
        (0.22021, 0.35148, 0.00652, 0.33858, 0.08321),
        (*_LATER_AMOUNTS, (13.107, 1.201)),
        True,
        _LATER_RUNS,
        0.1345,
        0.75,
    ),
)


def drawn(rng: np.random.Generator, quantiles: tuple[float, ...], n: int) -> NDArray[np.int64]:
    """Draw whole balances by their quantiles, log-linear between two of them.

    Args:
        rng: Where chance comes from.
        quantiles: At ``QUANTILE_LEVELS``, currency units, above 0.
        n: How many.

    Returns:
        Cents, whole units each, shape (n,).
    """
    units = np.exp(np.interp(rng.random(n), QUANTILE_LEVELS, np.log(quantiles)))
    return np.round(units).astype(np.int64) * 100
