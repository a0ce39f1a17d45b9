"""The stage ``report``: every stage's findings on one page that needs no network."""

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vouch.files import read_json
from vouch.progress import Progress, silent
from vouch.report import facts, figures, formats, summary
from vouch.report.params import ReportParams
from vouch.sources.declaration import Declaration, load_declaration

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
SECTIONS = (
    ("summary", "Summary"),
    ("ingest", "What data"),
    ("validate", "What failed a check"),
    ("label", "Labels"),
    ("extract", "Features and split"),
    ("tune", "Candidates"),
    ("evaluate", "How good it is"),
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


def report(
    *,
    declaration: Path,
    ingested: Path,
    rows: Path,
    validated: Path,
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
) -> dict[str, Any]:
    """Write the report: the same page for the same files.

    Args:
        declaration: The source.
        ingested: Ingest's summary.
        rows: Silver rows, for counts and sums.
        validated: Validate's summary.
        labelled: Label's summary.
        extracted: Extract's summary.
        leaderboard: Tune's result.
        predictions: Out-of-fold predictions, for shares flagged.
        tree: The drawn decision tree's folder.
        evaluation: Evaluate's result.
        explanations: Explain's table.
        registration: Register's result.
        report: Written: one HTML file that loads nothing.
        params: How long its lists are.
        progress: Told after each part.

    Returns:
        ``summary``, the sentences it begins with; ``warnings``; and ``bytes``.

    Raises:
        VouchError: A file is missing or broken.
    """
    source = load_declaration(declaration)
    said = {
        "ingested": read_json(ingested),
        "validated": read_json(validated),
        "labelled": read_json(labelled),
        "extracted": read_json(extracted),
        "leaderboard": read_json(leaderboard),
        "evaluation": read_json(evaluation),
        "registration": read_json(registration),
    }
    progress(0, 3, "counting")
    counted = _counted(rows, predictions, source, said["evaluation"], params)
    progress(1, 3, "drawing")
    content = {**said, **counted, **_leaders(said["leaderboard"], params)}
    content |= {"declaration": source, "tree": _tree(tree), "cases": _cases(explanations)}
    content |= {"sentences": summary.sentences(content), "warnings": summary.warnings(content)}
    content |= {"images": _images(said["evaluation"], said["leaderboard"])}
    progress(2, 3, "writing")
    page = render(content)
    report.write_text(page, encoding="utf-8")
    told = {"summary": content["sentences"], "warnings": content["warnings"]}
    return {**told, "bytes": len(page.encode())}


def render(content: Mapping[str, Any]) -> str:
    """Render the page; everything that comes from data is escaped."""
    source = content["declaration"]
    title = f"{source.usecase.title()} on {source.name}: the report"
    return (
        _environment().get_template("report.html").render(content, title=title, sections=SECTIONS)
    )


def _environment() -> "Environment":
    from jinja2 import ChainableUndefined, Environment, FileSystemLoader

    # what a run could not say (no truth, a refused holdout) is absent: it renders as a dash
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {name: getattr(formats, name) for name in FILTERS}
    environment.filters |= {
        "metrics_between": formats.between,
        "counts_between": lambda ends: formats.between(ends, formats.count),
        "average": lambda one: formats.figure(
            {"value": one.get("average_precision"), "interval": one.get("interval")}
        ),
        "step": lambda path: formats.words(next((p for p in ORDER if f"/{p}/" in path), "file")),
    }
    return environment


def _counted(
    rows: Path,
    predictions: Path,
    source: Declaration,
    evaluation: Mapping[str, Any],
    params: ReportParams,
) -> dict[str, Any]:
    threshold = (evaluation.get("threshold") or {}).get("value")
    return {
        "totals": facts.totals(rows),
        "flagged": facts.flagged(predictions, threshold),
        "categories": facts.by_category(
            rows, predictions, source, threshold=threshold, most=params.categories
        ),
    }


def _leaders(leaderboard: Mapping[str, Any], params: ReportParams) -> dict[str, Any]:
    """Sort algorithms and trials, the best first."""
    algorithms = (leaderboard.get("best_by_algorithm") or {}).items()
    complete = [
        t for t in leaderboard.get("trials") or [] if t.get("average_precision") is not None
    ]
    return {
        "best_by_algorithm": sorted(algorithms, key=lambda item: -item[1]["average_precision"]),
        "top": sorted(complete, key=lambda t: -t["average_precision"])[: params.candidates],
    }


def _tree(folder: Path) -> dict[str, Any]:
    def text(name: str) -> str:
        return (folder / name).read_text() if (folder / name).exists() else ""

    drawn = text("tree.svg")
    return {
        "image": _inline(drawn.encode()) if drawn else "",
        "rules": text("tree.txt"),
        "sql": text("tree.sql"),
        "about": read_json(folder / "tree.json") if text("tree.json") else None,
    }


def _cases(explanations: Path) -> list[dict[str, Any]]:
    """Gather the rows of each explained case; bars are scaled to the case's longest."""
    import pyarrow.parquet as pq

    cases: dict[tuple[str, str], dict[str, Any]] = {}
    for row in pq.read_table(explanations).to_pylist():
        case = cases.setdefault((row["kind"], row["id"]), {**row, "bars": []})
        case["bars"].append({"condition": row["condition"], "weight": row["weight"]})
    for case in cases.values():
        longest = max(abs(bar["weight"]) for bar in case["bars"]) or 1.0
        for bar in case["bars"]:
            bar["width"] = 50 * abs(bar["weight"]) / longest
    return list(cases.values())


def _images(evaluation: Mapping[str, Any], leaderboard: Mapping[str, Any]) -> dict[str, str]:
    drawn = {
        "precision_recall": figures.precision_recall(evaluation),
        "roc": figures.roc(evaluation),
        "calibration": figures.calibration(evaluation),
        "cost": figures.cost(evaluation),
        "trials": figures.trials(leaderboard),
    }
    return {name: _inline(figures.svg(figure)) for name, figure in drawn.items()}


def _inline(image: bytes | None) -> str:
    """Write an SVG as a data URL: as an image it runs no scripts and loads nothing."""
    return f"data:image/svg+xml;base64,{b64encode(image).decode()}" if image else ""
