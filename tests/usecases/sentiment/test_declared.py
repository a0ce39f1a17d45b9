"""Sources of texts whose classes are not the three moods, from a file to decisions and scores."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.browser import check_layout
from tests.project import copy_checkout, dvc, shrink, vouch
from vouch.core.files import read_json

pytestmark = pytest.mark.slow

WORDS = {
    "helpful": "thanks this answers my question clearly works great solved",
    "spam": "buy cheap followers click link winner free prize now",
    "joy": "happy delighted wonderful smiling sunshine laughing",
    "anger": "furious hate shouting unfair outraged idiots",
    "fear": "scared afraid trembling danger panic nightmare",
    "sadness": "crying lonely lost grief tears hopeless",
    "surprise": "wow unexpected suddenly unbelievable shocked whoa",
}
NOISE = [
    *("the", "a", "to", "of", "and", "in", "on", "with"),
    *("today", "people", "we", "they", "it", "some", "day", "home"),
]
FIVE = ["joy", "anger", "fear", "sadness", "surprise"]
SOURCES = {
    "comments": {
        "columns": {
            "nr": {"role": "id"},
            "comment": {"role": "text"},
            "verdict": {
                "role": "label",
                "values": {"useful": "helpful", "5": "helpful", "junk": "spam", "unsure": "drop"},
            },
        }
    },
    "feelings": {
        "columns": {
            "said": {"role": "text"},
            "when": {"role": "time"},
            "who": {"role": "author"},
            "feeling": {"role": "label", "values": FIVE},
        }
    },
}


def texts(labels: np.ndarray, seed: int) -> list[str]:
    """Make texts of words of their class and of any."""
    random = np.random.default_rng(seed)
    made = []
    for label in labels:
        own = random.choice(WORDS[label].split(), 2 if random.random() < 0.8 else 0)
        made.append(" ".join(random.permutation([*own, *random.choice(NOISE, 7)])))
    return made


def comments(rows: int, seed: int = 1) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    labels = random.choice(["helpful", "spam"], rows, p=[0.7, 0.3])
    written = {"helpful": ["useful", "Useful", "5", "5.0"], "spam": ["junk"]}
    verdicts = [random.choice(written[label]) for label in labels]
    frame = pd.DataFrame({"nr": np.arange(rows), "comment": texts(labels, seed)})
    frame["verdict"] = np.where(np.arange(rows) % 10 == 3, "unsure", verdicts)
    return frame


def feelings(rows: int, seed: int = 2) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    labels = random.choice(FIVE, rows)
    frame = pd.DataFrame({"said": texts(labels, seed), "feeling": np.char.upper(labels)})
    frame["when"] = pd.date_range("2024-03-01", periods=rows, freq="20min").astype(str)
    frame["who"] = random.choice([f"u{n}" for n in range(rows // 3)], rows)
    return frame


def run(project: Path, *words: str) -> str:
    done = vouch(project, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def made(project: Path, name: str) -> dict:
    return read_json(project / f"data/{name}")


@pytest.fixture(scope="module", params=["comments", "feelings"])
def project(request, tmp_path_factory):
    """A project of texts of other classes, after one run; read it, never change it."""
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    project = copy_checkout(folder / "project")
    shrink(project, usecases=("sentiment",))
    source = {"name": name, "usecase": "sentiment", "format": "csv", **SOURCES[name]}
    (project / f"data/sources/{name}.yaml").write_text(yaml.safe_dump(source, sort_keys=False))
    (comments if name == "comments" else feelings)(1500).to_csv(folder / "in.csv", index=False)
    words = ("--source", name, "--path", str(folder / "in.csv"), "--no-prefect")
    run(project, "run", "sentiment", *words)
    return project


@pytest.fixture
def classes(project) -> list[str]:
    return made(project, "gold/sentiment/extract.json")["classes"]


def is_of_two(project: Path) -> bool:
    return (project / "data/sources/comments.yaml").exists()


def test_the_classes_are_those_declared(project, classes):
    assert classes == (["helpful", "spam"] if is_of_two(project) else FIVE)
    described = made(project, "tune/sentiment/model/candidate.json")
    assert described["classes"] == classes
    evaluation = made(project, "evaluate/sentiment/evaluation.json")
    counted = evaluation["holdout"]["truth"]["by_class"]
    assert counted.keys() == {*classes}
    measured = evaluation["out_of_fold"]["truth"]
    assert measured["recalls"].keys() == measured["by_class"].keys() == {*classes}
    assert measured["chance"] == 1 / len(classes)
    assert measured["macro_recall"]["interval"][0] > measured["chance"] + 0.1
    assert np.array(measured["confusion"]).shape == (len(classes), len(classes))


def test_rows_of_values_mapped_to_drop_are_left_out_and_counted(project):
    counts = made(project, "bronze/sentiment/ingest.json")
    assert counts["lines"] == counts["rows"] + counts["rejects"] == 1500
    assert counts["dropped"] == counts["rejects"] == (150 if is_of_two(project) else 0)
    assert not [w for w in counts["warnings"] if "rejected" in w]


def test_the_report_names_the_classes_and_fits_its_page(project, classes, tmp_path):
    path = project / "data/report/sentiment/report.html"
    page = path.read_text()
    assert all(f"The surest {name} texts" in page for name in classes)
    assert "neutral" not in page
    check_layout(page, tmp_path)


def test_a_file_is_scored_in_these_classes(project, classes, tmp_path):
    new = (comments if is_of_two(project) else feelings)(200, seed=9)
    new.to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "scores.csv"
    run(project, "score", "sentiment", "--path", str(tmp_path / "new.csv"), "--out", str(out))
    scores = pd.read_csv(out)
    names = [f"score_{name}" for name in classes]
    assert list(scores.columns) == ["id", "prediction", *names, "reason"]
    assert len(scores) == 200
    dropped = scores["reason"].notna()
    assert dropped.sum() == (20 if is_of_two(project) else 0)
    assert all("is left out on purpose" in reason for reason in scores["reason"][dropped])
    kept = scores[~dropped]
    np.testing.assert_allclose(kept[names].sum(axis=1), 1)
    likeliest = [classes[n] for n in kept[names].to_numpy().argmax(axis=1)]
    assert kept["prediction"].tolist() == likeliest


def decide(copy: Path, classes: list[str]) -> None:
    """Let one person decide the cases, in turn for the last class and the one before it."""
    with (copy / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        row |= {"decision": classes[-1 - number % 2], "reviewer": "ann"}
    pd.DataFrame(rows).to_csv(copy / "decided.csv", index=False)
    run(copy, "collect", "sentiment", "decided.csv")


def scored(project: Path, file: Path, out: Path) -> pd.DataFrame:
    run(project, "score", "sentiment", "--path", str(file), "--out", str(out))
    return pd.read_csv(out).set_index("id")


def test_classes_in_another_order_are_the_same_classes(project, classes, tmp_path):
    copy = Path(shutil.copytree(project, tmp_path / "project", symlinks=True))
    run(copy, "enqueue", "sentiment", "-n", "4", "--out", "cases.csv")
    decide(copy, classes)
    new = (comments if is_of_two(project) else feelings)(200, seed=9)
    new.to_csv(tmp_path / "new.csv", index=False)
    before = scored(copy, tmp_path / "new.csv", tmp_path / "before.csv")
    name = "comments" if is_of_two(project) else "feelings"
    place = copy / f"data/sources/{name}.yaml"
    source = yaml.safe_load(place.read_text())
    label = source["columns"]["verdict" if is_of_two(project) else "feeling"]
    turned = list(label["values"])[::-1]
    label["values"] = {v: label["values"][v] for v in turned} if is_of_two(project) else turned
    place.write_text(yaml.safe_dump(source, sort_keys=False))

    after = scored(copy, tmp_path / "new.csv", tmp_path / "after.csv")

    pd.testing.assert_frame_equal(before, after)
    run(copy, "run", "sentiment", "--no-prefect")
    assert made(copy, "gold/sentiment/extract.json")["classes"] == classes[::-1]
    counted = made(copy, "labels/sentiment/issued/label.json")["by_source"]["reviewer"]["by_class"]
    assert counted == dict.fromkeys(classes, 0) | {classes[-1]: 2, classes[-2]: 2}
    champion = made(copy, "evaluate/sentiment/evaluation.json")["champion"]
    assert champion["version"] == 1
    assert abs(champion["comparison"]["difference"]["value"]) < 0.2
    name = f"sentiment-{name}"
    words = (f"{name}:1", f"{name}:2", "--of", "labels", "--json", "d.json")
    run(copy, "data", "diff", *words)
    flips = read_json(copy / "d.json")["labels"]["flips"]
    assert {flip["source"] for flip in flips} <= {"reviewer"}
    assert "cases: " in run(copy, "compare", f"{name}:1", f"{name}:2")


def test_a_model_of_other_classes_scores_nothing(project, classes, tmp_path):
    copy = Path(shutil.copytree(project, tmp_path / "project", symlinks=True))
    name = "comments" if is_of_two(project) else "feelings"
    place = copy / f"data/sources/{name}.yaml"
    place.write_text(place.read_text().replace(classes[0], "other"))
    (comments if is_of_two(project) else feelings)(20).to_csv(tmp_path / "new.csv", index=False)
    words = ("--path", str(tmp_path / "new.csv"), "--out", str(tmp_path / "out.csv"))
    done = vouch(copy, "score", "sentiment", *words)
    assert done.returncode != 0
    assert f"was trained for {', '.join(classes)}, not " in " ".join(
        (done.stdout + done.stderr).split()
    )


def test_people_decide_in_these_classes(project, classes, tmp_path):
    copy = Path(shutil.copytree(project, tmp_path / "project", symlinks=True))
    run(copy, "enqueue", "sentiment", "-n", "6", "--out", "tasks.json")
    interface = (copy / "tasks.xml").read_text()
    assert all(f'<Choice value="{name}" />' in interface for name in classes)
    tasks = json.loads((copy / "tasks.json").read_text())
    assert {t["predictions"][0]["result"][0]["value"]["choices"][0] for t in tasks} <= {*classes}
    run(copy, "enqueue", "sentiment", "--again", "--out", "cases.csv")
    decide(copy, classes)
    run(copy, "run", "sentiment", "--no-prefect")
    counted = made(copy, "labels/sentiment/issued/label.json")["by_source"]["reviewer"]["by_class"]
    assert counted == dict.fromkeys(classes, 0) | {classes[-1]: 3, classes[-2]: 3}
    assert "up to date" in dvc(copy, "status").stdout
