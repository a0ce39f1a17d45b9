"""The folder of a project's state; quick to import, as every command imports it."""

from pathlib import Path

STATE = Path(".vouch")
"""The folder of ledger, keys and MLflow's runs, below the project's."""
KEPT = STATE / "cache"
"""The folder of the stages' partial results: to delete it costs only time."""
