from datetime import timedelta

import pytest

from vouch.errors import VouchError
from vouch.sources.declaration import load_declaration, parse_duration
from vouch.usecases import fraud

GOOD = """
name: shop
format: csv
columns:
  when: {role: time}
  Sum: {role: amount}
  Kind Of: {role: category}
  bad: {role: label}
"""


def load(tmp_path, text):
    path = tmp_path / "shop.yaml"
    path.write_text(text)
    declaration = load_declaration(path)
    fraud.check(declaration, path)
    return declaration


def test_columns_bear_their_roles_or_their_own_name(tmp_path):
    declaration = load(tmp_path, GOOD)
    assert [declaration.canonical(c) for c in declaration.columns] == [
        "time",
        "amount",
        "kind_of",
        "label",
    ]
    assert declaration.column("amount") == "Sum"
    assert declaration.of_role("category") == ("kind_of",)
    assert not declaration.has("payer")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("role: time", "role: tme"), "columns.when.role"),
        (("format: csv", "format: xlsx"), "format: .*'xlsx'"),
        (("format: csv", "format: csv\nformt: x"), "formt: Extra inputs"),
        (("format: csv", "format: simulator"), "section simulator go together"),
        (("role: category", "role: amount"), "role 'amount' is given to two columns"),
        (("role: time", "role: time, unit: step"), "needs an origin"),
        (("role: amount", "role: number"), "no column has the role 'amount'"),
        (("role: label", "role: number"), "neither a column with the role 'label' nor a rule"),
        (("Kind Of:", "Source:"), "its name 'source' is vouch's own"),
        (("bad:", "kind of: {role: number}\n  bad:"), "its name 'kind_of' is vouch's own"),
        (("name: shop", "name: [shop"), "not YAML"),
    ],
)
def test_a_wrong_declaration_names_the_field(tmp_path, change, message):
    with pytest.raises(VouchError, match=message):
        load(tmp_path, GOOD.replace(*change))


def test_an_unknown_source_suggests_the_near_one(tmp_path):
    (tmp_path / "paysim.yaml").write_text(GOOD)
    with pytest.raises(VouchError, match="no source 'paysin'") as caught:
        load_declaration(tmp_path / "paysin.yaml")
    assert "'paysim'" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "hours"), [("90m", 1.5), ("24h", 24), ("7d", 168), ("2w", 336), ("3600s", 1)]
)
def test_durations(text, hours):
    assert parse_duration(text) == timedelta(hours=hours)
