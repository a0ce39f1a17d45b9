import socket
import urllib.request

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouch.core.errors import VouchError
from vouch.operate import loopback

NAMES = st.lists(st.sampled_from(["example.org", "127.0.0.1", ".intern", " localhost "]))


@given(upper=NAMES, lower=NAMES)
def test_this_machine_is_spared_and_what_was_spared_stays(upper, lower):
    environment = {"NO_PROXY": ",".join(upper), "no_proxy": ",".join(lower), "A": "b"}
    made = loopback.direct(environment)
    spared = made["NO_PROXY"].split(",")
    assert made["no_proxy"] == made["NO_PROXY"] and made["A"] == "b"
    assert set(spared) == {n.strip() for n in upper + lower} | set(loopback.HERE)
    assert len(spared) == len(set(spared))
    assert loopback.direct(made) == made


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_no_library_asks_this_machine_through_a_dead_proxy(monkeypatch, name, kind):
    for proxy in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.setenv(proxy, "")
    monkeypatch.setenv(name, f"{kind}://127.0.0.1:9")
    loopback.spare()
    with loopback.listen(0) as listening, httpx.Client() as client:
        listening.close()
        port = listening_port()
        for host in ("127.0.0.1", "localhost"):
            # refused by this machine itself: a proxy would be the one that refuses
            assert urllib.request.proxy_bypass(host)
            with pytest.raises(httpx.ConnectError):
                client.get(f"http://{host}:{port}/")
        assert "refused" in loopback.trouble(f"http://127.0.0.1:{port}/")


def listening_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_proxy_on_the_way_to_another_machine_is_named(monkeypatch):
    port = listening_port()
    monkeypatch.setenv("http_proxy", f"http://me:word@127.0.0.1:{port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    why = loopback.trouble("http://prefect.example/api/health")
    assert "refused" in why and f"through the proxy 127.0.0.1:{port}" in why and "word" not in why


def test_a_port_stays_taken_from_its_choice_on():
    with loopback.listen(0) as listening:
        host, port = listening.getsockname()
        assert host == "127.0.0.1"
        with pytest.raises(VouchError, match=f"--page-port.*{port}") as error:
            loopback.listen_at("--page-port", port)
        assert "--page-port N" in error.value.hint
    loopback.listen_at("--page-port", port).close()
