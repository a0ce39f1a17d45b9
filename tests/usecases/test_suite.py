from pathlib import Path

import pytest

from vouch.core.files import read_json
from vouch.sources.declaration import Declaration, load_declaration
from vouch.usecases.suite import POLICIES, derive_suite

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(p.stem for p in (ROOT / "data/sources").glob("*.yaml")))
def test_the_committed_suites_follow_from_the_declarations(name):
    declaration = load_declaration(ROOT / f"data/sources/{name}.yaml")
    assert read_json(ROOT / f"expectations/{name}.json") == derive_suite(declaration)


def test_every_role_has_its_expectation():
    declaration = load_declaration(ROOT / "data/sources/paysim.yaml")
    suite = derive_suite(declaration)
    told = {str(e["kwargs"]) for e in suite["expectations"]}
    for role in ("time", "amount", "payer", "payee", "label", "payer_balance_after", "type"):
        assert any(role in kwargs for kwargs in told), role
    assert all(e["meta"]["policy"] in POLICIES for e in suite["expectations"])


def test_a_table_of_few_roles_gets_few_expectations():
    columns = {"a": {"role": "amount"}, "b": {"role": "payer", "optional": True}}
    declaration = Declaration.model_validate({"name": "t", "format": "csv", "columns": columns})
    kinds = {e["kwargs"].get("column") for e in derive_suite(declaration)["expectations"]}
    assert kinds == {None, "id", "amount"}
