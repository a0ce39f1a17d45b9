"""The figures others published for the built-in sources of texts, beside ours.

TweetEval: Barbieri et al. 2020, TweetEval: unified benchmark and comparative evaluation for tweet
classification, and the benchmark's later table (BERTweet, TimeLMs). Coins: chapter 9 of the
Databricks book on streaming sentiment of cryptocurrency tweets.
"""

from typing import Any, NamedTuple


class Figure(NamedTuple):
    """A published figure: what was measured, its value, ours of the kind, how they differ."""

    what: str
    value: float
    ours: str
    remark: str


TEST = (
    "published on the test split, whose tweets are years later; ours on the holdout given, or on "
    "rows of the same file, which flatters: with the validation split by some 5 points"
)
COINS = "published on other tweets, labelled by a lexicon, split at random"
TWEETEVAL = tuple(
    Figure(f"{model}: macro-recall", value, "macro_recall", TEST)
    for model, value in (
        ("TimeLMs-2021", 0.737),
        ("BERTweet", 0.734),
        ("RoBERTa-base", 0.713),
        ("FastText", 0.629),
        ("SVM on words and characters", 0.629),
        ("LSTM", 0.583),
    )
)
STUDY = tuple(
    Figure(f"{model}: accuracy", value, "accuracy", COINS)
    for model, value in (
        ("support vector classifier", 0.757),
        ("logistic regression", 0.756),
        ("naive Bayes", 0.740),
        ("random forest", 0.719),
    )
)
FIGURES = {"tweeteval": TWEETEVAL, "tweets": STUDY, "crypto": STUDY}


def side_by_side(
    source: str, out_of_fold: dict[str, Any], holdout: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """Put published figures beside ours, as :func:`vouch.evaluate.published.side_by_side` does."""
    part, on = (out_of_fold, "out_of_fold") if holdout is None else (holdout, "holdout")
    truth = part.get("truth") or {}
    return [
        {
            "figure": figure.what,
            "kind": "truth",
            "published": figure.value,
            "ours": (truth.get(figure.ours) or {}).get("value"),
            "interval": (truth.get(figure.ours) or {}).get("interval"),
            "on": on,
            "too_few": truth.get("too_few"),
            "remark": figure.remark,
        }
        for figure in FIGURES.get(source, ())
    ]
