import json
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from vouch.sources.declaration import load_declaration
from vouch.stages.validate import validate
from vouch.stages.validate.params import ValidateParams
from vouch.usecases.suite import derive_suite

PAYMENTS = """
name: payments
format: csv
columns:
  ref: {role: id}
  at: {role: time}
  sum: {role: amount}
  from: {role: payer}
  to: {role: payee}
  kind: {role: category, values: [web, shop]}
  bad: {role: label}
"""
START = datetime(2024, 1, 1)


class Project:
    """Bronze rows written by hand, and the validate stage run on them."""

    def __init__(self, root: Path):
        self.root = root
        self.declaration = root / "payments.yaml"
        self.declaration.write_text(PAYMENTS)
        self.suite = root / "payments.json"
        self.expect(derive_suite(load_declaration(self.declaration))["expectations"])
        self.bronze, self.silver = root / "bronze.parquet", root / "silver.parquet"
        self.quarantine, self.page = root / "quarantine.parquet", root / "page.html"

    def expect(self, expectations: list) -> None:
        self.suite.write_text(json.dumps({"name": "payments", "expectations": expectations}))

    def write(self, rows: list[dict]) -> None:
        """Write bronze: each row needs an id; ``day`` is its arrival, ``file`` follows from it."""
        full = [self._row(line, **row) for line, row in enumerate(rows, 1)]
        (self.root / "bronze.json").write_text(json.dumps(full, default=str))
        types = dict.fromkeys(full[0], "VARCHAR") | {
            "id": "VARCHAR", "time": "TIMESTAMP", "amount": "DOUBLE", "payer": "VARCHAR",
            "payee": "VARCHAR", "kind": "VARCHAR", "label": "TINYINT", "source": "VARCHAR",
            "file": "VARCHAR", "line": "BIGINT", "arrived_at": "TIMESTAMP", "row_hash": "VARCHAR",
        }  # fmt: skip
        duckdb.sql(
            f"""COPY (SELECT * FROM read_json('{self.root}/bronze.json', columns = {types})
                      ORDER BY time, id, file, line) TO '{self.bronze}' (FORMAT parquet)"""
        )

    @staticmethod
    def _row(line: int, *, id: str, day: int = 0, hour: int = 0, **values) -> dict:
        row = {
            "id": id,
            "time": START + timedelta(hours=hour),
            "amount": 5.0,
            "payer": "anna",
            "payee": "shop",
            "kind": "web",
            "label": 0,
            **values,
        }
        arrival = {
            "file": f"file{day}",
            "line": line,
            "arrived_at": START + timedelta(days=30 + day),
        }
        return {**row, "source": "payments", **arrival, "row_hash": str(list(row.values()))}

    def validate(self, **params) -> dict:
        return dict(
            validate(
                declaration=self.declaration,
                suite=self.suite,
                bronze=self.bronze,
                rows=self.silver,
                quarantine=self.quarantine,
                summary=self.root / "validate.json",
                page=self.page,
                params=ValidateParams(**params),
            )
        )

    def read(self, path: Path, what: str) -> list:
        return duckdb.sql(f"SELECT {what} FROM read_parquet('{path}') ORDER BY ALL").fetchall()


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(tmp_path)
