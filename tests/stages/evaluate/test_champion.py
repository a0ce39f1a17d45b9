"""With a champion in a real MLflow registry."""

from pathlib import Path

from vouch.core import tracking
from vouch.core.files import read_json, write_json
from vouch.registry.promotions import Change, record
from vouch.registry.versions import Package, publish
from vouch.usecases.fraud.packaging import package

from .conftest import Project, payments

NAME = "fraud-paysim"


def crown(project: Project) -> int:
    """Register the project's model and make it champion, as the register stage does."""
    client = tracking.client(project.state)
    run = client.create_run(tracking.experiment(project.state, NAME))
    example = payments(5, 1)[["first", "second"]]
    model: Path = project.path("model")
    files = {"extract.json": project.path("extracted")}
    made = publish(
        project.state,
        Package(NAME, run.info.run_id, model, example, files, "fingerprint", {}, {}, package),
    )
    record(project.state, Change(NAME, made.number, "manual", "a test"))
    return made.number


def test_a_candidate_is_compared_with_the_champion_on_the_same_rows(project):
    first = project.evaluate()
    assert first["champion"] == {
        "version": None,
        "comparison": None,
        "reason": "there is no champion yet",
    }
    version = crown(project)

    itself = project.evaluate()
    assert itself["champion"]["version"] == version
    assert "itself" in itself["champion"]["reason"]
    assert itself["ledger"]["spent"] == 1
    assert itself["holdout"] == first["holdout"]

    project.fit(payments(3000, 1), depth=1)
    worse = project.evaluate()
    assert worse["champion"]["version"] == version
    comparison = worse["champion"]["comparison"]
    assert comparison["kind"] == "truth"
    assert comparison["champion"] == first["holdout"]["truth"]["average_precision"]["value"]
    assert comparison["difference"]["interval"][1] < 0
    assert worse["ledger"]["spent"] == 2


def test_a_champion_of_other_classes_is_not_compared(project):
    project.evaluate()
    crown(project)
    project.fit(payments(1500, 1), depth=4)
    extracted = project.path("extracted")
    write_json(extracted, read_json(extracted) | {"classes": ["fraud", "genuine"]})
    champion = project.evaluate()["champion"]
    assert champion["comparison"] is None
    assert champion["reason"].endswith("it was trained for genuine, fraud")
