"""``vouch review``: people come, are listed, and go, as somebody at a terminal does it."""

import re

import pytest

from tests.project import copy_checkout, vouch
from vouch.operate.record import Ports, Record
from vouch.review.page.reach import Reach
from vouch.review.people import People

PASSWORD = "correct horse battery"
LINK = re.compile(r"^(\S*)/password/([\w-]{43})$", re.MULTILINE)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Make one project for all: each test has people of its own."""
    return copy_checkout(tmp_path_factory.mktemp("cli") / "project")


def test_a_link_is_printed_once_and_sets_a_password(root):
    done = vouch(root, "review", "add", "Ann Öz", "--role", "lead")
    assert done.returncode == 0 and "the page is not up" in done.stdout
    where, token = LINK.search(done.stdout).groups()
    people = People(root / ".vouch")
    assert where == "" and people.invited(token).role == "lead"
    people.set_password(token, PASSWORD)
    assert people.log_in("ann öz", PASSWORD, "here").person.name == "Ann Öz"
    again = vouch(root, "review", "add", "ann öz").stdout
    assert token not in again and people.invited(LINK.search(again)[2]).role == "reviewer"
    assert people.log_in("Ann Öz", PASSWORD, "here")  # the old password holds until then


def test_the_link_is_one_of_the_page_where_it_is_up(root):
    Record.of_this_process(Ports(), Reach(public="https://review.example.org")).save(root)
    try:
        done = vouch(root, "review", "add", "Bob")
    finally:
        (root / ".prefect/up.json").unlink()
    assert LINK.search(done.stdout)[1] == "https://review.example.org"
    assert "not up" not in done.stdout


def test_people_are_listed_with_what_they_may_and_removed(root):
    for name in ("Cem", "Dan"):
        vouch(root, "review", "add", name)
    done = vouch(root, "review", "remove", "cem")
    assert (done.returncode, done.stdout) == (0, "cem can log in no more\n")
    lines = {
        line.split()[0]: line
        for line in vouch(root, "review", "list").stdout.splitlines()[2:]
        if line.strip()
    }
    assert (
        "reviewer" in lines["Dan"] and "none yet" in lines["Dan"] and "removed" not in lines["Dan"]
    )
    assert "removed" in lines["Cem"]
    vouch(root, "review", "add", "Cem")
    assert not next(p for p in People(root / ".vouch").all() if p.name == "Cem").disabled


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("remove", "nobody"), "nobody: no such person"),
        (("add", " "), "name: got ' '"),
        (("add", "consensus"), "name: got 'consensus'"),
        (("add", "a" * 81), "1 to 80 printed characters"),
        (("add", "Eve", "--role", "king"), "'king' is not one of"),
    ],
)
def test_what_cannot_be_is_named(root, words, message):
    done = vouch(root, "review", *words)
    assert done.returncode != 0 and message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_the_last_admin_is_not_removed(root):
    vouch(root, "review", "add", "Ada", "--role", "admin")
    done = vouch(root, "review", "remove", "Ada")
    assert done.returncode == 1 and "is the last admin" in done.stderr
