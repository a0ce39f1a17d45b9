"""The stage ``report``: every stage's findings on one page that needs no network."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from vouch.core.progress import Progress, silent
from vouch.metrics import totals as facts
from vouch.metrics.intervals import CONFIDENCE
from vouch.pages import TEMPLATES, figures, formats
from vouch.results.evaluate import Evaluation
from vouch.results.extract import Extracted
from vouch.results.ingest import Ingested
from vouch.results.label import Labelled
from vouch.results.register import Registration
from vouch.results.report import Results, Sliding
from vouch.results.tune import Leader, Leaderboard, Trial
from vouch.results.validate import Validated
from vouch.sources.declaration import Declaration, load_declaration
from vouch.stages.report import summary
from vouch.stages.report.corrections import corrections
from vouch.stages.report.history import label_history
from vouch.stages.report.sliding import sliding
from vouch.usecases import find
from vouch.usecases.classes import class_names
from vouch.usecases.params import ReportParams

if TYPE_CHECKING:
    from jinja2 import Environment

OWN = Path(__file__).parent / "templates"
SECTIONS = (
    ("summary", "Summary"),
    ("ingest", "What data"),
    ("validate", "What failed a check"),
    ("label", "Labels"),
    ("extract", "Features and split"),
    ("tune", "Candidates"),
    ("evaluate", "How good it is"),
    ("corrections", "What people corrected"),
    ("explain", "Why it decides so"),
    ("register", "May it be used"),
    ("lineage", "Lineage"),
)
FILTERS = (
    "algorithm",
    "count",
    "figure",
    "metric",
    "money",
    "number_of",
    "plain",
    "price",
    "share",
    "span",
    "when",
    "words",
)
ORDER = ("raw", "bronze", "silver", "labels", "gold", "tune", "evaluate", "explain")


class Summary(TypedDict):
    """The sentences a report begins with, its warnings, and its size."""

    summary: list[str]
    warnings: list[str]
    bytes: int


def report(
    *,
    declaration: Path,
    ingested: Path,
    rows: Path,
    validated: Path,
    labels: Path,
    labelled: Path,
    extracted: Path,
    leaderboard: Path,
    predictions: Path,
    tree: Path,
    evaluation: Path,
    explanations: Path,
    registration: Path,
    report: Path,
    params: ReportParams,
    progress: Progress = silent,
) -> Summary:
    """Write the report: the same page for the same files.

    Args:
        declaration: The source.
        ingested: Ingest's summary.
        rows: Silver rows, for counts and sums.
        validated: Validate's summary.
        labels: Issued labels, for what people corrected.
        labelled: Label's summary.
        extracted: Extract's summary.
        leaderboard: Tune's result.
        predictions: Out-of-fold predictions, for shares flagged.
        tree: The folder of what can be drawn of a model: a decision tree, a model's words.
        evaluation: Evaluate's result.
        explanations: Explain's table.
        registration: Register's result.
        report: Written: one HTML file that loads nothing.
        params: How long its lists are.
        progress: Called after each part.

    Returns:
        ``summary``, the sentences it begins with; ``warnings``; and ``bytes``.

    Raises:
        VouchError: A file is missing or broken; names its field.
    """
    source = load_declaration(declaration)
    results = Results(
        Ingested.read(ingested),
        Validated.read(validated),
        Labelled.read(labelled),
        Extracted.read(extracted),
        Leaderboard.read(leaderboard),
        Evaluation.read(evaluation),
        Registration.read(registration),
    )
    paths = {"rows": rows, "predictions": predictions, "tree": tree, "explanations": explanations}
    progress(0, 2, "counting and drawing")
    usecase = find(source.usecase)
    classes = class_names(source)
    totals = facts.totals(rows)
    past = past_figures(predictions, labels, source, results)
    sentences, warnings = summary.sentences(results, totals), summary.warnings(results)
    content = {
        **vars(results),
        "declaration": source,
        "totals": totals,
        "class_names": classes,
        "corrections": corrections(labels, rows, source),
        "confidences": confidences(results.evaluation),
        "label_history": label_history(results.labelled.history, classes),
        "sliding": past,
        "sliding_image": figures.inline(figures.svg(figures.sliding(past))),
        **usecase.report(source, paths, results, params),
        **_leaders(results.leaderboard, params),
        "sentences": sentences,
        "warnings": warnings,
    }
    progress(1, 2, "writing")
    page = render(content)
    report.write_text(page, encoding="utf-8")
    return {"summary": sentences, "warnings": warnings, "bytes": len(page.encode())}


def past_figures(
    predictions: Path, labels: Path, source: Declaration, results: Results
) -> Sliding | None:
    """Return the measure at past dates; None while blind: it would be shown without its offset."""
    if results.evaluation.blind:
        return None
    return sliding(predictions, labels, source, results.extracted, results.evaluation.metric)


def confidences(evaluation: Evaluation) -> str:
    """Return the confidence of the page's intervals, in words.

    Args:
        evaluation: Evaluate's result; an earlier release may have written it or its answer, with
            a confidence of its own.
    """
    bootstrap = evaluation.holdout["bootstrap"]
    recorded = {
        "those out of fold": evaluation.confidence,
        "the holdout's": bootstrap["confidence"] if bootstrap else CONFIDENCE,
    }
    others = [f"{what} {c * 100:g} %" for what, c in recorded.items() if c != CONFIDENCE]
    return ", ".join([f"{CONFIDENCE * 100:g} %", *others])


def render(content: Mapping[str, Any]) -> str:
    """Render the page; everything that comes from data is escaped."""
    source = content["declaration"]
    title = f"{source.usecase.title()} on {source.name}: the report"
    environment = _environment(content["templates"])
    shown = [s for s in SECTIONS if s[0] != "corrections" or content.get("corrections")]
    return environment.get_template("report.html").render(content, title=title, sections=shown)


def _environment(own: Path) -> "Environment":
    from jinja2 import ChainableUndefined, Environment, FileSystemLoader

    # figures a run could not compute (no truth, a refused holdout) are absent and render as a dash
    environment = Environment(
        loader=FileSystemLoader([own, OWN, TEMPLATES]),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {name: getattr(formats, name) for name in FILTERS}
    environment.filters |= {
        "metrics_between": formats.between,
        "measured": lambda one, metric: formats.figure(
            {"value": one.get(metric), "interval": one.get("interval")}
        ),
        "counts_between": lambda ends: formats.between(ends, formats.count),
        "step": lambda path: formats.words(next((p for p in ORDER if f"/{p}/" in path), "file")),
    }
    return environment


class Leaders(TypedDict):
    """The measure, the best of each algorithm, and the best trials, the best first."""

    metric: str
    best_by_algorithm: list[tuple[str, Leader]]
    top: list[Trial]


def _leaders(leaderboard: Leaderboard, params: ReportParams) -> Leaders:
    """Sort algorithms and trials, the best first."""
    algorithms = leaderboard.best_by_algorithm.items()
    complete = [trial for trial in leaderboard.trials if trial["value"] is not None]
    return {
        "metric": leaderboard.metric,
        "best_by_algorithm": sorted(algorithms, key=lambda item: -item[1]["value"]),
        "top": sorted(complete, key=lambda trial: -(trial["value"] or 0))[: params.candidates],
    }
