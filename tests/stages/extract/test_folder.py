"""A project whose folder's name looks like a value of a column."""

import pandas as pd
import pytest

from tests.project import copy_checkout, dvc, shrink


@pytest.mark.slow
@pytest.mark.parametrize("name", ["label=1", "source=other"])
def test_no_stage_up_to_extract_takes_the_projects_folder_for_a_column(tmp_path, name):
    project = copy_checkout(tmp_path / name)
    shrink(project)
    done = dvc(project, "repro", "extract@fraud")
    assert done.returncode == 0, done.stdout + done.stderr
    bronze = pd.read_parquet(project / "data/bronze/fraud/rows.parquet")
    train = pd.read_parquet(project / "data/gold/fraud/train.parquet")
    assert set(bronze["label"]) == set(train["label"]) == {0, 1}
    assert "other" not in set(bronze["source"])
