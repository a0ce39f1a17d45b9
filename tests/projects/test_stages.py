"""The one table and everything that must agree with it."""

import inspect
from pathlib import Path

import pytest
import yaml

from benchmarks.dependencies import code, imports
from vouch.core.errors import VouchError
from vouch.core.settings import Params, load_params
from vouch.project.stages import REVIEWS, STAGES, Stage, find
from vouch.review.collect.params import CollectParams
from vouch.review.enqueue.params import EnqueueParams
from vouch.review.page.params import ReviewParams
from vouch.usecases import names

ROOT = Path(__file__).parents[2]
DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
GRAPH = imports()
NAMES = [stage.name for stage in STAGES]
AROUND = {"enqueue": EnqueueParams, "collect": CollectParams, "review": ReviewParams}


def dvc_path(template: str) -> str:
    return (
        template.replace("{usecase}", "${key}")
        .replace("{source}", "${item.source}")
        .replace("{raw}", "${item.raw}")
    )


def paths(listed):
    return [next(iter(entry)) if isinstance(entry, dict) else entry for entry in listed]


def test_dvc_runs_the_stages_of_the_table_in_its_order():
    assert list(DVC) == NAMES


@pytest.mark.parametrize("stage", STAGES, ids=NAMES)
def test_dvc_stage_equals_its_row(stage: Stage):
    told = DVC[stage.name]["do"]
    assert f"vouch stage {stage.name} ${{key}}" in told["cmd"]
    inputs = [dvc_path(p) for p in stage.inputs.values()]
    assert told["deps"] == [*code(stage, GRAPH), *inputs], "run python -m benchmarks.dependencies"
    assert paths(told["outs"]) == [dvc_path(p) for p in stage.outputs.values()]
    persisted = [
        isinstance(out, dict) and out[p]["persist"]
        for out, p in zip(told["outs"], paths(told["outs"]), strict=True)
    ]
    assert persisted == [stage.persist] * len(stage.outputs)
    chosen = [f"usecases.${{key}}.{c}" for c in stage.choices]
    sections = [
        f"{name}.${{key}}" for name in (stage.name, *dict.fromkeys(stage.borrowed.values()))
    ]
    expected = [*sections, *([{"data/inputs.yaml": chosen}] if chosen else [])]
    assert told["params"] == expected


def test_every_input_that_a_stage_could_make_is_made_by_an_earlier_one():
    made: set[str] = set()
    for stage in STAGES:
        needed = {p for p in stage.inputs.values() if p.startswith("data/")}
        # people's decisions come by `vouch collect`, outside the pipeline
        outside = {p for p in needed if p.startswith("data/sources")} | {REVIEWS}
        assert needed - outside <= made
        made |= set(stage.outputs.values())


def test_params_has_a_section_for_every_stage():
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    assert list(params) == [*NAMES, *AROUND]


@pytest.mark.parametrize("usecase", names())
@pytest.mark.parametrize(("name", "model"), AROUND.items())
def test_what_stands_around_the_stages_has_valid_parameters(
    name: str, model: type[Params], usecase: str
):
    load_params(ROOT / "params.yaml", model, name, usecase)


@pytest.mark.parametrize("stage", STAGES, ids=NAMES)
def test_function_takes_what_the_row_says(stage: Stage):
    taken = set(inspect.signature(stage.function()).parameters)
    declared = {*stage.inputs, *stage.outputs, *stage.choices, *stage.borrowed}
    declared |= {"params", "progress"}
    given = {"state"} if stage.state else set()
    assert taken == declared | given | ({"cache"} if stage.cache else set())


@pytest.mark.parametrize("stage", STAGES, ids=NAMES)
def test_folder_and_task_bear_the_name(stage: Stage):
    assert (ROOT / "src/vouch/stages" / stage.name / "__init__.py").exists()
    assert (ROOT / "tasks" / f"{stage.name}.py").exists()


def test_flow_keeps_the_order():
    from flows.stages import DATA, MODEL

    assert [task.name for task in (*DATA, *MODEL)] == NAMES


def test_unknown_stage_suggests_the_near_one():
    with pytest.raises(VouchError) as error:
        find("validat")
    assert "did you mean 'validate'" in error.value.hint


def test_a_stage_that_writes_the_projects_state_is_never_restored():
    assert [stage.name for stage in STAGES if stage.state and not stage.persist] == []


@pytest.mark.parametrize("stage", NAMES)
def test_a_stage_watches_its_own_use_case_and_no_other(stage: str):
    watched = paths(DVC[stage]["do"]["deps"])
    assert watched[0] == "${item.code}"
    folders = [f"src/vouch/usecases/{name}" for name in names()]
    assert not any(path.startswith(folder) for path in watched for folder in folders)
    assert not {"src/vouch", "src/vouch/usecases"} & set(watched)
