"""TreeSHAP of texts: what each n-gram that stands in a text, or does not, adds to a class."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from vouch.models.agreement import Weighed
from vouch.models.treeshap import Contributions, TreeShap, of_trees
from vouch.usecases.sentiment.cleaning import clean
from vouch.usecases.sentiment.features import Corpus
from vouch.usecases.sentiment.learners import Linear
from vouch.usecases.sentiment.lime import Token
from vouch.usecases.sentiment.models import Fitted

WORDS = "words: "


@dataclass(frozen=True)
class TextShapley:
    """TreeSHAP's explanation of one text.

    Attributes:
        contributions: Of each column of the model's numbers, one row.
        names: What the columns mean.
        present: Which columns the text has something in, ascending.
    """

    contributions: Contributions
    names: Sequence[str]
    present: frozenset[int]

    @property
    def parts(self) -> list[Weighed[str]]:
        """What each column adds; of an n-gram that is not in the text its absence."""
        values = self.contributions.values[0]
        columns = np.flatnonzero(values)
        return [Weighed(self._told(int(column)), float(values[column])) for column in columns]

    def _told(self, column: int) -> str:
        name = self.names[column].removeprefix(WORDS)
        return name if column in self.present else f"no “{name}”"

    @property
    def words(self) -> list[Weighed[str]]:
        """What each word in the text adds: an n-gram's part is divided among its words."""
        values, sums = self.contributions.values[0], defaultdict[str, float](float)
        for column in sorted(self.present):
            if self.names[column].startswith(WORDS):
                gram = self.names[column].removeprefix(WORDS).split(" ")
                for word in gram:
                    sums[word] += float(values[column]) / len(gram)
        return [Weighed(word, weight) for word, weight in sums.items()]


@dataclass(frozen=True)
class TextTrees:
    """Explains the texts of a model of trees.

    Attributes:
        fitted: The model.
    """

    fitted: Fitted
    _by_class: dict[int, TreeShap] = field(default_factory=dict)

    @classmethod
    def of(cls, fitted: Any) -> "TextTrees | None":
        """Return it for a model of trees; None for a linear one or one of Spark."""
        trees = isinstance(fitted, Fitted) and not isinstance(fitted.estimator, Linear)
        return cls(fitted) if trees else None

    def explain(self, text: str, number: int) -> TextShapley | None:
        """Compute what speaks for a class.

        Args:
            text: The text as it came.
            number: The class's number; of one that the model never saw there is nothing to tell.
        """
        if number not in self.fitted.classes:
            return None
        features = self.fitted.features
        numbers = features.transform(Corpus.of(pd.DataFrame({"text": [text]}), features.encoders))
        present = frozenset(numbers.indices.tolist())
        # to XGBoost an n-gram that is not there is undefined, to scikit-learn it is 0
        boosted = self.fitted.candidate.algorithm == "xgboost"
        rows = (numbers if boosted else numbers.toarray()).astype(np.float32)
        return TextShapley(self._trees(number).explain(rows), features.names, present)

    def _trees(self, number: int) -> TreeShap:
        if number not in self._by_class:
            column, estimator = self.fitted.classes.index(number), self.fitted.estimator
            boosted = self.fitted.candidate.algorithm == "xgboost"
            made = TreeShap(estimator, column) if boosted else of_trees(estimator, column)
            self._by_class[number] = made
        return self._by_class[number]

    def words(self, tokens: Sequence[Token]) -> list[Weighed[str]]:
        """Return LIME's tokens as the model's words, whose occurrences are added up."""
        sums = defaultdict[str, float](float)
        for token in tokens:
            word = clean(token.text, self.fitted.candidate.preparation.cleaning)
            sums[word.strip().lower()] += token.weight
        return [Weighed(word, weight) for word, weight in sums.items()]
