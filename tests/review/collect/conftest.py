"""Cases that are out, and answers to them."""

import csv
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from vouch.review.enqueue import enqueue


class Desk:
    """A project with ten cases out, and pens to answer them with."""

    def __init__(self, project: Path) -> None:
        self.project, self.state = project, project / ".vouch"
        enqueue(project, self.state, "fraud", 10, project / "cases.csv")
        with (project / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
            self.cases = [row["case"] for row in csv.DictReader(file)]

    def put_out_at(self, moment: datetime) -> None:
        """Change when the cases were put out."""
        for path in self.state.glob("*.db"):
            with closing(sqlite3.connect(path)) as database, database:
                tables = database.execute("SELECT name FROM sqlite_master WHERE name = 'cases'")
                if tables.fetchall():
                    database.execute("UPDATE cases SET out_at = ?", [f"{moment:%F %T.%f}"])

    def answers(self, rows, name="answers.csv", columns=("case", "decision", "reviewer")) -> Path:
        path = self.project / name
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)
        return path

    def collect(self, path):
        from vouch.review.collect import collect

        return collect(self.project, self.state, "fraud", path)

    @property
    def reviews(self) -> Path:
        return self.project / "data/labels/fraud/reviews"


@pytest.fixture
def desk(project):
    desk = Desk(project)
    desk.put_out_at(datetime(2024, 12, 31))
    return desk
