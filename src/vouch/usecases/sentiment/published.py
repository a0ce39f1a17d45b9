"""The figures others published for the built-in sources of texts, beside ours."""

from typing import NamedTuple

from vouch.results.evaluate import Answer, OutOfFold, Reference, figure_of


class Figure(NamedTuple):
    """A published figure: what, its value, ours of the kind, how they differ, and where."""

    what: str
    value: float
    ours: str
    remark: str
    citation: str


TEST = (
    "published on the test split, whose tweets are later; ours on the holdout given, or on rows of "
    "the same file, which flatters: the validation split by 5 to 6 points where a model reads "
    "n-grams alone and by about 2 where it reads sentence embeddings too, as measured here"
)
COINS = "published on other tweets than these"
DEEP = (
    "published as test set accuracy, with a pretrained model; by our reading of the notebooks of "
    "two classes, neutral being low confidence, so on the confident part"
)
BENCHMARK = (
    "Barbieri et al. 2020: TweetEval, unified benchmark and comparative evaluation for tweet "
    "classification, and the benchmark's later table"
)
BOOK = "Databricks' book, chapter 9: sentiment of cryptocurrency tweets"
TWEETEVAL = tuple(
    Figure(f"{model}: macro-recall", value, "macro_recall", TEST, BENCHMARK)
    for model, value in (
        ("TimeLMs-2021", 0.737),
        ("BERTweet", 0.734),
        ("RoBERTa-base", 0.713),
        ("FastText", 0.629),
        ("SVM on words and characters", 0.629),
        ("LSTM", 0.583),
    )
)
CLASSICAL = tuple(
    Figure(f"{model}: accuracy", value, "accuracy", COINS, BOOK)
    for model, value in (
        ("support vector classifier", 0.757),
        ("logistic regression", 0.756),
        ("naive Bayes", 0.740),
        ("random forest", 0.719),
    )
)
STUDY = (*CLASSICAL, Figure("Spark NLP deep learning: accuracy", 0.83, "accuracy", DEEP, BOOK))
FIGURES = {"tweeteval": TWEETEVAL, "tweets": STUDY, "crypto": STUDY}


def side_by_side(source: str, out_of_fold: OutOfFold, holdout: Answer | None) -> list[Reference]:
    """Return published figures beside ours."""
    return [_row(figure, out_of_fold, holdout) for figure in FIGURES.get(source, ())]


def _row(figure: Figure, out_of_fold: OutOfFold, holdout: Answer | None) -> Reference:
    told = holdout is not None and figure.ours in holdout["truth"]
    truth = holdout["truth"] if holdout is not None and told else out_of_fold["truth"]
    ours = figure_of(truth, figure.ours)
    return {
        "figure": figure.what,
        "kind": "truth",
        "value": figure.value,
        "citation": figure.citation,
        "ours": ours["value"] if ours else None,
        "interval": ours["interval"] if ours else None,
        "on": "holdout" if told else "out_of_fold",
        "too_few": truth["too_few"],
        "remark": figure.remark,
    }
