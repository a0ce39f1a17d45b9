"""Prefect's own server of a run: fenced, and reached whatever proxy the environment names."""

import json
import subprocess
import time
import urllib.error
import urllib.request

import pytest

from flows.pool import TEMPLATE
from flows.server import wait_until_healthy
from tests.project import BIN, ENVIRONMENT
from vouch.core.errors import VouchError
from vouch.operate import loopback, processes

DEAD = {
    name: f"{kind}://127.0.0.1:9"
    for name, kind in (
        ("HTTP_PROXY", "http"),
        ("http_proxy", "http"),
        ("HTTPS_PROXY", "http"),
        ("ALL_PROXY", "socks5"),
    )
}
SCRIPT = """
import json, sys
from pathlib import Path
from rich.console import Console
from vouch.operate import loopback
loopback.spare()
from flows.server import serving, wait_until_healthy
with serving(Path(), Console()) as url:
    wait_until_healthy(Path(), url)
    from flows.pool import make_pool
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.workers.process import ProcessWorker
    with get_client(sync_client=True) as client:
        old = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name="p", type="process", base_job_template=old))
        make_pool("p")
        pool = client.read_work_pool("p")
    print(json.dumps({"url": url, "template": pool.base_job_template}), flush=True)
    sys.stdin.readline()
"""


@pytest.mark.slow
def test_a_dead_proxy_is_not_asked_and_the_server_answers_only_its_run(fresh_project):
    began = time.monotonic()
    running = subprocess.Popen(
        [str(BIN / "python"), "-c", SCRIPT],
        cwd=fresh_project,
        env={k: v for k, v in ENVIRONMENT.items() if k.lower() != "no_proxy"} | DEAD,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    told = json.loads(running.stdout.readline())
    assert time.monotonic() - began < 100
    # a pool that an earlier version made is brought to the same template
    assert told["template"] == TEMPLATE
    assert loopback.trouble(f"{told['url']}/health") == ""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for headers in ({}, {"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        with pytest.raises(urllib.error.HTTPError) as error:
            opener.open(urllib.request.Request(f"{told['url']}/admin/version", headers=headers))
        assert error.value.code in (401, 403, 421)
    running.communicate("\n", timeout=60)
    assert running.returncode == 0 and processes.marked(fresh_project) == []


def test_where_nobody_listens_the_cause_is_named_soon(tmp_path, monkeypatch):
    monkeypatch.setattr("flows.server.REFUSED", 0.5)
    with loopback.listen(0) as listening:
        port = listening.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(VouchError, match=r"refused") as error:
        wait_until_healthy(tmp_path, f"http://127.0.0.1:{port}/api")
    assert time.monotonic() - began < 10 and "server.log" in error.value.hint


def test_a_shared_server_behind_a_dead_proxy_names_the_proxy(tmp_path, monkeypatch):
    monkeypatch.setattr("flows.server.REFUSED", 0.5)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(VouchError, match=r"through the proxy 127\.0\.0\.1:9") as error:
        wait_until_healthy(tmp_path, "http://prefect.example/api")
    assert "PREFECT_API_URL" in error.value.hint
