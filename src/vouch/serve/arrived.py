"""Rows that came since the last training, scored by the champion."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypedDict

import numpy as np
import pandas as pd

from vouch.core.cells import escape_table
from vouch.core.errors import VouchError
from vouch.core.files import read_json, replacing
from vouch.models.novelty import novelty
from vouch.models.predictions import decision_at, in_order, numbers_in_order, score_columns
from vouch.project.inputs import present_source
from vouch.project.stages import GOLD, TUNE
from vouch.registry.packaging import EVIDENCE
from vouch.registry.versions import CHALLENGER, CHAMPION, Version, versions_if_any
from vouch.results.tune import Leaderboard
from vouch.serve.stage import CHUNK
from vouch.sources.readers import parquet, quoted
from vouch.usecases import find
from vouch.usecases.classes import check_same_classes, class_names

SAMPLE, SEED = 50_000, 0
"""Training rows that new ones are compared with, and the comparison's seed."""
SHOWN = ("id", "time", "amount", "twin", "rule", "label_source")
"""What is kept of a row beside its scores, where gold has it."""


@dataclass(frozen=True)
class Arrived:
    """Rows that no model has learned from yet.

    Attributes:
        rows: ``id`` and the others of ``SHOWN`` where gold has them, a column
            ``score_0`` and on for the probability of each class as declared now, and ``chosen``,
            the number of the class that the model chooses; where asked for, ``novelty`` (see
            :func:`vouch.models.novelty.novelty`).
        version: The model that scored them.
        classes: Names of the classes as declared now, class 0 first.
    """

    rows: pd.DataFrame
    version: Version
    classes: tuple[str, ...]


class Written(TypedDict):
    """What was written of rows that came: how many, of each class, by which model."""

    rows: int
    predicted: dict[str, int]
    model: str
    out: str


def score_arrived(
    root: Path, state: Path, usecase: str, with_novelty: bool = False
) -> Arrived | None:
    """Score the rows that no training had: by the champion, or else the challenger.

    These are gold's training rows without an out-of-fold prediction, of the last training or of
    that model's. Rows before the model's first fold have none either: they only trained, and late
    ones of that time are taken for such. Rows of the holdout and those kept for the next one are
    not among them, nor rows that no label speaks of, as where there is no rule.

    Args:
        root: The project's folder.
        state: The project's state folder.
        usecase: The use case.
        with_novelty: Whether to add how unlike each row is to those the last training had.

    Returns:
        None where nothing was trained yet on the use case's present source.

    Raises:
        VouchError: The model needs a feature that gold does not have, or its classes are others.
    """
    train = root / GOLD.format(usecase=usecase) / "train.parquet"
    tuned = root / TUNE.format(usecase=usecase)
    source = present_source(root, usecase)
    version = _version(state, f"{usecase}-{source.name}")
    if version is None or not train.exists() or not (tuned / "predictions.parquet").exists():
        return None
    check_same_classes(version.extracted, source, str(version))
    columns, classes = _columns(train), class_names(source)
    features = _features(version, train, columns)
    shown = [name for name in SHOWN if name in columns]
    rows = _rows(train, tuned, version, [*shown, *features], "time" in columns)
    table = _scored(rows, version, state, shown, classes)
    if with_novelty and not find(usecase).raw_features:  # texts are no numbers
        table["novelty"] = novelty(_learned(train, tuned, features), rows, SEED)
    return Arrived(table, version, classes)


def write_arrived(root: Path, state: Path, usecase: str, out: Path) -> Written | None:
    """Write the rows that came since the last training, the surest of the last class first.

    Args:
        root: The project's folder.
        state: The project's state folder.
        usecase: The use case.
        out: Where they go (CSV): ``id``, ``time`` where there is one, ``prediction``, a column
            ``score_<class>`` each, and ``model``. What was there is replaced.

    Returns:
        None where nothing was trained yet.
    """
    arrived = score_arrived(root, state, usecase)
    if arrived is None:
        return None
    rows, classes = arrived.rows, arrived.classes
    scores = score_columns(len(classes))
    table = rows[[name for name in ("id", "time") if name in rows]].copy()
    table["prediction"] = [classes[number] for number in rows["chosen"]]
    table[[f"score_{name}" for name in classes]] = rows[scores]
    table["model"] = str(arrived.version)
    ordered = table.iloc[np.argsort(-rows[scores[-1]].to_numpy(), kind="stable")]
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as draft:
        escape_table(ordered).to_csv(draft, index=False)
    predicted = {name: int((table["prediction"] == name).sum()) for name in classes}
    model = str(arrived.version)
    return {"rows": len(rows), "predicted": predicted, "model": model, "out": str(out)}


def summary(written: Written) -> str:
    """Return what was written, in a line."""
    counts = ", ".join(f"{count:,} {name}" for name, count in written["predicted"].items())
    rows = f"{written['rows']:,} rows since the last training"
    return f"{rows}: {counts}, by {written['model']} -> {written['out']}"


def _version(state: Path, name: str) -> Version | None:
    listed = versions_if_any(state, name)
    by_alias = {alias: version for version in listed for alias in version.aliases}
    return by_alias.get(CHAMPION) or by_alias.get(CHALLENGER)


def _columns(table: Path) -> list[str]:
    import pyarrow.parquet as pq

    return list(pq.read_schema(table).names)


def _features(version: Version, train: Path, columns: list[str]) -> list[str]:
    """Return the columns that a model reads.

    Raises:
        VouchError: Gold has one of them no more.
    """
    needed: list[str] = read_json(version.model / "candidate.json")["features"]
    if missing := [name for name in needed if name not in columns]:
        raise VouchError(
            f"{train}: no column {missing[0]!r}, which {version} was trained on",
            f"vouch run {version.lineage.usecase}, which trains on the columns there are",
        )
    return needed


def _rows(
    train: Path, tuned: Path, version: Version, columns: list[str], timed: bool
) -> pd.DataFrame:
    import duckdb

    begin = _first_assessed(version) if timed else None
    query = f"""SELECT {", ".join(map(quoted, dict.fromkeys(columns)))} FROM {parquet(train)}
                WHERE id NOT IN (SELECT id FROM {parquet(tuned / "predictions.parquet")})
                AND id NOT IN (SELECT id FROM {parquet(version.predictions)})
                {"" if begin is None else "AND time >= ?"} ORDER BY id"""
    with duckdb.connect() as connection:
        return connection.execute(query, [] if begin is None else [begin]).df()


def _learned(train: Path, tuned: Path, features: list[str]) -> pd.DataFrame:
    """Read some of the rows that the last training had, the same ones each time."""
    import duckdb

    query = f"""SELECT {", ".join(map(quoted, features))} FROM {parquet(train)}
                WHERE id IN (SELECT id FROM {parquet(tuned / "predictions.parquet")})
                ORDER BY md5(id), id LIMIT {SAMPLE}"""
    with duckdb.connect() as connection:
        return connection.execute(query).df()


def _first_assessed(version: Version) -> datetime | None:
    """Return when a model's first fold begins; None where its folds were not cut by time."""
    leaderboard = Leaderboard.read(version.folder / EVIDENCE / "leaderboard.json")
    starts = [fold.get("from") for fold in leaderboard.folds]
    times = [datetime.fromisoformat(start) for start in starts if start]
    return min(times, default=None)


def _scored(
    rows: pd.DataFrame, version: Version, state: Path, shown: list[str], classes: tuple[str, ...]
) -> pd.DataFrame:
    """Return rows with their scores, in the order of the classes as they are declared now."""
    fitted = find(version.lineage.usecase).load_model(version.model, state)
    parts = [
        fitted.predict(rows.iloc[start : start + CHUNK]) for start in range(0, len(rows), CHUNK)
    ]
    likely = np.concatenate(parts) if parts else np.empty((0, len(classes)))
    own, chosen = version.extracted.classes, decision_at(version.lineage.threshold).classes(likely)
    table = rows[shown].copy()
    table[score_columns(len(classes))] = in_order(likely, own, classes)
    table["chosen"] = numbers_in_order(chosen, own, classes)
    return table
