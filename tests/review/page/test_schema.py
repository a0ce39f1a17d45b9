"""Every route of the API is asked what its description allows, and what it does not."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.review.page.conftest import HOST


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_request_breaks_the_server(app, ann, mode):
    raw = ann.get("/api/openapi.json").json()
    schema = schemathesis.openapi.from_dict(raw)
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) >= 6

    @settings(
        max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
    )
    @given(data=st.data())
    def ask(data):
        operation = data.draw(st.sampled_from(operations))
        case = data.draw(operation.as_strategy(generation_mode=mode))
        words = case.as_transport_kwargs(base_url=f"http://{HOST}")
        words["headers"] = dict(words.get("headers") or {})
        words["headers"] |= {"Origin": f"http://{HOST}", "X-CSRF-Token": ann.csrf}
        sent = {k: v for k, v in words.items() if k in ("method", "url", "headers", "params")}
        body = {k: words[k] for k in ("json", "data", "content") if k in words}
        answer = ann.client.request(**sent, **body)
        assert answer.status_code < 500, (case.as_curl_command(), answer.text)

    ask()
