"""Run a flow in this process: ``python -m flows training '{"usecase": "fraud"}'``."""

import os
import sys
from pathlib import Path

from rich.console import Console

from flows.server import serving, wait_until_healthy
from vouch.errors import VouchError, show
from vouch.files import write_json
from vouch.request import Request


def main() -> int:
    """Serve, sweep what a killed run left, run the flow named on the command line."""
    flow, request = sys.argv[1], Request.model_validate_json(sys.argv[2])
    own = "PREFECT_API_URL" not in os.environ
    try:
        with serving(Path(), Console()) as url:
            return _run(flow, request, url, own)
    except VouchError as error:
        return show(error)


def _run(flow: str, request: Request, url: str, own: bool) -> int:
    # imported while the server comes up: its settings are in the environment by now
    from prefect.logging.handlers import APILogHandler

    from flows.sweep import sweep
    from flows.training import training

    flows = {"training": training}
    wait_until_healthy(Path(), url)
    if own:
        sweep(flow)
    try:
        outcomes = flows[flow](request)
    finally:
        APILogHandler().flush()  # before the server that takes the log is stopped
    if answer := os.environ.get("VOUCH_ANSWER"):
        write_json(Path(answer), outcomes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
