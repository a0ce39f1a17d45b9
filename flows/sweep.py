"""Close the runs that a kill left RUNNING for ever."""

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowFilter, FlowRunFilter
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Crashed


def sweep(flow: str) -> int:
    """Mark a flow's unfinished runs as crashed.

    Only called by a run that starts its own server: no other run of this project can be alive on
    it then.

    Args:
        flow: The flow's name.

    Returns:
        How many runs were closed.
    """
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(
            limit=200,
            sort=FlowRunSort.START_TIME_DESC,
            flow_filter=FlowFilter.model_validate({"name": {"any_": [flow]}}),
            flow_run_filter=FlowRunFilter.model_validate(
                {"state": {"type": {"any_": ["RUNNING", "PENDING"]}}}
            ),
        )
        for run in runs:
            client.set_flow_run_state(run.id, Crashed(message="killed"), force=True)
    return len(runs)
