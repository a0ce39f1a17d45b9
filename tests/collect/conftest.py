"""Cases that are out, and answers to them."""

import csv
from pathlib import Path

import pytest

from vouch.enqueue import enqueue


class Desk:
    """A project with ten cases out, and pens to answer them with."""

    def __init__(self, project: Path) -> None:
        self.project, self.state = project, project / ".vouch"
        enqueue(project, self.state, "fraud", 10, project / "cases.csv")
        with (project / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
            self.cases = [row["case"] for row in csv.DictReader(file)]

    def answers(self, rows, name="answers.csv", columns=("case", "decision", "reviewer")) -> Path:
        path = self.project / name
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)
        return path

    def collect(self, path):
        from vouch.collect import collect

        return collect(self.project, self.state, "fraud", path)

    @property
    def reviews(self) -> Path:
        return self.project / "data/labels/fraud/reviews"


@pytest.fixture
def desk(project):
    return Desk(project)
