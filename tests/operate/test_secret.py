import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from vouch.core.errors import VouchError
from vouch.operate import secret


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_reads_it_and_each_start_has_another(tmp_path):
    (tmp_path / ".vouch").mkdir(mode=0o755)
    first = secret.renew(tmp_path)
    name = secret.host(tmp_path)
    assert secret.current(tmp_path) == first and len(first) > 40
    assert mode(tmp_path / ".vouch") == 0o700
    assert mode(tmp_path / ".vouch/servers.secret") == 0o600
    assert secret.renew(tmp_path) != first and secret.host(tmp_path) != name
    assert first.removeprefix("vouch:") not in name


def test_without_one_it_is_said_what_to_do(tmp_path):
    with pytest.raises(VouchError, match=r"servers\.secret") as error:
        secret.current(tmp_path)
    assert "vouch up" in error.value.hint


def test_a_link_opens_once_though_many_come_at_once(tmp_path):
    token = secret.new_link(tmp_path)
    (kept,) = (tmp_path / ".vouch/links").iterdir()
    assert token not in kept.name and mode(kept) == 0o600 and mode(kept.parent) == 0o700
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: secret.take_link(tmp_path, token), range(32)))
    assert sum(taken) == 1


def test_an_old_link_and_a_forgotten_one_open_nothing(tmp_path):
    old, forgotten = secret.new_link(tmp_path), secret.new_link(tmp_path)
    before = time.time() - secret.LIFETIME
    for kept in (tmp_path / ".vouch/links").iterdir():
        os.utime(kept, (before, before))
    assert not secret.take_link(tmp_path, old)
    secret.forget_links(tmp_path)
    assert not secret.take_link(tmp_path, forgotten)


@pytest.mark.parametrize("token", ["", "x" * 43, "../servers.secret", "\ud800" * 43, "\0" * 43])
def test_what_is_no_token_opens_nothing(tmp_path, token):
    secret.renew(tmp_path)
    secret.new_link(tmp_path)
    assert not secret.take_link(tmp_path, token)
    assert secret.current(tmp_path)
