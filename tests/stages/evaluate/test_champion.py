"""With a champion in a real MLflow registry."""

import shutil
from pathlib import Path

import pytest

from tests.stages.register.conftest import empty_store  # noqa: F401
from vouch.core import tracking
from vouch.registry.promotions import Change, record
from vouch.registry.versions import Package, publish
from vouch.results.extract import Extracted
from vouch.usecases.fraud.packaging import package

from .conftest import Project, payments

NAME = "fraud-paysim"


@pytest.fixture(autouse=True)
def store(project, empty_store):  # noqa: F811
    project.state.mkdir(exist_ok=True)
    shutil.copy(empty_store, project.state)


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
    record(project.state, "fraud", Change(NAME, made.number, "manual", "a test"))
    return made.number


def test_a_candidate_is_compared_with_the_champion_on_the_same_rows(project):
    first = project.evaluate()
    assert first["champion"] == {
        "version": None,
        "comparison": None,
        "reason": "there is no champion yet",
    }
    assert first["holdout"]["rule_comparison"]["promote"]
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
    assert (comparison["kind"], comparison["rival"]) == ("truth", "champion")
    assert not comparison["promote"]
    assert comparison["level"] < first["holdout"]["rule_comparison"]["level"]
    assert "average_precision" not in worse["holdout"]["truth"]
    assert worse["ledger"]["spent"] == 2


@pytest.mark.parametrize(
    ("trained", "reason"),
    [
        ({"classes": ["genuine", "stolen"]}, "it was trained for genuine, stolen, not genuine, "),
        ({"listed": ["bad", "ok"]}, "trained where 'bad' stood for genuine, not for fraud"),
    ],
)
def test_a_champion_of_other_classes_is_not_compared(project, trained, reason):
    extracted = Extracted.read(project.path("extracted"))
    extracted.model_copy(update=trained).write(project.path("extracted"))
    crown(project)
    extracted.model_copy(update={"listed": ["ok", "bad"]}).write(project.path("extracted"))
    project.fit(payments(1500, 1), depth=4)
    champion = project.evaluate()["champion"]
    assert champion["comparison"] is None
    assert reason in champion["reason"] and "vouch promote" in champion["reason"]


def test_a_champion_of_the_same_classes_in_another_order_is_compared_by_name(project):
    extracted = Extracted.read(project.path("extracted"))
    other = extracted.model_copy(update={"classes": ["fraud", "genuine"]})
    project.fit(payments(3000, 1), depth=3)
    other.write(project.path("extracted"))
    crown(project)
    extracted.write(project.path("extracted"))
    project.fit(payments(3000, 1), depth=1)
    # the champion was fitted the other way round: by name it is as bad as it can be
    assert project.evaluate()["champion"]["comparison"]["promote"]
