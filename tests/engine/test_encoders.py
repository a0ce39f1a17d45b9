import hashlib
import re
import zipfile

import pytest

from vouch.core.errors import VouchError
from vouch.core.files import read_json, sha256, write_json
from vouch.engine import encoders
from vouch.engine.encoders import Artifact, Reading

FAILS = """#!/bin/sh
echo '		Server access error at url (java.net.UnknownHostException)'
exit 1
"""
COPIES = """#!/bin/sh
for last; do :; done
mkdir -p "$(dirname "$last")" && cp {jars}/* "$(dirname "$last")"
"""
ARTIFACTS = {"one": Reading(prefix="query: "), "two": Reading(pooling="first")}


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine whose Java runs a script, and jars that Ivy could bring."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
    monkeypatch.setenv("VOUCH_ENCODERS", str(tmp_path / "encoders"))
    jars = tmp_path / "repository"
    jars.mkdir()
    artifacts = []
    for name, reading in ARTIFACTS.items():
        with zipfile.ZipFile(jars / f"{name}.jar", "w") as packed:
            packed.writestr(f"{name}-q.onnx", f"model {name}")
            packed.writestr(f"{name}-q-tokenizer.json", "{}")
        digests = [sha256(jars / f"{name}.jar"), digest(f"model {name}"), digest("{}")]
        artifacts.append(Artifact(name, f"{name}-q", f"{name}.jar", *digests, reading))
    monkeypatch.setattr(encoders, "ARTIFACTS", tuple(artifacts))

    def java(script):
        command = tmp_path / "java/bin/java"
        command.parent.mkdir(parents=True, exist_ok=True)
        command.write_text(script.format(jars=jars))
        command.chmod(0o755)

    return java


def test_encoders_are_fetched_once_and_known_by_digest(machine, tmp_path):
    machine(COPIES)
    assert encoders.installed() == []
    place = encoders.fetch(lambda line: None)
    assert (place / "one/model.onnx").read_text() == "model one"
    assert encoders.reading(place / "two").pooling == "first"
    names = encoders.installed()
    assert [name.partition("@")[0] for name in names] == ["one", "two"]
    assert all(len(name.partition("@")[2]) == 64 for name in names)
    assert encoders.find(names[0]) == place / "one"
    assert {path.name for path in tmp_path.iterdir()} == {"java", "repository", "encoders"}
    machine(FAILS)  # would be noticed
    lines = []
    encoders.fetch(lines.append)
    assert lines == [f"{place}: all encoders are there"]


def test_what_lies_beside_the_folder_is_left_alone(machine, tmp_path):
    machine(COPIES)
    other = tmp_path / "encoders.part/notes.txt"
    other.parent.mkdir()
    other.write_text("somebody's")
    encoders.fetch(lambda line: None)
    assert other.read_text() == "somebody's"
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"java", "repository", "encoders", "encoders.part"}


def test_without_network_it_says_so_and_leaves_nothing(machine, tmp_path):
    machine(FAILS)
    with pytest.raises(VouchError, match="UnknownHostException") as error:
        encoders.fetch(lambda line: None)
    assert "make encoders" in error.value.hint
    assert {path.name for path in tmp_path.iterdir()} == {"java", "repository"}


def test_without_java_it_says_what_to_install(machine):
    with pytest.raises(VouchError, match="fetched by Java") as error:
        encoders.fetch(lambda line: None)
    assert "apt-get install" in error.value.hint


def test_another_jar_is_refused(machine, tmp_path):
    machine(COPIES)
    with zipfile.ZipFile(tmp_path / "repository/two.jar", "a") as packed:
        packed.writestr("more", "bytes")
    with pytest.raises(VouchError, match=r"two\.jar: is not the file that was expected"):
        encoders.fetch(lambda line: None)
    assert [name.partition("@")[0] for name in encoders.installed()] == ["one"]


@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json", "encoder.json"])
@pytest.mark.parametrize("content", [None, "", "model on"])
def test_a_missing_or_damaged_file_is_named_and_fetched_again(machine, file, content):
    machine(COPIES)
    place = encoders.fetch(lambda line: None)
    before, path = encoders.installed(), place / "one" / file
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(VouchError, match=r"one.*" + re.escape(file)) as error:
        encoders.installed()
    assert "make encoders" in error.value.hint
    encoders.fetch(lambda line: None)
    assert encoders.installed() == before


def test_an_empty_folder_is_a_damaged_encoder(machine):
    machine(COPIES)
    (encoders.folder() / "two").mkdir(parents=True)
    with pytest.raises(VouchError, match="two: no file"):
        encoders.installed()
    encoders.fetch(lambda line: None)
    assert len(encoders.installed()) == 2


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.onnx", "other"),
        ("tokenizer.json", "[]"),
        ("encoder.json", '{"prefix": "passage: "}'),
    ],
)
def test_any_change_makes_another_encoder(machine, file, content):
    machine(COPIES)
    place = encoders.fetch(lambda line: None)
    before = encoders.installed()[0]
    (place / "one" / file).write_text(content)
    assert encoders.identity(place / "one") != before
    with pytest.raises(VouchError, match="another encoder than one@"):
        encoders.find(before)


def test_a_missing_encoder_names_the_command(machine):
    with pytest.raises(VouchError, match="no encoder 'one'") as error:
        encoders.find("one@0")
    assert "make encoders" in error.value.hint


def test_a_wrong_description_is_an_error_with_its_field(machine):
    machine(COPIES)
    place = encoders.fetch(lambda line: None) / "one"
    write_json(place / "encoder.json", {**read_json(place / "encoder.json"), "pooling": "max"})
    with pytest.raises(VouchError, match=r"encoder\.json: pooling"):
        encoders.identity(place)


def test_the_real_encoders_are_those_expected(installed_encoders, monkeypatch):
    monkeypatch.setenv("VOUCH_ENCODERS", str(installed_encoders))
    names = [name.partition("@")[0] for name in encoders.installed()]
    assert names == [artifact.name for artifact in encoders.ARTIFACTS]


def test_the_description_lists_what_is_expected():
    text = encoders.DESCRIPTION.read_text()
    for artifact in encoders.ARTIFACTS:
        module = artifact.jar.removesuffix("-0.36.2.jar")
        assert f'name="{module}" rev="0.36.2"' in text
    assert "http" not in text
