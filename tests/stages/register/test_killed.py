"""Killed between MLflow's alias and the log: everybody follows the log, and the command repeats."""

import itertools
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow import MlflowClient

from vouch.core import tracking
from vouch.core.errors import VouchError
from vouch.core.files import write_json
from vouch.registry.approval import approve, waiting
from vouch.registry.compare import compare
from vouch.registry.integrity import listing, record_files
from vouch.registry.life import promote, rollback
from vouch.registry.lineage import trace
from vouch.registry.promotions import champion_version, history
from vouch.registry.versions import CHAMPION, find, parse
from vouch.stages.register import champion
from vouch.studies.diff import sides

from .conftest import comparison

NAME = "fraud-shop"
HERE = Path(__file__).parents[3]
KILLED = """
import os, signal
from pathlib import Path
from mlflow import MlflowClient
from tests.stages.register.conftest import Project, comparison
from vouch.registry.approval import approve, waiting
from vouch.registry.life import promote, rollback

point = MlflowClient.set_registered_model_alias

def die(client, name, alias, version):
    if alias == "champion" and not {moved}:
        os.kill(os.getpid(), signal.SIGKILL)
    point(client, name, alias, version)
    if alias == "champion":
        os.kill(os.getpid(), signal.SIGKILL)

MlflowClient.set_registered_model_alias = die
root = Path({root!r})
state = root / ".vouch"
{command}
"""
COMMANDS = {
    "promote": ("promote(state, 'fraud-shop', '2', 'better')", 2),
    "rollback": ("rollback(state, 'fraud-shop', 'complaints')", 2),
    "approve": (
        "place = root / 'data/register/fraud/registration.json'\n"
        "approve(state, waiting(place, state), 'ada', 'better')",
        3,
    ),
    "gate": (
        "third = Project(root, seed=3)\n"
        "third.changes['champion'] = {'version': 1, 'comparison': comparison(0.1)}\n"
        "third.register()",
        3,
    ),
}


@pytest.fixture
def three(project):
    """Three versions, the third as yet unregistered; champions were 2 and then 1."""
    for seed in (1, 2):
        project.with_seed(seed).register("disabled")
    promote(project.state, NAME, "2", "first")
    promote(project.state, NAME, "1", "second")
    third = project.with_seed(3)
    third.changes["champion"] = {"version": 1, "comparison": comparison(0.1)}
    return third


def askers(project, monkeypatch):
    """Ask everybody who is champion."""
    monkeypatch.setattr(sides, "PARTS", {"train": "gold/train.parquet"})
    monkeypatch.setattr(sides, "fetch", lambda _, digests: [Path(f"{digests[0]}.parquet")])
    name, state = f"{NAME}:champion", project.state
    diffed = sides.find(project.root, state, name, "train").files[0].stem
    traced = trace(project.root, state, name)
    version = find(state, NAME, CHAMPION)
    assert "champion" in traced["aliases"]
    assert champion(state, NAME) == version.model
    assert diffed == version.lineage.digests["gold/train.parquet"]
    both = compare(parse(state, name), parse(state, name))
    return {champion_version(state, NAME), version.number, *_numbers(traced["version"], both["a"])}


def _numbers(*versions):
    return [int(version.partition(":")[2]) for version in versions]


def mlflows(state):
    return int(tracking.client(state).get_registered_model(NAME).aliases[CHAMPION])


@pytest.mark.slow
@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_killed_command_is_repeated(three, monkeypatch, name, moved):
    if name == "approve":
        place = three.root / "data/register/fraud/registration.json"
        write_json(place, three.register("approval"))
    command, expected = COMMANDS[name]
    script = KILLED.format(root=str(three.root), command=command, moved=moved)
    before = [entry.to_version for entry in history(three.state, NAME)]
    code = subprocess.run([sys.executable, "-c", script], cwd=HERE, check=False).returncode
    assert code == -signal.SIGKILL
    assert mlflows(three.state) == (expected if moved else 1)
    assert [entry.to_version for entry in history(three.state, NAME)] == before
    assert askers(three, monkeypatch) == {1}
    assert mlflows(three.state) == 1
    repeat(three, name)
    assert askers(three, monkeypatch) == {expected}
    assert mlflows(three.state) == expected
    assert [entry.to_version for entry in history(three.state, NAME)] == [*before, expected]


def repeat(project, name):
    state = project.state
    if name == "promote":
        promote(state, NAME, "2", "better")
    elif name == "rollback":
        rollback(state, NAME, "complaints")
    elif name == "approve":
        approve(
            state,
            waiting(project.root / "data/register/fraud/registration.json", state),
            "ada",
            "better",
        )
    else:
        assert project.register()["gate"]["promoted"]


class Killed(BaseException):
    """What no handler takes."""


def steps():
    killed = st.sampled_from([None, "before", "after"])
    version = st.integers(1, 3)
    return st.one_of(
        st.tuples(st.just("promote"), version, killed),
        st.tuples(st.just("rollback"), st.just(0), killed),
        st.tuples(st.just("hand"), version, st.none()),
        st.tuples(st.just("read"), st.just(0), st.none()),
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory, empty_store):
    """A state folder whose registry is empty."""
    state = tmp_path_factory.mktemp("kills") / ".vouch"
    state.mkdir()
    shutil.copy(empty_store, state)
    return state


NUMBER = itertools.count()


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(st.lists(steps(), max_size=10))
def test_however_it_is_killed_or_moved_by_hand_the_champion_is_the_logs(store, sequence):
    """A plain stack, changed only by what was not killed, is the oracle."""
    mlflow, name, stack = tracking.client(store), f"fraud-{next(NUMBER)}", []
    mlflow.create_registered_model(name)
    for number in (1, 2, 3):
        folder = store.parent / name / str(number)
        folder.mkdir(parents=True)
        (folder / "MLmodel").write_text(f"{number}\n")
        mlflow.create_model_version(name, source=folder.as_uri())
        record_files(store, name, folder.as_uri(), listing(folder), "registered")
    for kind, version, killed in sequence:
        if kind == "hand":
            mlflow.set_registered_model_alias(name, CHAMPION, str(version))
        elif kind == "promote":
            with killing(killed) as died:
                promote(store, name, str(version), "why")
            if not died and stack[-1:] != [version]:
                stack.append(version)
        elif kind == "rollback" and len(stack) > 1:
            with killing(killed) as died:
                rollback(store, name, "why")
            if not died:
                stack.pop()
        check(store, name, stack)


@contextmanager
def killing(when):
    """Die in the change of the alias, before or after it is made; yields whether that happened."""
    point, died = MlflowClient.set_registered_model_alias, []

    def die(client, name, alias, version):
        if when == "after":
            point(client, name, alias, version)
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        if when:
            patch.setattr(MlflowClient, "set_registered_model_alias", die)
        try:
            yield died
        except Killed:
            died.append(True)


def check(state, name, stack):
    assert champion_version(state, name) == (stack[-1] if stack else None)
    if not stack:
        with pytest.raises(VouchError, match="no champion yet"):
            find(state, name, CHAMPION)
        return
    assert find(state, name, CHAMPION).number == stack[-1]
    assert int(tracking.client(state).get_registered_model(name).aliases[CHAMPION]) == stack[-1]


def test_promoting_the_champion_again_changes_nothing(three):
    entry, new = promote(three.state, NAME, "1", "another reason")
    assert not new and (entry.to_version, entry.why) == (1, "second")
    assert len(history(three.state, NAME)) == 2


def test_approving_again_what_was_approved_changes_nothing(three):
    place = three.root / "data/register/fraud/registration.json"
    write_json(place, three.register("approval"))
    asked = waiting(place, three.state)
    first = approve(three.state, asked, "ada", "better")
    again = approve(three.state, asked, "ada", "better")
    assert (again.id, again.to_version) == (first.id, 3) and champion_version(
        three.state, NAME
    ) == 3


def test_a_champion_that_mlflow_no_longer_has_is_told_with_what_to_do(three):
    tracking.client(three.state).delete_model_version(NAME, "1")
    with pytest.raises(VouchError, match="1 is the champion, but MLflow no longer has it") as error:
        champion(three.state, NAME)
    assert "vouch promote fraud --version V" in error.value.hint
    tracking.client(three.state).delete_model_version(NAME, "2")
    with pytest.raises(VouchError, match="has no version '2'"):
        rollback(three.state, NAME, "why")
    assert champion_version(three.state, NAME) == 1
