"""Where the review page may listen, and by what names it may be called."""

import socket

import pytest

from vouch.core.errors import VouchError
from vouch.review.page.reach import Reach, listen


@pytest.fixture
def files(tmp_path):
    for name in ("review.pem", "review.key"):
        (tmp_path / name).write_text("-----BEGIN-----")
    return {"certificate": tmp_path / "review.pem", "key": tmp_path / "review.key"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"host": "0.0.0.0"}, "passwords would cross the network in plain"),
        ({"host": "192.0.2.7"}, "passwords would cross the network in plain"),
        ({"host": "::"}, "passwords would cross the network in plain"),
        ({"public": "http://review.example.org"}, "--review-public: got"),
        ({"public": "https://"}, "--review-public: got"),
        ({"public": "review.example.org"}, "--review-public: got"),
    ],
)
def test_nobody_between_may_read_passwords(changes, message):
    with pytest.raises(VouchError, match=message):
        Reach(**changes).check()


def test_a_certificate_has_its_key_and_both_are_there(files, tmp_path):
    Reach(host="0.0.0.0", **files).check()
    for name in files:
        with pytest.raises(VouchError, match="one without the other"):
            Reach(**{name: files[name]}).check()
    with pytest.raises(VouchError, match=r"--review-key: .*gone\.key: no such file"):
        Reach(certificate=files["certificate"], key=tmp_path / "gone.key").check()


def test_on_this_machine_alone_nothing_is_needed():
    reach = Reach()
    reach.check()
    assert (reach.secure, reach.url) == (False, "http://127.0.0.1:8766")
    assert {"127.0.0.1:8766", "localhost:8766"} <= set(reach.hosts)
    assert "localhost" not in reach.hosts


def test_with_a_certificate_it_is_called_by_https_names(files):
    reach = Reach(host="0.0.0.0", port=443, **files)
    assert (reach.secure, reach.url) == (True, "https://127.0.0.1:443")
    assert {"localhost", "localhost:443", socket.gethostname().lower()} <= set(reach.hosts)
    assert "[::1]:8766" in Reach(host="::1", **files).hosts


def test_behind_a_proxy_only_its_name_counts():
    reach = Reach(host="0.0.0.0", public="https://Review.example.org:443/")
    reach.check()
    assert reach.secure and reach.hosts == ["review.example.org"]
    assert reach.url == "https://Review.example.org:443"


def test_a_taken_port_is_named():
    with listen(Reach(port=0)) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(VouchError, match=rf"--review-port: 127\.0\.0\.1:{port}: "):
            listen(Reach(port=port))
