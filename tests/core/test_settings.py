import pytest

from vouch.core.errors import VouchError
from vouch.core.settings import load_params
from vouch.usecases.fraud.params import TuneParams


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- 1\n", "must be fields and values"),
        (b"tune: 5\n", "tune: must have a section a use case, got 5"),
        (b"tune: {fraud: {seed: \xff}}\n", "not YAML"),
        (b"tune: {fraud: [\n", "not YAML"),
        (b"tune: {fraud: {seeds: 1}}\n", "tune.fraud.seeds"),
    ],
)
def test_a_broken_parameter_file_is_told(tmp_path, content, message):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    with pytest.raises(VouchError, match=message):
        load_params(path, TuneParams, "tune", "fraud")


def test_a_wrong_value_is_not_answered_with_the_names_of_fields(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("tune: {fraud: {seed: x}}")
    with pytest.raises(VouchError, match=r"tune\.fraud\.seed: .*'x'") as caught:
        load_params(path, TuneParams, "tune", "fraud")
    assert caught.value.hint == "mend tune.fraud in params.yaml"


def test_an_empty_part_of_a_section_means_the_defaults(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("tune: {fraud: }")
    assert load_params(path, TuneParams, "tune", "fraud") == TuneParams()


@pytest.mark.parametrize("content", ["", "tune:", "tune: {}", "tune: {sentiment: {}}"])
def test_a_missing_section_is_named(tmp_path, content):
    path = tmp_path / "params.yaml"
    path.write_text(content)
    with pytest.raises(VouchError, match=r"params.yaml: no section tune.fraud") as caught:
        load_params(path, TuneParams, "tune", "fraud")
    assert "tune: {fraud: {}}" in caught.value.hint
