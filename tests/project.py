"""A real project to run things in: this checkout's files, fewer rows, a smaller search."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from vouch.engine import encoders

ROOT = Path(__file__).parents[1]
PARTS = (
    "src",
    "flows",
    "tasks",
    "data",
    "expectations",
    ".dvc",
    "dvc.yaml",
    "params.yaml",
    "prefect.yaml",
)
BIN = Path(sys.executable).parent
INSTALLED = encoders.folder()
# encoders that happen to be in the environment would change what every test of texts sees
os.environ[encoders.FOLDER] = str(Path(__file__).parent / "no encoders")
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "MLFLOW_"))}


def copy_checkout(to: Path) -> Path:
    """Copy what git tracks of the parts a project is made of, and make it a git repository."""
    listed = subprocess.run(
        [
            "git",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            *PARTS,
            ".dvcignore",
            ".gitignore",
            ":(exclude)data/holdouts.json",  # of runs in the checkout, whose ledger stays there
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    for name in listed:
        place = to / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, place)
    subprocess.run(["git", "init", "-q"], cwd=to, check=True)
    return to


def shrink(
    project: Path, rows: int = 20_000, trials: int = 2, usecases: tuple[str, ...] = ("fraud",)
) -> None:
    """Fewer rows, trials and use cases: the same pipeline in seconds.

    Of half as many payments too few frauds were known in time to surely beat the rule.
    """
    for name, given, wanted in (
        ("simulated", 100_000, rows),
        ("tweets", 20_000, max(rows // 8, 1000)),
    ):
        source = project / f"data/sources/{name}.yaml"
        source.write_text(source.read_text().replace(f"rows: {given}", f"rows: {wanted}"))
    params = yaml.safe_load((project / "params.yaml").read_text())
    for usecase in usecases:
        params["tune"][usecase]["budget"] = {"trials": trials}
        params["explain"][usecase] |= {"cases": 2, "samples": 500}
        params["evaluate"][usecase]["difference"] = 0.3  # of so few rows no less can be told
    params["tune"]["sentiment"]["algorithms"] = ["naive_bayes", "logistic_regression"]
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    inputs = yaml.safe_load((project / "data/inputs.yaml").read_text())
    for part in inputs.values():
        for name in part.keys() - set(usecases):
            del part[name]
    (project / "data/inputs.yaml").write_text(yaml.safe_dump(inputs))


def vouch(project: Path, *words: str, timeout: float = 300) -> "subprocess.CompletedProcess[str]":
    """Run the command line in a project, as a user would."""
    return subprocess.run(
        [str(BIN / "vouch"), *words],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        env=ENVIRONMENT,
    )


def dvc(project: Path, *words: str, timeout: float = 300) -> "subprocess.CompletedProcess[str]":
    """Run DVC in a project, vouch's own commands on its path."""
    return subprocess.run(
        [str(BIN / "dvc"), *words],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        env=ENVIRONMENT | {"PATH": f"{BIN}:{os.environ['PATH']}"},
    )
