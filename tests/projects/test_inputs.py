import json
import stat
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from vouch.core.errors import VouchError
from vouch.core.files import read_json, sha256
from vouch.holdout.ledger import HoldoutKey, Ledger
from vouch.project.inputs import choose, load_inputs, save_choice
from vouch.sources.declaration import load_declaration
from vouch.sources.manifest import keep, load_manifest

HEADER = (
    "step,type,amount,nameOrig,oldbalanceOrg,newbalanceOrig,nameDest,oldbalanceDest,newbalanceDest"
)
ROW = ",PAYMENT,1,C1,1,0,M1,0,0"
DECLARED = Path(__file__).parents[2] / "data/sources"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "data/sources").mkdir(parents=True)
    for name in ("paysim", "cards", "simulated"):
        text = (DECLARED / f"{name}.yaml").read_text()
        (tmp_path / f"data/sources/{name}.yaml").write_text(text)
    return tmp_path


@pytest.fixture
def file(tmp_path):
    def write(content="step\n1\n", name="a.csv"):
        path = tmp_path / name
        path.write_text(
            content.replace("step", HEADER).replace("\n", ROW + "\n").replace(ROW, "", 1)
        )
        return path

    return write


def test_a_file_is_copied_under_its_content(root, file):
    path = file()
    choice = choose(root, "fraud", "paysim", path=path)
    key = sha256(path)[:12]
    assert choice.files == (key,)
    assert choice.set == key
    assert choice.raw == "data/raw/paysim"
    kept = root / f"data/raw/paysim/{key}-a.csv"
    assert kept.read_text() == path.read_text()
    assert not kept.stat().st_mode & stat.S_IWUSR
    assert load_inputs(root / "data/inputs.yaml").choice("fraud") == choice


def test_a_backslash_in_a_files_name_leads_nowhere(root, file):
    odd = root / "a\\b.csv"
    odd.write_text("a\n1\n")
    key = keep(root / "data/raw/odd", odd)
    assert load_manifest(root / "data/raw/odd")[key].name == f"{key}-a_b.csv"


def test_a_file_given_twice_changes_nothing(root, file):
    choose(root, "fraud", "paysim", path=file())
    before = {p: p.read_bytes() for p in root.rglob("*") if p.is_file()}
    told = []
    choose(root, "fraud", "paysim", add=file(name="b.csv"), say=told.append)
    choose(root, "fraud", path=file(), say=told.append)
    assert all("nothing changes" in each for each in told)
    assert len(told) == 2
    assert {p: p.read_bytes() for p in before} == before
    assert len(load_manifest(root / "data/raw/paysim")) == 1


def test_add_extends_the_set_and_path_replaces_it(root, file):
    first = choose(root, "fraud", "paysim", path=file())
    both = choose(root, "fraud", add=file("step\n2\n", "b.csv"))
    assert both.set == first.set
    assert len(both.files) == 2
    one = choose(root, "fraud", path=file("step\n3\n", "c.csv"))
    assert len(one.files) == 1
    assert one.set != first.set
    assert len(load_manifest(root / "data/raw/paysim")) == 3


def test_a_new_set_starts_with_its_first_holdout(root, file):
    choose(root, "fraud", "paysim", path=file())
    path = root / "data/inputs.yaml"
    path.write_text(path.read_text().replace("generation: 1", "generation: 4"))
    assert choose(root, "fraud", add=file("step\n2\n", "b.csv")).generation == 4
    assert choose(root, "fraud", path=file("step\n3\n", "c.csv")).generation == 1


def test_another_source_and_back_remembers_its_files(root, file):
    first = choose(root, "fraud", "paysim", path=file())
    simulated = choose(root, "fraud", "simulated")
    assert (simulated.files, simulated.source) == ((), "simulated")
    assert choose(root, "fraud", "paysim") == first


def test_a_simulator_stays_one_set_whatever_its_seed(root):
    first = choose(root, "fraud", "simulated")
    path = root / "data/sources/simulated.yaml"
    path.write_text(path.read_text().replace("seed: 1", "seed: 2"))
    assert choose(root, "fraud") == first


def test_a_damaged_copy_is_mended(root, file):
    path = file()
    choice = choose(root, "fraud", "paysim", path=path)
    kept = root / f"data/raw/paysim/{choice.set}-a.csv"
    kept.chmod(0o644)
    kept.write_text("dam")
    choose(root, "fraud", path=path)
    assert kept.read_text() == path.read_text()


def test_as_of_is_remembered(root, file):
    choose(root, "fraud", "paysim", path=file())
    choice = choose(root, "fraud", as_of="2024-01-20")
    assert choice.as_of == "2024-01-20"
    assert choose(root, "fraud").as_of == "2024-01-20"


def test_a_suite_is_derived_once(root):
    choose(root, "fraud", "simulated")
    path = root / "expectations/simulated.json"
    assert read_json(path)["name"] == "simulated"
    path.write_text("{}")
    choose(root, "fraud", "simulated")
    assert path.read_text() == "{}"


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ({"source": "paysin"}, "no source 'paysin'", "'paysim'"),
        ({"source": None}, "no use case 'fraud' yet", "--source"),
        ({"source": "paysim"}, "has no file yet", "--path"),
        ({"source": "paysim", "path": "nope.csv"}, "no such file", "Known: "),
        ({"source": "paysim", "path": "data"}, "is a folder", "--add"),
        ({"source": "paysim", "path": "empty.csv"}, "is empty", "rows"),
        ({"source": "simulated", "path": "full.csv"}, "takes no file", "cards, paysim"),
        ({"source": "simulated", "as_of": "soon"}, "as_of: .*'soon'", "latest"),
    ],
)
def test_mistakes_are_told(root, arguments, message, hint):
    (root / "empty.csv").touch()
    (root / "full.csv").write_text("step\n1\n")
    if "path" in arguments:
        arguments = {**arguments, "path": root / arguments["path"]}
    with pytest.raises(VouchError, match=message) as caught:
        choose(root, "fraud", **arguments)
    assert hint in caught.value.hint
    assert not (root / "data/inputs.yaml").exists()


def test_a_wrong_use_case(root):
    choose(root, "fraud", "simulated")
    with pytest.raises(VouchError, match="no use case 'fruad'") as caught:
        load_inputs(root / "data/inputs.yaml").choice("fruad")
    assert "'fraud'" in caught.value.hint
    with pytest.raises(VouchError, match="is declared for 'fraud'"):
        choose(root, "sentiment", "paysim")


def test_a_wrong_choice_file_names_the_field(root):
    choose(root, "fraud", "simulated")
    path = root / "data/inputs.yaml"
    content = yaml.safe_load(path.read_text())
    content["usecases"]["fraud"]["generation"] = 0
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(VouchError, match=r"usecases\.fraud\.generation"):
        choose(root, "fraud")


def test_a_holdout_is_remembered_until_another_comes_or_a_new_set(root, file):
    choose(root, "fraud", "paysim", path=file())
    held = file("step\n2\n", "h.csv")
    choice = choose(root, "fraud", holdout=held)
    key = sha256(held)[:12]
    assert (choice.held_out, choice.generation) == ((key,), 2)
    assert key not in choice.files
    assert load_manifest(root / choice.raw)[key].name == f"{key}-h.csv"
    added = choose(root, "fraud", add=file("step\n3\n", "b.csv"))
    assert added.held_out == (key,)
    choose(root, "fraud", "simulated")
    assert choose(root, "fraud", "paysim").held_out == (key,)
    assert choose(root, "fraud", holdout=held).generation == 2  # the same one again
    other = file("step\n4\n", "i.csv")
    choice = choose(root, "fraud", holdout=other)
    assert (choice.held_out, choice.generation) == ((sha256(other)[:12],), 3)
    assert choose(root, "fraud", path=file("step\n5\n", "c.csv")).held_out == ()


def test_a_generation_that_a_failed_trial_cut_is_not_opened_for_another_file(root, file):
    before = choose(root, "fraud", "paysim", path=file())
    tried = choose(root, "fraud", holdout=file("step\n2\n", "h.csv"))
    key = HoldoutKey("fraud", "paysim", tried.set, tried.generation)
    Ledger(root / ".vouch").cut(key, lambda: (datetime(2024, 1, 1), datetime(2024, 1, 2)))
    save_choice(root, "fraud", before)  # as it is put back
    assert choose(root, "fraud", holdout=file("step\n3\n", "i.csv")).generation == 3


@pytest.mark.parametrize("option", ["path", "add"])
def test_the_holdouts_file_is_never_learned_from(root, file, option):
    held = file("step\n2\n", "h.csv")
    first = choose(root, "fraud", "paysim", path=file(), holdout=held)
    with pytest.raises(VouchError, match="no model may learn from it"):
        choose(root, "fraud", **{option: held})
    with pytest.raises(VouchError, match="in force as a file to learn from") as caught:
        choose(root, "fraud", holdout=file())
    assert "another file than --path" in caught.value.hint
    assert load_inputs(root / "data/inputs.yaml").choice("fraud") == first


def test_one_file_cannot_be_both_from_the_start(root, file):
    with pytest.raises(VouchError, match="in force as a file to learn from"):
        choose(root, "fraud", "paysim", path=file(), holdout=file())
    assert not (root / "data/inputs.yaml").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "no such file"), ("", "is empty"), ("a,b\n1,2\n", "nameOrig|column")],
)
def test_a_holdout_that_is_no_such_file_is_told_before_it_is_kept(root, file, content, message):
    choose(root, "fraud", "paysim", path=file())
    place = root / "h.csv"
    if content is not None:
        place.write_text(content)
    with pytest.raises(VouchError, match=message):
        choose(root, "fraud", holdout=place)
    assert load_inputs(root / "data/inputs.yaml").choice("fraud").held_out == ()
    assert len(load_manifest(root / "data/raw/paysim")) == 1


def test_a_simulator_takes_no_holdout(root, file):
    with pytest.raises(VouchError, match="takes no file"):
        choose(root, "fraud", "simulated", holdout=file())


@pytest.mark.parametrize("name", ["../x", "a/b", "..", "/etc/x", "a\\b", "x\n", "X"])
def test_a_source_is_called_by_a_name_not_by_a_path(root, name):
    (root / "data/x.yaml").write_text((root / "data/sources/paysim.yaml").read_text())
    with pytest.raises(VouchError, match="a name, not a path"):
        choose(root, "fraud", name)


@pytest.mark.parametrize(
    ("field", "value"),
    [("source", "../x"), ("source", "Pay; rm"), ("raw", "../../etc"), ("raw", "data/raw/../x")],
)
def test_the_choice_of_input_leads_nowhere_else(root, file, field, value):
    choose(root, "fraud", "paysim", path=file())
    path = root / "data/inputs.yaml"
    content = yaml.safe_load(path.read_text())
    content["usecases"]["fraud"][field] = value
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(VouchError, match=rf"inputs.yaml: usecases.fraud.{field}"):
        load_inputs(path)


@pytest.mark.parametrize("name", ["../x.csv", "/etc/passwd", "..", "a/b.csv"])
def test_a_manifest_names_files_of_its_folder_alone(root, file, name):
    choose(root, "fraud", "paysim", path=file())
    path = root / "data/raw/paysim/manifest.json"
    content = read_json(path)
    for entry in content.values():
        entry["name"] = name
    path.write_text(json.dumps(content))
    with pytest.raises(VouchError, match="is damaged"):
        load_manifest(path.parent)


def test_a_use_case_is_called_by_a_name_not_by_a_command(root, file):
    choose(root, "fraud", "paysim", path=file())
    path = root / "data/inputs.yaml"
    content = yaml.safe_load(path.read_text())
    content["usecases"]["x; touch y"] = content["usecases"]["fraud"]
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(VouchError, match=r"inputs.yaml: usecases\.x; touch y"):
        load_inputs(path)


def test_a_deleted_suite_is_derived_anew_by_the_next_run(root):
    from vouch.usecases.suite import derive_suite

    choose(root, "fraud", "simulated")
    path = root / "expectations/simulated.json"
    path.unlink()
    choose(root, "fraud")
    source = load_declaration(root / "data/sources/simulated.yaml")
    assert read_json(path) == derive_suite(source)
