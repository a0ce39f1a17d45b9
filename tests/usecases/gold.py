"""The files of one tuning."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Gold:
    """Files of one tuning: inputs that are there, outputs to be written."""

    folder: Path
    state: Path

    def files(self):
        names = {
            "declaration": "tiny.yaml",
            "train": "train.parquet",
            "extracted": "extract.json",
            "leaderboard": "leaderboard.json",
            "predictions": "predictions.parquet",
            "model": "model",
            "tree": "tree",
        }
        files = {name: self.folder / place for name, place in names.items()}
        return {**files, "state": self.state}

    def train(self):
        return pd.read_parquet(self.folder / "train.parquet")

    def leaderboard(self):
        return json.loads((self.folder / "leaderboard.json").read_text())
