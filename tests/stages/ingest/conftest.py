import json
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from vouch.core.files import sha256
from vouch.stages.ingest import ingest, read
from vouch.stages.ingest.params import IngestParams

PAYMENTS = """
name: payments
format: csv
columns:
  ref: {role: id}
  at: {role: time}
  sum: {role: amount}
  from: {role: payer}
  to: {role: payee}
  kind: {role: category}
  bad: {role: label, optional: true}
"""
HEADER = "ref,at,sum,from,to,kind,bad"


class Project:
    """A folder in which raw files arrive, one a day."""

    def __init__(self, root: Path):
        self.root = root
        self.raw = root / "raw"
        self.raw.mkdir()
        self.manifest, self.set, self.generation = {}, "a", 1
        self.files, self.held_out = [], []
        self.declare(PAYMENTS)

    def declare(self, text: str) -> None:
        self.declaration = self.root / "payments.yaml"
        self.declaration.write_text(text)

    def give(self, content: bytes | str, name: str = "a.csv") -> None:
        path = self.raw / f"{len(self.manifest)}-{name}"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        digest = sha256(path)
        self.manifest[digest[:12]] = {
            "name": path.name,
            "sha256": digest,
            "arrived_at": datetime(2024, 3, 1 + len(self.manifest)).isoformat(),
            "bytes": path.stat().st_size,
        }
        (self.raw / "manifest.json").write_text(json.dumps(self.manifest))

    def ingest(self, out: str = "bronze", **params) -> dict:
        folder = self.root / out
        folder.mkdir(exist_ok=True)
        self.params = IngestParams(**params)
        self.rows, self.rejects = folder / "rows.parquet", folder / "rejects.parquet"
        return dict(
            ingest(
                declaration=self.declaration,
                raw=self.raw,
                files=self.files or list(self.manifest),
                held_out=self.held_out,
                set=self.set,
                generation=self.generation,
                as_of="latest",
                holdout_share=0.2,
                reserve_share=0.2,
                state=self.root / "state",
                rows=self.rows,
                rejects=self.rejects,
                sealed=folder / "labels.sealed",
                summary=folder / "ingest.json",
                params=self.params,
            )
        )

    def bronze(self, what: str = "*") -> list:
        """Return what was parsed, held-out rows with their labels."""
        plain = self.root / "plain.parquet"
        read(
            declaration=self.declaration,
            raw=self.raw,
            files=list(self.manifest),
            rows=plain,
            rejects=self.root / "rejects.parquet",
            params=self.params,
        )
        return self.sealed(what, plain)

    def sealed(self, what: str = "*", rows: Path | None = None) -> list:
        """Return what bronze has."""
        return duckdb.sql(f"SELECT {what} FROM read_parquet('{rows or self.rows}')").fetchall()

    def rejected(self) -> list:
        query = f"SELECT line, reason FROM read_parquet('{self.rejects}') ORDER BY file, line"
        return duckdb.sql(query).fetchall()


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def header() -> str:
    return HEADER
