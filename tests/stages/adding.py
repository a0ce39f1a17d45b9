"""Raw files that come one after the other, and the stages from ingest to extract on them."""

import hashlib
import inspect
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from vouch.core.cache import Cache
from vouch.core.files import sha256
from vouch.labels.reviews import SCHEMA
from vouch.sources.declaration import load_declaration
from vouch.stages.extract import extract
from vouch.stages.ingest import ingest
from vouch.stages.ingest.params import IngestParams
from vouch.stages.label import label
from vouch.stages.label.params import LabelParams
from vouch.stages.validate import validate
from vouch.stages.validate.params import ValidateParams
from vouch.usecases import find
from vouch.usecases.suite import derive_suite

SMALL = 10_240
"""Rows of a row group: some of DuckDB's vectors, so that it fills each."""
FIRST = datetime(2024, 3, 1)
"""When the first file arrives."""


@contextmanager
def small_row_groups() -> Iterator[None]:
    """Let every module write and count row groups of few rows."""
    import vouch.stages.validate.stage

    assert vouch.stages.validate.stage
    usual, before = 122_880, []
    for name, module in list(sys.modules.items()):
        if name.startswith("vouch."):
            for constant in ("ROW_GROUP", "PARQUET"):
                value = vars(module).get(constant)
                if value == usual or (isinstance(value, str) and str(usual) in value):
                    before.append((module, constant, value))
                    small = SMALL if value == usual else value.replace(str(usual), str(SMALL))
                    setattr(module, constant, small)
    try:
        yield
    finally:
        for module, constant, value in before:
            setattr(module, constant, value)


@dataclass
class Adding:
    """A folder to which raw files and decisions are added.

    Attributes:
        root: The folder.
        declared: The source's declaration, as YAML.
        held_out: Files whose rows are the holdout.
        as_of: As extract takes it.
        kept: Whether the stages keep partial results.
    """

    root: Path
    declared: dict[str, Any]
    as_of: str = "latest"
    files: list[str] = field(default_factory=list)
    use: tuple[str, ...] = ("rule", "chargeback", "given", "reviewer")

    def __post_init__(self) -> None:
        for name in ("raw", "reviews", "state"):
            (self.root / name).mkdir(parents=True)
        self.declaration.write_text(yaml.safe_dump(self.declared))
        suite = derive_suite(load_declaration(self.declaration))
        (self.root / "suite.json").write_text(json.dumps(suite))

    @property
    def declaration(self) -> Path:
        return self.root / "source.yaml"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def holdout(self) -> dict[str, Any]:
        """Which holdout there is, and where it is recorded."""
        place = {"set": "a", "generation": 1, "as_of": self.as_of}
        return place | {"state": self.root / "state"}

    def add(self, lines: Iterable[str]) -> None:
        """Add a raw file."""
        manifest = self.root / "raw/manifest.json"
        entries = json.loads(manifest.read_text()) if manifest.exists() else {}
        path = self.root / f"raw/{len(entries)}.csv"
        path.write_text("".join(f"{line}\n" for line in lines))
        digest = sha256(path)
        entries[digest[:12]] = {
            "name": path.name,
            "sha256": digest,
            "arrived_at": (FIRST + timedelta(days=len(entries))).isoformat(),
            "bytes": path.stat().st_size,
        }
        manifest.write_text(json.dumps(entries))
        if digest[:12] not in self.files:
            self.files.append(digest[:12])

    def decide(self, entities: Iterable[str], issued_at: datetime) -> None:
        """Add a batch of people's decisions."""
        name = self.declared["name"]
        decision = {"source": "reviewer", "actor": "ann", "origin": name, "case": "c", "label": 1}
        rows = [decision | {"entity": e, "issued_at": issued_at} for e in entities]
        number = len(list((self.root / "reviews").iterdir()))
        table = pa.Table.from_pylist(rows, SCHEMA)
        pq.write_table(table, self.root / f"reviews/{number:04}.parquet")

    def run(self, out: str, *, kept: bool = True) -> dict[str, str]:
        """Run the stages, and return the digest of each of their outputs."""
        folder = self.root / out
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        usecase = self.declared.get("usecase", "fraud")
        own = {"declaration": self.declaration}
        silver, issued = folder / "silver.parquet", folder / "labels.parquet"

        def step(function: Callable[..., Any], **arguments: Any) -> None:
            if kept and "cache" in inspect.signature(function).parameters:
                arguments["cache"] = Cache(self.cache / function.__name__)
            summary = folder / f"{function.__name__}.json"
            function(**own, **arguments, summary=summary)

        step(
            ingest,
            raw=self.root / "raw",
            files=self.files,
            held_out=(),
            **self.holdout,
            holdout_share=0.2,
            reserve_share=0.2,
            rows=folder / "bronze.parquet",
            rejects=folder / "rejects.parquet",
            sealed=folder / "labels.sealed",
            params=IngestParams(),
        )
        step(
            validate,
            suite=self.root / "suite.json",
            bronze=folder / "bronze.parquet",
            rows=silver,
            quarantine=folder / "quarantine.parquet",
            page=folder / "page.html",
            params=ValidateParams(id_conflicts=1),
        )
        step(
            label,
            rows=silver,
            reviews=self.root / "reviews",
            labels=issued,
            params=LabelParams(use=self.use),
        )
        step(
            extract,
            rows=silver,
            labels=issued,
            sealed=folder / "labels.sealed",
            train=folder / "train.parquet",
            holdout=folder / "holdout.sealed",
            **self.holdout,
            engine="duckdb",
            held_out=(),
            use=self.use,
            params=find(usecase).extract_params()(),
        )
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.iterdir())
        }
