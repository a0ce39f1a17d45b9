"""Close the runs that a kill left RUNNING for ever."""

from collections.abc import Iterable
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Crashed

OPEN = ("RUNNING", "PENDING", "PAUSED", "CANCELLING")
PAGE = 200


def sweep() -> int:
    """Mark every unfinished run as crashed; that also gives back its deployment's place.

    Only called by who has just started the project's server: no run can be alive on it then.

    Returns:
        How many runs were closed.
    """
    closed = 0
    unfinished = FlowRunFilter.model_validate({"state": {"type": {"any_": OPEN}}})
    oldest = FlowRunSort.START_TIME_ASC
    with get_client(sync_client=True) as client:
        while runs := client.read_flow_runs(limit=PAGE, sort=oldest, flow_run_filter=unfinished):
            close(str(run.id) for run in runs)
            closed += len(runs)
    return closed


def close(runs: Iterable[str]) -> None:
    """Mark runs as crashed, whatever their state.

    Args:
        runs: Their ids.
    """
    with get_client(sync_client=True) as client:
        for run in runs:
            client.set_flow_run_state(UUID(run), Crashed(message="killed"), force=True)
