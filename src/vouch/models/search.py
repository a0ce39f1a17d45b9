"""Random search and TPE with a journal of trials on disk; a killed search resumes.

Every trial's sampler is seeded from the search's seed, the sampler's name and the number of
trials finished so far, and sees only finished ones. So what a search with a budget in trials
tries, and in which order, does not depend on how often it was interrupted.
"""

import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

import numpy as np

from vouch.core.files import replacing
from vouch.core.progress import Progress, silent
from vouch.models.params import Budget, Sampler, SearchParams
from vouch.models.proposal import C, Outcome, Space
from vouch.models.veil import Veil

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.samplers import BaseSampler
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

LONGEST = 500  # characters kept of an error: some libraries print their stack
STARTUP = 10  # trials TPE leaves to chance, unless the budget is small


@dataclass(frozen=True)
class Record(Generic[C]):
    """A finished trial.

    Attributes:
        sampler: Which sampler proposed it.
        position: Its place among the sampler's finished trials, from 0.
        candidate: What was tried.
        value: The measure it reached, higher is better; None if it failed. While blind it carries
            the measure's offset, and there are no folds.
        folds: The same in each fold; None where a fold has none.
        seconds: How long it took.
        error: Why it failed, or None.
    """

    sampler: Sampler
    position: int
    candidate: C
    value: float | None
    folds: tuple[float | None, ...]
    seconds: float
    error: str | None


@dataclass(frozen=True)
class Search(Generic[C]):
    """A search over a journal.

    Attributes:
        journal: The journal's file; made if it is not there.
        params: Samplers, algorithms, budget and seed.
        space: Where it looks.
        assess: Assesses a candidate; what it raises fails the trial, an OSError the search.
        starts: Choices of earlier winners, tried first, by the names ``suggest`` asks for.
        veil: Hides the trials' figures while the use case is blind.
    """

    journal: Path
    params: SearchParams
    space: Space[C]
    assess: Callable[[C], Outcome]
    starts: Sequence[dict[str, Any]] = ()
    veil: Veil = field(default_factory=Veil)
    _assessed: dict[str, tuple[Outcome, float]] = field(default_factory=dict)

    def run(
        self,
        on_record: Callable[[Record[C]], None] = lambda record: None,
        progress: Progress = silent,
    ) -> list[Record[C]]:
        """Run trials until each sampler's budget is spent.

        Args:
            on_record: Called with each finished trial, also those of earlier runs.
            progress: Called after each trial, in trials or seconds.

        Returns:
            All finished trials, sampler by sampler, in order.
        """
        records: list[Record[C]] = []
        _renew(self.journal, self.veil)
        with _quiet(), _storage(self.journal) as storage:
            for sampler in self.params.samplers:
                study = _study(storage, sampler)
                for record in self._spend(study, sampler):
                    records.append(record)
                    on_record(record)
                    progress(*_state(records, self.params))
        return records

    def _spend(self, study: "Study", sampler: Sampler) -> Iterator[Record[C]]:
        _fail_leftovers(study)
        finished = [self._record(sampler, n, t) for n, t in enumerate(_finished(study))]
        yield from finished
        while not _spent(finished, self.params.budget):
            self._try(study, sampler, len(finished))
            finished.append(self._record(sampler, len(finished), _finished(study)[-1]))
            yield finished[-1]

    def _try(self, study: "Study", sampler: Sampler, position: int) -> None:
        study.sampler = self._sampler(sampler, position)
        trial = study.ask()
        candidate = self.space.suggest(trial, self.params.algorithms)
        trial.set_user_attr("candidate", candidate.model_dump(mode="json"))
        began = time.monotonic()
        try:
            outcome, seconds = self._assess(candidate)
        except OSError:
            raise  # a disk error is not the candidate's fault
        except Exception as error:
            _fail(study, trial, error, time.monotonic() - began)
            return
        value, attributes = self.veil.outcome(outcome)
        for name, attribute in attributes.items():
            trial.set_user_attr(name, attribute)
        trial.set_user_attr("seconds", seconds)
        study.tell(trial, value)

    def _assess(self, candidate: C) -> tuple[Outcome, float]:
        """Assess a candidate once a search, for samplers begin alike; each pays its seconds."""
        key = candidate.model_dump_json()
        if key not in self._assessed:
            began = time.monotonic()
            outcome = self.assess(candidate)
            self._assessed[key] = outcome, time.monotonic() - began
        return self._assessed[key]

    def _record(self, sampler: Sampler, position: int, trial: "FrozenTrial") -> Record[C]:
        attributes = trial.user_attrs
        return Record(
            sampler=sampler,
            position=position,
            candidate=self.space.read(attributes["candidate"]),
            value=None if "error" in attributes else trial.value,
            folds=tuple(attributes.get("folds", ())),
            seconds=attributes["seconds"],
            error=attributes.get("error"),
        )

    def _sampler(self, name: Sampler, position: int) -> "BaseSampler":
        """Return the sampler of one trial; the first are earlier winners, then sound defaults."""
        from optuna.samplers import PartialFixedSampler, RandomSampler, TPESampler

        params = self.params
        words = [params.seed, zlib.crc32(name.encode()), position]
        seed = int(np.random.SeedSequence(words).generate_state(1)[0])
        sampler: Any = RandomSampler(seed=seed)
        if name == "tpe":
            startup = min(STARTUP, max((params.budget.trials or 3 * STARTUP) // 3, 2))
            # liar off: nothing runs beside; group: algorithms have hyperparameters of their own
            sampler = TPESampler(
                seed=seed,
                n_startup_trials=startup,
                multivariate=True,
                group=True,
                constant_liar=False,
            )
        begin = [*self.starts, *map(self.space.start, params.algorithms)]
        return PartialFixedSampler(begin[position], sampler) if position < len(begin) else sampler


def _fail(study: "Study", trial: "Trial", error: Exception, seconds: float) -> None:
    from optuna.trial import TrialState

    trial.set_user_attr("seconds", seconds)
    trial.set_user_attr("error", f"{type(error).__name__}: {error}"[:LONGEST])
    study.tell(trial, state=TrialState.FAIL)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna from writing over the progress line, and from calling its choices unsettled."""
    import warnings

    import optuna

    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield
    optuna.logging.set_verbosity(verbosity)


@contextmanager
def _storage(journal: Path) -> Iterator["BaseStorage"]:
    """Open a journal; only one process at a time, and a line cut short by a kill is dropped."""
    from filelock import FileLock
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    journal.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(journal.with_suffix(".lock")):
        # Optuna's own lock outlives a killed process and then holds the next one up for 30 s
        for stale in journal.parent.glob(f"{journal.name}.lock*"):
            stale.unlink()
        if journal.exists():
            whole = journal.read_bytes()
            if not whole.endswith(b"\n"):
                journal.write_bytes(whole[: whole.rfind(b"\n") + 1])
        yield JournalStorage(JournalFileBackend(str(journal)))


def _renew(journal: Path, veil: Veil) -> None:
    """Write a journal anew whose figures were kept in another state of blindness."""
    import optuna

    if not journal.exists():
        return
    with _quiet(), _storage(journal) as storage:
        studies = {}
        for name in optuna.get_all_study_names(storage):
            study = optuna.load_study(study_name=name, storage=storage)
            _fail_leftovers(study)
            studies[name] = study.get_trials(deepcopy=False)
    if all(veil.is_of_now(trial) for trials in studies.values() for trial in trials):
        return
    with replacing(journal) as draft, _quiet(), _storage(draft) as storage:
        for name, trials in studies.items():
            _study(storage, name).add_trials([veil.renewed(trial) for trial in trials])
        draft.with_suffix(".lock").unlink(missing_ok=True)


def _study(storage: "BaseStorage", sampler: str) -> "Study":
    import optuna

    return optuna.create_study(
        storage=storage, study_name=sampler, direction="maximize", load_if_exists=True
    )


def _fail_leftovers(study: "Study") -> None:
    """Mark the trial that was running when the process was killed."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def _finished(study: "Study") -> list["FrozenTrial"]:
    """Return the trials that ran to their end, well or not; a killed one did not."""
    from optuna.trial import TrialState

    ended = (TrialState.COMPLETE, TrialState.FAIL)
    trials = study.get_trials(deepcopy=False, states=ended)
    return [t for t in trials if t.state == TrialState.COMPLETE or "error" in t.user_attrs]


def _spent(finished: Sequence[Record[Any]], budget: Budget) -> bool:
    if budget.trials is not None:
        return len(finished) >= budget.trials
    return sum(record.seconds for record in finished) >= (budget.seconds or 0)


def _state(records: Sequence[Record[Any]], params: SearchParams) -> tuple[float, float, str]:
    """Return how far the search is: done, total, and the best so far."""
    last, budget = records[-1], params.budget
    worth = [r for r in records if r.value is not None]
    best = max(worth, key=lambda r: r.value or 0, default=None)
    leader = f"best {best.value:.3f}, {best.candidate.algorithm}" if best else "none yet"
    message = f"{last.sampler} trial {last.position + 1}: {leader}"
    if budget.trials is not None:
        return len(records), budget.trials * len(params.samplers), message
    total = (budget.seconds or 0) * len(params.samplers)
    return min(sum(record.seconds for record in records), total), total, message
