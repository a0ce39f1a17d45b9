"""A search's figures on their way out of it: while a use case is blind, each carries its offset.

Everything that shows or stores a trial (journal, MLflow, leaderboard, progress) has it from here.
The true values lie sealed beside the blinded ones, so a search that is opened later shows its true
figures and goes on from them. Beside an offset of up to 32 a value keeps about 14 decimals: two
that differ by less tie while blind, so which of them leads may differ then.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from vouch.core.errors import VouchError
from vouch.metrics.blinding import Periods
from vouch.models.proposal import Outcome

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from vouch.models.leaderboard import Best
    from vouch.models.proposal import C

PERIOD, SEALED = "blind", "sealed"
"""Attributes of a blinded trial: the period, and its true figures, encrypted."""


@dataclass(frozen=True)
class Veil:
    """What hides a search's figures.

    Attributes:
        metric: The measure that decides.
        periods: The use case's blind periods.
    """

    metric: str = ""
    periods: Periods = field(default_factory=Periods)

    def outcome(self, outcome: Outcome) -> tuple[float, dict[str, Any]]:
        """Return what is kept of an outcome: the value, and a trial's attributes.

        While blind, folds are withheld: a fold with few positives often has the exact maximum.
        """
        now = self.periods.now
        if now is None:
            return outcome.value, {"folds": outcome.folds}
        sealed = now.seal([outcome.value, outcome.folds])
        hidden = {"folds": [None] * len(outcome.folds), PERIOD: now.period, SEALED: sealed}
        return now.value(self.metric, outcome.value), hidden

    def is_of_now(self, trial: "FrozenTrial") -> bool:
        """Return whether a trial's figures are kept as they are to be shown now.

        One that was killed may have its folds, but no value.
        """
        if trial.value is None:
            folds = trial.user_attrs.get("folds", [])
            return self.periods.now is None or all(fold is None for fold in folds)
        return trial.user_attrs.get(PERIOD) == self.periods.name

    def renewed(self, trial: "FrozenTrial") -> "FrozenTrial":
        """Return a trial with its figures as they are to be shown now."""
        from optuna.trial import create_trial

        if self.is_of_now(trial):
            return trial
        failed = trial.value is None
        value, attributes = (None, {}) if failed else self.outcome(self._true(trial))
        kept = {k: v for k, v in trial.user_attrs.items() if k not in {PERIOD, SEALED, "folds"}}
        return create_trial(
            state=trial.state,
            value=value,
            params=trial.params,
            distributions=trial.distributions,
            user_attrs=kept | attributes,
            system_attrs=trial.system_attrs,
        )

    def _true(self, trial: "FrozenTrial") -> Outcome:
        period = trial.user_attrs.get(PERIOD)
        if period is None:
            assert trial.value is not None  # it did not fail
            return Outcome(trial.value, trial.user_attrs.get("folds", []))
        if period not in self.periods.known:
            raise VouchError(
                f"a trial of the search was kept in the blind period {period}, of which the ledger "
                "knows nothing",
                "bring the ledger back, or delete .vouch/tune to search again",
            )
        return Outcome(*self.periods.known[period].open(trial.user_attrs[SEALED]))

    def best(self, best: "Best[C]") -> "Best[C]":
        """Return an algorithm's best with its figures as they are to be shown now."""
        now = self.periods.now
        if now is None:
            return best
        low, high = now.interval(self.metric, best.value, best.interval)
        return replace(best, value=now.value(self.metric, best.value), interval=(low, high))
