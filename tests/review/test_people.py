from datetime import datetime, timedelta

import pytest

from vouch.core.errors import VouchError
from vouch.review.people import IDLE, LINK, SESSION, TRIES, WINDOW, People

PASSWORD = "correct horse battery"
HERE = "127.0.0.1"


class Clock:
    now = datetime(2026, 1, 1)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def people(tmp_path, clock):
    return People(tmp_path, clock)


@pytest.fixture
def ann(people):
    return people.set_password(people.add("Ann", "reviewer"), PASSWORD)


def test_a_link_sets_a_password_once(people):
    token = people.add("Ann", "lead")
    assert people.invited(token).name == "Ann"
    assert people.set_password(token, PASSWORD).role == "lead"
    assert people.invited(token) is None
    with pytest.raises(VouchError, match="does not work"):
        people.set_password(token, PASSWORD)


def test_a_link_ends(people, clock):
    token = people.add("Ann", "lead")
    clock.now += LINK
    assert people.invited(token) is None


def test_a_new_link_replaces_the_last(people):
    first, second = people.add("Ann", "lead"), people.add("ann ", "reviewer")
    assert people.invited(first) is None and people.invited(second).role == "reviewer"
    assert [person.name for person in people.all()] == ["Ann"]


@pytest.mark.parametrize("password", ["", "short", "x" * 300])
def test_a_password_has_a_length(people, password):
    with pytest.raises(VouchError, match="characters"):
        people.set_password(people.add("Ann", "lead"), password)


def test_a_password_is_not_the_name(people):
    with pytest.raises(VouchError, match="name"):
        people.set_password(people.add("Annabel Miller", "lead"), "annabel  miller")


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "a\nb", "x" * 100, "a\x1b[31m"])
def test_a_name_is_printed_characters(people, name):
    with pytest.raises(VouchError, match="name"):
        people.add(name, "lead")


def test_who_logged_in_is_known(people, ann):
    login = people.log_in("ANN", PASSWORD, HERE)
    known = people.known(login.cookie)
    assert (known.person, known.csrf, known.session) == (ann, login.csrf, login.session)
    people.log_out(login.cookie)
    assert people.known(login.cookie) is None


def test_a_session_ends(people, ann, clock):
    login, begun = people.log_in("Ann", PASSWORD, HERE), clock.now
    while clock.now - begun < SESSION:
        assert people.known(login.cookie)
        clock.now += IDLE / 2
    assert people.known(login.cookie) is None or clock.now - begun <= SESSION
    clock.now += IDLE / 2
    assert people.known(login.cookie) is None
    second = people.log_in("Ann", PASSWORD, HERE)
    clock.now += IDLE + timedelta(seconds=1)
    assert people.known(second.cookie) is None


def test_wrong_passwords_are_limited_by_person(people, ann, clock):
    for _ in range(TRIES):
        assert people.log_in("Ann", "wrong", HERE) is None
    with pytest.raises(VouchError, match="too many"):
        people.log_in("aNN", PASSWORD, "10.0.0.1")
    clock.now += WINDOW + timedelta(seconds=1)
    assert people.log_in("Ann", PASSWORD, HERE)


def test_wrong_passwords_are_limited_by_address(people, ann, monkeypatch):
    monkeypatch.setattr("vouch.review.people.ADDRESS_TRIES", 3)
    for number in range(3):
        assert people.log_in(f"nobody {number}", "wrong", HERE) is None
    with pytest.raises(VouchError, match="too many"):
        people.log_in("Ann", PASSWORD, HERE)
    assert people.log_in("Ann", PASSWORD, "10.0.0.1")


def test_right_passwords_are_not_counted(people, ann):
    assert all(people.log_in("Ann", PASSWORD, HERE) for _ in range(TRIES + 2))


def test_who_is_disabled_is_out(people, ann):
    login = people.log_in("Ann", PASSWORD, HERE)
    people.disable("ann")
    assert people.known(login.cookie) is None
    assert people.log_in("Ann", PASSWORD, HERE) is None
    with pytest.raises(VouchError, match="no such person"):
        people.disable("bob")


def test_a_new_password_ends_older_sessions(people, ann):
    login = people.log_in("Ann", PASSWORD, HERE)
    people.set_password(people.add("Ann", "reviewer"), "another long password")
    assert people.known(login.cookie) is None
    assert people.log_in("Ann", PASSWORD, HERE) is None


def test_the_store_holds_nothing_that_opens(people, ann, tmp_path):
    login, link = people.log_in("Ann", PASSWORD, HERE), people.add("Bob", "admin")
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("vouch.db*"))
    for secret in (PASSWORD, login.cookie, link):
        assert secret.encode() not in stored


def test_the_last_admin_stays_one(people):
    people.add("Ada", "admin")
    people.add("Ann", "reviewer")
    people.disable("Ann")
    for change in (
        lambda: people.disable("Ada"),
        lambda: people.set_role("Ada", "lead"),
        lambda: people.add("Ada", "reviewer"),
    ):
        with pytest.raises(VouchError, match="last admin"):
            change()
    people.add("Bea", "admin")
    people.set_role("ada", "lead")
    assert {person.name: person.role for person in people.all()}["Ada"] == "lead"
    assert people.leads() == {"Ada", "Bea"}


def test_when_somebody_was_last_here_is_kept(people, ann, clock):
    assert people.all()[0].seen_at is None
    people.log_in("Ann", PASSWORD, HERE)
    assert people.all()[0].seen_at == clock.now
