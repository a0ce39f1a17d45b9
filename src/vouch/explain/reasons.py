"""Why the model thinks so, for each of some cases, in words: what a reviewer is shown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vouch.core.files import read_json
from vouch.explain.cases import rows_of, sample
from vouch.explain.params import ExplainParams
from vouch.explain.stage import is_poor, vocabulary
from vouch.explain.tabular import make_explainer, predict_with
from vouch.tune.models import load


@dataclass(frozen=True)
class Reasons:
    """What speaks for and against the model's answer in one case.

    Attributes:
        parts: What holds of the case and what it adds to the probability, the heaviest first.
        poor: Whether they follow the model too badly to be believed.
    """

    parts: tuple[tuple[str, float], ...]
    poor: bool


def reasons(
    train: Path, extracted: Path, model: Path, ids: Sequence[str], params: ExplainParams
) -> Iterator[Reasons]:
    """Explain the probability of the second class.

    Args:
        train: The training part, which has the rows and those they are compared with.
        extracted: What its features mean.
        model: The model's folder.
        ids: Which rows.
        params: How cases are explained.

    Yields:
        The reasons of each row, in the order given.
    """
    fitted = load(model)
    background = sample(train, params.background, fitted.features)
    words = vocabulary(fitted, read_json(extracted)["features"], background)
    explainer = make_explainer(predict_with(fitted), background, params)
    rows = rows_of(train, list(ids), fitted.features)
    for name in ids:
        found = explainer.explain(rows[name], name)
        said = [(words.condition(p, float(rows[name][p.feature])), p.weight) for p in found.parts]
        yield Reasons(tuple(said), is_poor(found, params))
