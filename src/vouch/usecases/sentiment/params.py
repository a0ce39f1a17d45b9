"""What the search for a text model may spend and where it looks."""

from math import log2
from pathlib import Path
from typing import Literal

from pydantic import Field

from vouch.models.params import SearchParams
from vouch.usecases.params import ReasonParams
from vouch.usecases.sentiment.candidate import SEARCHED, Algorithm
from vouch.usecases.sentiment.cleaning import Cleaning
from vouch.usecases.sentiment.spark.params import SparkParams


class TextTuneParams(SearchParams):
    """Parameters of the stage ``tune`` for texts, beside those of any search.

    Attributes:
        algorithms: Which learners are tried, the cheap ones first. To the default, in whatever
            order, comes ``voting`` where there are sentence encoders.
        cleaning: How texts are cleaned; the search may also shorten elongated words.
        search_rows: Rows the search's trials learn from and are assessed on, at least 500; the
            best of each algorithm is measured again on all.
        finalists: Algorithms measured again on all rows, the best of the search, 1 to 5.
        by_time: Whether rows with a time are assessed by models of earlier rows only.
        embeddings: Folder of an ONNX export (``model.onnx``, ``tokenizer.json``) whose sentence
            embeddings the search may use; None: those of the encoders in the environment.
        spark: What the search does instead where the engine is Spark.
    """

    algorithms: tuple[Algorithm, ...] = Field(default=SEARCHED, min_length=1)
    cleaning: Cleaning = Cleaning()
    search_rows: int = Field(default=12_000, ge=500)
    finalists: int = Field(default=2, ge=1, le=5)
    by_time: bool = True
    embeddings: Path | None = None
    spark: SparkParams = SparkParams()

    @property
    def by_default(self) -> bool:
        """Whether ``algorithms`` are the default, in whatever order."""
        return {*self.algorithms} == {*SEARCHED}

    def with_encoders(self) -> "TextTuneParams":
        """Return the parameters of a search that has sentence encoders."""
        if not self.by_default:
            return self
        return self.model_copy(update={"algorithms": (*self.algorithms, "voting")})


class TextExplainParams(ReasonParams):
    """Which texts are explained, and how; beside what holds for any use case.

    Attributes:
        cases: How many of the surest of each class, of the surest mistakes and of the least
            certain texts.
        samples: Perturbed texts an explanation is fitted on.
        embedded_samples: The same where the model reads sentence embeddings, each of which takes
            milliseconds; a third as many where a text is only looked at to be picked.
        embedded_runs: In place of ``runs`` where the model reads sentence embeddings.
        exact: Tokens up to which all texts that leaving some out makes are predicted, 0 to 12;
            where the model reads embeddings, as many as make no more than ``embedded_samples``.
        features: Words an explanation may name.
        mode: ``distinct`` predicts each perturbed text once, and of a short text (``exact``) all
            there are, as if lime had drawn without end; ``lime`` runs the package itself.
        picked_from: Texts of which some are picked to cover the model.
        seed: Together with a case's id the seed of its explanation.
    """

    cases: int = Field(default=3, ge=1, le=1000)
    samples: int = Field(default=1000, ge=100, le=100_000)
    embedded_samples: int = Field(default=300, ge=50, le=100_000)
    embedded_runs: int = Field(default=2, ge=1, le=50)
    exact: int = Field(default=12, ge=0, le=12)
    features: int = Field(default=12, ge=1, le=100)
    mode: Literal["distinct", "lime"] = "distinct"
    picked_from: int = Field(default=40, ge=1, le=10_000)
    seed: int = Field(default=0, ge=0)

    def embedded(self, share: float = 1.0) -> "TextExplainParams":
        """Return the parameters for a model that reads sentence embeddings.

        Args:
            share: Of the samples, above 0, at most 1.
        """
        samples = int(share * self.embedded_samples)
        exact = min(self.exact, int(log2(samples)))
        changes = {"samples": samples, "exact": exact, "runs": self.embedded_runs}
        return self.model_copy(update=changes)
