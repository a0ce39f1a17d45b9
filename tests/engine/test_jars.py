import pytest

from vouch.core.errors import VouchError
from vouch.engine import jars

FETCHES = """#!/bin/sh
if [ "$1" = -version ]; then echo 'openjdk version "17.0.1"' >&2; exit; fi
for last; do :; done
mkdir -p "$(dirname "$last")" && touch "$(dirname "$last")/spark-nlp_2.12-5.5.3.jar"
echo '	[SUCCESSFUL ] com.johnsnowlabs.nlp#spark-nlp_2.12;5.5.3!spark-nlp_2.12.jar (9ms)'
"""
FAILS = """#!/bin/sh
if [ "$1" = -version ]; then echo 'openjdk version "17.0.1"' >&2; exit; fi
echo '		Server access error at url (java.net.UnknownHostException)'
exit 1
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    def pretend(script):
        command = tmp_path / "java" / "bin" / "java"
        command.parent.mkdir(parents=True, exist_ok=True)
        command.write_text(script)
        command.chmod(0o755)
        monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
        monkeypatch.setenv("VOUCH_SPARK_JARS", str(tmp_path / "jars"))

    return pretend


def test_jars_are_fetched_once_and_each_is_told(fake):
    fake(FETCHES)
    told = []
    place = jars.fetch(told.append)
    assert told == ["   1 spark-nlp_2.12;5.5.3"]
    assert jars.class_path() == f"{place}/*"
    fake(FAILS)  # would be noticed
    jars.fetch(told.append)
    assert told[-1] == f"{place}: all jars are there"


def test_without_network_it_says_so_and_leaves_nothing(fake, tmp_path):
    fake(FAILS)
    with pytest.raises(VouchError, match="UnknownHostException") as error:
        jars.fetch(lambda line: None)
    assert "make spark" in error.value.hint
    assert {path.name for path in tmp_path.iterdir()} == {"java"}


def test_jars_that_are_not_there_name_the_command(fake):
    fake(FETCHES)
    with pytest.raises(VouchError, match="not there") as error:
        jars.class_path()
    assert error.value.hint == "make spark"
