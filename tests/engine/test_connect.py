import pytest

from vouch.core.errors import VouchError
from vouch.engine import connect, java, spark


def fake_java(folder, told):
    command = folder / "bin" / "java"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f"#!/bin/sh\necho '{told}' >&2\n")
    command.chmod(0o755)


def refused(match):
    return pytest.raises(VouchError, match=match)


def test_an_unknown_engine_suggests_the_near_one():
    with refused("no engine 'sparc'") as error, connect("sparc"):
        pass
    assert "did you mean 'spark'" in error.value.hint


def test_without_java_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with refused("needs Java, and there is none on this machine") as error, connect("spark"):
        pass
    assert "openjdk-17" in error.value.hint


def test_a_wrong_java_home_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with refused("none in JAVA_HOME"), connect("spark"):
        pass


@pytest.mark.parametrize(
    ("told", "got"), [('openjdk version "21.0.2"', "21"), ("cannot start", "cannot start")]
)
def test_another_java_is_refused(monkeypatch, tmp_path, told, got):
    fake_java(tmp_path, told)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with refused(f"needs Java 17, and this is {got}"), connect("spark"):
        pass


@pytest.mark.parametrize("told", ['openjdk version "17.0.15" 2025-04-15', 'java version "1.8.0"'])
def test_a_fit_java_passes(monkeypatch, tmp_path, told):
    fake_java(tmp_path, told)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    java.check()


def test_the_master_comes_from_the_environment(monkeypatch):
    monkeypatch.delenv("VOUCH_SPARK_MASTER", raising=False)
    assert spark.master() == "local[2]"
    assert spark.master(threads=1) == "local[1]"
    monkeypatch.setenv("VOUCH_SPARK_MASTER", "spark://host:7077")
    assert spark.master() == "spark://host:7077"


@pytest.mark.parametrize(("memory", "written"), [("4GB", "4g"), ("512 MiB", "512m"), ("1g", "1g")])
def test_memory_is_written_as_java_does(memory, written):
    assert spark.in_java(memory) == written


def test_memory_that_is_no_size_is_told():
    with refused("'much' is no size"):
        spark.in_java("much")
