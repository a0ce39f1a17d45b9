"""prefect.yaml against the flows, the requests and the events it names."""

import pytest
import yaml
from prefect.client.schemas.schedules import CronSchedule
from prefect.events import DeploymentEventTrigger
from prefect.flows import load_flow_from_entrypoint

from flows.__main__ import FLOWS
from tests.project import ROOT
from vouch.operate.events import ENOUGH, REVIEWED, ROWS, TAKEN
from vouch.operate.up import POOL
from vouch.usecases import names

DECLARED = yaml.safe_load((ROOT / "prefect.yaml").read_text())
DEPLOYMENTS = {d["name"]: d for d in DECLARED["deployments"]}
NAMES = [f"{flow}-{usecase}" for flow in FLOWS for usecase in names()]


def test_every_flow_is_deployed_for_every_use_case():
    assert sorted(DEPLOYMENTS) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_deployment_fits_its_flow(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    told = DEPLOYMENTS[name]
    flow, usecase = name.split("-")
    loaded = load_flow_from_entrypoint(told["entrypoint"])
    assert loaded.name == flow
    asked = loaded.validate_parameters(told["parameters"])
    assert asked == {"request": FLOWS[flow](usecase=usecase)}
    assert set(told["tags"]) == {flow, usecase} and told["description"]


@pytest.mark.parametrize("name", NAMES)
def test_one_run_at_a_time_and_no_pile_of_them(name):
    told = DEPLOYMENTS[name]
    if name.startswith("approval-"):  # each asks about a challenger of its own
        assert "concurrency_limit" not in told
        return
    assert told["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    assert told["work_pool"] == {"name": POOL}


@pytest.mark.parametrize("name", NAMES)
def test_schedules_have_a_slug_and_a_cron_that_can_be_read(name):
    schedules = DEPLOYMENTS[name].get("schedules", [])
    assert bool(schedules) == (not name.startswith(("training", "approval")))
    for schedule in schedules:
        assert schedule["slug"]
        CronSchedule(cron=schedule["cron"], timezone=schedule["timezone"])


@pytest.mark.parametrize("usecase", names())
def test_retraining_waits_for_enough_labels_of_its_own_use_case(usecase):
    (spec,) = DEPLOYMENTS[f"retraining-{usecase}"]["triggers"]
    trigger = DeploymentEventTrigger.model_validate(spec)
    assert trigger.expect == {ENOUGH}
    assert trigger.match.root == {"prefect.resource.id": f"vouch.labels.{usecase}"}


@pytest.mark.parametrize("usecase", names())
def test_intake_waits_for_new_rows_of_its_own_use_case(usecase):
    (spec,) = DEPLOYMENTS[f"intake-{usecase}"]["triggers"]
    trigger = DeploymentEventTrigger.model_validate(spec)
    assert trigger.expect == {ROWS}
    assert trigger.match.root == {"prefect.resource.id": f"vouch.rows.{usecase}"}


@pytest.mark.parametrize("usecase", names())
def test_feedback_waits_for_rows_that_were_taken_and_for_decisions(usecase):
    specs = DEPLOYMENTS[f"feedback-{usecase}"]["triggers"]
    triggers = [DeploymentEventTrigger.model_validate(spec) for spec in specs]
    assert [trigger.expect for trigger in triggers] == [{TAKEN}, {REVIEWED}]
    resources = [trigger.match.root["prefect.resource.id"] for trigger in triggers]
    assert resources == [f"vouch.rows.{usecase}", f"vouch.reviews.{usecase}"]


def test_the_project_is_found_wherever_it_is():
    assert str(ROOT) not in (ROOT / "prefect.yaml").read_text()
