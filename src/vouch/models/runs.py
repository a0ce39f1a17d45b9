"""A search in MLflow: one run for it, and one nested in it for each trial."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.core import tracking
from vouch.models.search import Record

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT = "mlflow.parentRunId"


@dataclass
class Runs:
    """The runs of one search; those logged before it was interrupted are found again.

    Attributes:
        client: MLflow's client.
        experiment: The experiment's id.
        parent: The id of the search's run.
        metric: What the search's measure is called.
        tags: Of every run.
        logged: Sampler and position of the trials that have a run.
    """

    client: "MlflowClient"
    experiment: str
    parent: str
    metric: str
    tags: dict[str, str] = field(default_factory=dict)
    logged: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def open(
        cls,
        state: Path,
        name: str,
        fingerprint: str,
        params: dict[str, Any],
        metric: str,
        blind: str | None = None,
    ) -> "Runs":
        """Find or make the run of a search.

        Args:
            state: The project's state folder.
            name: The experiment's name.
            fingerprint: Identifies the search by its data, features and parameters.
            params: The search's parameters, logged once.
            metric: What the search's measure is called.
            blind: The blind period in which its figures have an offset; its runs are other ones:
                a run with both figures would tell the offset.
        """
        marks = {"vouch.blind": blind} if blind else {}
        fingerprint += f"-blind-{blind}" if blind else ""
        client, experiment = tracking.client(state), tracking.experiment(state, name)
        query = f"tags.`vouch.fingerprint` = '{fingerprint}'"
        if matches := client.search_runs([experiment], query, max_results=1):
            runs = cls(client, experiment, matches[0].info.run_id, metric, marks)
            runs.logged = runs._children()
            return runs
        tags = {"vouch.fingerprint": fingerprint, "vouch.stage": "tune", **marks}
        run = client.create_run(experiment, run_name="tune", tags=tags)
        runs = cls(client, experiment, run.info.run_id, metric, marks)
        runs._batch(run.info.run_id, {}, params)
        return runs

    def _children(self) -> set[tuple[str, str]]:
        query, children, token = f"tags.`{PARENT}` = '{self.parent}'", set(), None
        while token != "":
            page = self.client.search_runs([self.experiment], query, page_token=token)
            children |= {(r.data.tags["sampler"], r.data.tags["position"]) for r in page}
            token = page.token or ""
        return children

    def log(self, record: Record[Any]) -> None:
        """Log a trial as a nested run, unless it has one."""
        if (record.sampler, str(record.position)) in self.logged:
            return
        tags = {
            PARENT: self.parent,
            "sampler": record.sampler,
            "position": str(record.position),
            "imbalance": record.candidate.imbalance,
            **self.tags,
        }
        if record.error:
            tags["error"] = record.error
        name = f"{record.sampler}-{record.position}-{record.candidate.algorithm}"
        run = self.client.create_run(self.experiment, run_name=name, tags=tags)
        self._batch(run.info.run_id, self._measures(record), record.candidate.settings())
        status = "FAILED" if record.error else "FINISHED"
        self.client.set_terminated(run.info.run_id, status)
        self.logged.add((record.sampler, str(record.position)))

    def close(self, measures: dict[str, float]) -> None:
        """Log the search's own measures and end its run."""
        self._batch(self.parent, measures, {})
        self.client.set_terminated(self.parent, "FINISHED")

    def _batch(self, run: str, measures: dict[str, float], params: dict[str, Any]) -> None:
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, 0) for name, value in measures.items()]
        self.client.log_batch(run, metrics, [Param(k, str(v)) for k, v in params.items()])

    def _measures(self, record: Record[Any]) -> dict[str, float]:
        measures = {"seconds": record.seconds}
        if record.value is not None:
            measures[self.metric] = record.value
        numbered = enumerate(record.folds)
        folds = {f"{self.metric}_fold_{n}": value for n, value in numbered if value is not None}
        return measures | folds
