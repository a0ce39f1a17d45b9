"""Where a project keeps what outlives a run; quick to import, for every command does."""

from pathlib import Path

STATE = Path(".vouch")
"""The folder of ledger, keys and MLflow's runs, below the project's."""
