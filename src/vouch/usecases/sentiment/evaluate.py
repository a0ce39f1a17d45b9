"""The candidate of a search over text models, with its out-of-fold rows."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from vouch.core.files import read_json
from vouch.metrics.figures import Figure
from vouch.metrics.weighted import Floats
from vouch.models.predictions import score_columns
from vouch.results.evaluate import KINDS, Answer, Kind, OutOfFold, RankingParts, Reference
from vouch.results.extract import Extracted
from vouch.sources.declaration import Declaration
from vouch.usecases.params import EvaluateParams
from vouch.usecases.sentiment.judge import METRIC, Classified, Judge, chosen
from vouch.usecases.sentiment.published import side_by_side
from vouch.usecases.sentiment.review import figures


@dataclass(frozen=True)
class TextCandidate:
    """A text model that is not evaluated yet; see :class:`vouch.stages.evaluate.stage.Candidate`.

    Attributes:
        declaration: Its source.
        extracted: What extract wrote.
        rows: Its out-of-fold predictions.
        model: Its folder.
        params: Budget, and what counts as few.
        metric: The measure that decides.
    """

    declaration: Declaration
    extracted: Extracted
    rows: pd.DataFrame
    model: Path
    params: EvaluateParams
    metric: str = METRIC

    @property
    def kind(self) -> Kind:
        """Against what it is judged first."""
        return "truth" if self.rows["truth"].notna().any() else "rule"

    @cached_property
    def judge(self) -> Judge:
        """The judge that measures it, out of fold and on the holdout."""
        described = read_json(self.model / "candidate.json")
        balanced = described["candidate"].get("imbalance") == "weights"
        names = tuple(self.extracted.classes)
        shares = tuple(described["shares"]) if balanced else (1.0,) * len(names)
        return Judge(self.params, shares, names)

    def measure(self) -> OutOfFold:
        """Measure it on the out-of-fold rows: against ``truth``, against ``rule``, ``the_rule``."""
        truth, rule = (self.judge.measure(self.rows, kind) for kind in KINDS)
        return {"truth": truth, "rule": rule, "the_rule": {"truth": self._rule()}}

    def _rule(self) -> Classified:
        """Measure the starting rule itself, its decisions taken as certain."""
        rows = self.rows[self.rows["rule"].notna()]
        decisions = rows["rule"].to_numpy(np.int64)
        columns = enumerate(score_columns(len(self.judge.names)))
        sure = {name: (decisions == number).astype(float) for number, name in columns}
        return self.judge.measure(rows.assign(**sure), "truth")

    def reviewed(self, rows: pd.DataFrame, weights: Floats) -> dict[str, Figure]:
        """Return figures of texts people decided, see :func:`.review.figures`."""
        decided, classes = rows["decided"].to_numpy(np.int64), len(self.judge.names)
        return figures(decided, chosen(rows), weights, self.params, classes)

    def extras(self) -> RankingParts:
        """Return nothing beside: all figures are in the measures."""
        return {}

    def published(self, measured: OutOfFold, answer: Answer | None) -> list[Reference]:
        """Return published figures beside ours."""
        return side_by_side(self.declaration.name, measured, answer)
