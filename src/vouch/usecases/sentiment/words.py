"""The n-grams that speak most strongly for each class, as data and as a picture."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from vouch.core.files import write_json
from vouch.usecases.sentiment.learners import Linear
from vouch.usecases.sentiment.models import Fitted

if TYPE_CHECKING:
    from vouch.usecases.sentiment.together import Together

STRONGEST = 30  # n-grams listed for each class
DRAWN = 15  # of them drawn
ABREAST = 3  # classes drawn side by side

Floats = NDArray[np.float64]


class Weight(TypedDict):
    """A feature and its weight for a class."""

    feature: str
    weight: float


Weights = dict[str, list[Weight]]
"""Class to its strongest features, the strongest first."""


def strongest(fitted: Fitted) -> Weights:
    """Return the features with the largest weight for each class.

    Of a linear model a feature's weight for a class less its mean over the classes; of trees,
    which have no weight for a class, their importance under ``all``. Numbers of embeddings, which
    mean nothing to people, are left out.

    Returns:
        Class to ``[{"feature", "weight"}]``, the strongest first.
    """
    legible = fitted.features.legible
    names = fitted.features.names[:legible]
    if not isinstance(fitted.estimator, Linear):
        return {"all": top(names, importances(fitted)[:legible])}
    weights = fitted.estimator.weights[:legible]
    above = weights - weights.mean(axis=1, keepdims=True)
    return {
        fitted.names[label]: top(names, above[:, column])
        for column, label in enumerate(fitted.classes)
    }


def importances(fitted: Fitted) -> Floats:
    """Return how much each feature helps the trees, shape (features,)."""
    if hasattr(fitted.estimator, "feature_importances_"):
        return np.asarray(fitted.estimator.feature_importances_, np.float64)
    gains = np.zeros(len(fitted.features.names))
    for name, gain in fitted.estimator.get_score(importance_type="total_gain").items():
        gains[int(name[1:])] = gain
    return gains


def top(names: Sequence[str], weights: Floats) -> list[Weight]:
    """Return the features of the largest weights, the largest first."""
    order = np.argsort(-weights, kind="stable")[:STRONGEST]
    return [{"feature": names[i], "weight": float(weights[i])} for i in order]


def export(fitted: "Fitted | Together", folder: Path, facts: dict[str, Any]) -> None:
    """Write ``words.json`` and ``words.svg``.

    Args:
        fitted: The model; of two that answer together the first one's words are shown.
        folder: Where to; made if it is not there.
        facts: Further fields of the JSON, such as the measure reached.
    """
    write(fitted.candidate.algorithm, strongest(fitted.lead), folder, facts)


def write(algorithm: str, features: Weights, folder: Path, facts: dict[str, Any]) -> None:
    """Write ``words.json`` and ``words.svg`` of features ranked elsewhere.

    Args:
        algorithm: The model's learner.
        features: What :func:`strongest` gives.
        folder: As for :func:`export`.
        facts: As for :func:`export`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about = {"algorithm": algorithm, "strongest": features}
    write_json(folder / "words.json", about | facts)
    _draw(features, folder / "words.svg")


def _draw(features: Weights, path: Path) -> None:
    import warnings

    import matplotlib as mpl
    from matplotlib.figure import Figure

    # the same bytes each time: no date, no random ids
    with (
        mpl.rc_context({"svg.hashsalt": "vouch", "svg.fonttype": "none"}),
        warnings.catch_warnings(),
    ):
        # the text is left to the reader's fonts, which have emoji
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        rows, columns = math.ceil(len(features) / ABREAST), min(len(features), ABREAST)
        figure = Figure(figsize=(4 * columns, 4.5 * rows), layout="constrained")
        places = figure.subplots(rows, columns, squeeze=False).ravel()
        for empty in places[len(features) :]:
            empty.remove()
        for axes, (name, listed) in zip(places, features.items(), strict=False):
            drawn = listed[:DRAWN][::-1]
            axes.barh(range(len(drawn)), [item["weight"] for item in drawn])
            shown = [item["feature"].replace("$", r"\$") for item in drawn]
            axes.set_yticks(range(len(drawn)), shown)
            axes.set_title(name)
        figure.savefig(path, format="svg", metadata={"Date": None})
