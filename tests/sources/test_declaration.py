import json
from datetime import timedelta

import duckdb
import pytest

from vouch.core.errors import VouchError
from vouch.sources.declaration import (
    Column,
    check_zone,
    load_declaration,
    parse_duration,
)
from vouch.sources.readers import literal
from vouch.usecases.needs import check

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
    check(declaration, path)
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
        (("role: category", "role: category, alias: source"), "its name 'source' is vouch's own"),
        (("format: csv", "format: csv\nzone: Europe/Berln"), "no time zone 'Europe/Berln'"),
        (("format: csv", 'format: csv\nthousands: "."'), "they must differ"),
        (("role: time", "role: time, alias: x"), "is called by its role"),
        (("bad:", "kind of: {role: number}\n  bad:"), "its name 'kind_of' is vouch's own"),
        (("name: shop", "name: [shop"), "not YAML"),
        (("role: time", "role: time, unit: step, step: 0h, origin: 2024-01-01"), "longer than 0s"),
        (("role: time", "role: time, unit: step, origin: 0001-01-01"), "not a year from 1900"),
        (("role: time", "role: time, format: '%d.%Q'"), "format: %Q is no part of a time"),
        (("format: csv", "format: csv\nwindows: [9999999999d]"), "windows.*longer than 100 years"),
        (("format: csv", "format: csv\nwindows: [0d]"), "windows.0: .*must be longer than 0s"),
        (("format: csv", "format: csv\nwindows: [-1d]"), "windows.0: .*must be 0s to 36500d"),
        (("format: csv", "format: csv\ntruth: {delay: {mean: -5}}"), "mean: .*must be 0s to"),
        (("format: csv", "format: csv\ncosts: {review: .inf}"), "costs.review: .*less than or"),
        (("format: csv", "format: csv\ncosts: {missed: .nan}"), "costs.missed: .*less than or"),
        (("format: csv", "format: csv\ncosts: {false_alarm: 1e10}"), "false_alarm: .*less than or"),
        (("format: csv", "format: csv\ncapacity: 1000001"), "capacity: .*less than or"),
        (("format: csv", "format: csv\ncurrency: 'a\0b'"), "not YAML: .*"),
        (("format: csv", 'format: csv\ncurrency: "a\\0b"'), "with the character NUL.*line 4"),
        (("Kind Of", '"a\\0b"'), "with the character NUL.*line 7"),
        (("role: time", f"role: time, first: {10**15 + 1}"), "columns.when.first: .*less than or"),
        (
            ("role: time", f"role: time, first: {-(10**30)}"),
            "columns.when.first: .*greater than or",
        ),
    ],
)
def test_a_wrong_declaration_names_the_field(tmp_path, change, message):
    with pytest.raises(VouchError, match=message):
        load(tmp_path, GOOD.replace(*change))


@pytest.mark.parametrize(
    ("zone", "near"),
    [
        ("utc", "did you mean 'UTC'"),
        ("Europe/Berlin ", "did you mean 'Europe/Berlin'"),
        ("europe/berln", "did you mean 'Europe/Berlin'"),
        ("localtime", "Known: Africa/Abidjan, "),
        ("Factory", "Known: Africa/Abidjan, "),
    ],
)
def test_an_unknown_zone_has_the_near_one_and_few_examples(zone, near):
    with pytest.raises(ValueError, match=f"no time zone '{zone}'; {near}") as caught:
        check_zone(zone)
    examples = str(caught.value).partition("Known: ")[2].split(", ")
    assert len(examples) == 6 and examples[-1].endswith(" more")


SIGNS = [f"%{dash}{sign}" for dash in ("", "-") for sign in map(chr, range(32, 127))]


@pytest.mark.parametrize(
    "form", ["%Y-%m-%d %H:%M:%S.%f", "%d.%m.%y 100%%", "%Y-%m-%d %", "%%%", "%ä", "%\n", *SIGNS]
)
def test_a_format_of_times_is_one_that_duckdb_takes(form):
    query = f"SELECT try_strptime(v, {literal(form)}) FROM (VALUES ('2024')) AS t(v)"
    try:
        duckdb.execute(query)
    except (duckdb.Error, UnicodeDecodeError):
        with pytest.raises(ValueError, match="is no part of a time"):
            Column(role="time", format=form)
    else:
        assert Column(role="time", format=form).format == form


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


TEXTS = """
name: shop
usecase: sentiment
format: csv
columns:
  words: {role: text}
  mood: {role: label, values: [bad, so-so, good]}
  sure: {role: label_confidence}
  kind: {role: category}
rule: {name: vader, lexicon: vader, threshold: 0.05}
"""


def test_a_source_of_texts(tmp_path):
    declaration = load(tmp_path, TEXTS)
    assert declaration.column("text") == "words"
    assert declaration.rule.summary() == {"name": "vader", "lexicon": "vader", "threshold": 0.05}
    assert not declaration.has("time")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("role: text", "role: category"), "no column has the role 'text'"),
        (("lexicon: vader, threshold: 0.05", "where: length(text) > 3"), "is for rows of numbers"),
        (("lexicon: vader", "lexicon: afinn"), "rule.lexicon: .*'afinn'"),
        (("lexicon: vader, threshold: 0.05", ""), "needs where .* or lexicon"),
        (("threshold: 0.05", "threshold: 2"), "rule.threshold: .*2"),
        (("lexicon: vader", "lexicon: vader, where: a > 1"), "one of the two"),
        (("[bad, so-so, good]", "[bad]"), "1 classes, but 2 to 20"),
        (("[bad, so-so, good]", "[bad, good]"), "no class of the label is called 'negative'"),
        (("[bad, so-so, good]", "{bad: negative, ok: drop}"), "1 classes, but 2 to 20"),
        (("[bad, so-so, good]", "{bad: negative, good: ' x'}"), "no class can be called ' x'"),
        (("[bad, so-so, good]", "{bad: negative, BAD: positive}"), "'bad' stands there twice"),
        (("[bad, so-so, good]", "[positive, neutral, negative]"), "must be 3 values in the order"),
        (("[bad, so-so, good]", "[bad, good, good]"), "'good' stands there twice"),
        (("[bad, so-so, good]", "5"), r"columns\.mood\.values: must be a list.* \(got 5\)"),
        (("[bad, so-so, good]", "'a, b'"), r"columns\.mood\.values: must be a list.*'a, b'"),
        (("[bad, so-so, good]", "{}"), r"columns\.mood\.values: is empty"),
        (("[bad, so-so, good]", "{x: null}"), r"columns\.mood\.values: what stands at 'x' must"),
        (("[bad, so-so, good]", "[a, [b]]"), r"columns\.mood\.values: what stands at 2 must"),
        (("kind:", "kind.:\n    role: number\n  'kind ':"), "its name 'kind_' is vouch's own"),
        (("usecase: sentiment", "usecase: moods"), "usecase: .*'moods'"),
        (("role: category", "role: asset}\n  other: {role: asset"), "role 'asset' is given to two"),
    ],
)
def test_a_wrong_declaration_of_texts_names_the_field(tmp_path, change, message):
    text = (
        TEXTS.replace("kind: {role", "what: {role: asset}\n  kind: {role")
        if "asset:" in change
        else TEXTS
    )
    with pytest.raises(VouchError, match=message):
        load(tmp_path, text.replace(*change))


def test_classes_are_called_as_written(tmp_path):
    mapping = "{1: yes, on: no, 1.50: 007, y: 2024-01-01}"
    declaration = load(tmp_path, TEXTS.replace("[bad, so-so, good]", mapping).split("rule:")[0])
    values = declaration.columns["mood"].values
    assert values == {"1": "yes", "on": "no", "1.50": "007", "y": "2024-01-01"}


def test_without_label_and_rule_nothing_labels_the_texts(tmp_path):
    text = TEXTS.split("rule:", maxsplit=1)[0].replace(
        "role: label, values: [bad, so-so, good]", "role: ignore"
    )
    with pytest.raises(VouchError, match="nothing labels the texts"):
        load(tmp_path, text)


def test_a_lexicon_reads_no_payments(tmp_path):
    with pytest.raises(VouchError, match="these are payments"):
        load(tmp_path, GOOD + "rule: {lexicon: vader}\n")


def test_a_payments_table_may_have_a_category_called_asset(tmp_path):
    assert load(tmp_path, GOOD.replace("Kind Of", "Asset")).of_role("category") == ("asset",)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{name: tweets, rows: 999}", "rows: .*999"),
        ("{name: tweets, rows: 1000001}", "rows: .*1000001"),
        ("{name: tweets, rows: 1000, label_noise: 0.6}", "label_noise: .*0.6"),
        ("{name: paysim, rows: 10000, label_noise: 0.1}", "label_noise: Extra"),
        ("{name: twets, rows: 1000}", "'twets'"),
        ("{name: paysim, rows: 10000, seed: -1}", "seed: .*-1"),
        (f"{{name: tweets, rows: 1000, seed: {2**63}}}", f"seed: .*{2**63}"),
    ],
)
def test_a_simulator_out_of_range(tmp_path, section, message):
    text = TEXTS.replace("format: csv", f"format: simulator\nsimulator: {section}")
    with pytest.raises(VouchError, match=message):
        load(tmp_path, text)


@pytest.mark.parametrize("separator", ["||", "", '"', "\n"])
def test_a_separator_is_one_character_and_no_quote(tmp_path, separator):
    text = GOOD.replace("format: csv", f"format: csv\nseparator: {json.dumps(separator)}")
    with pytest.raises(VouchError, match="separator: String should match"):
        load(tmp_path, text)


def test_a_column_without_a_name_may_play_a_role(tmp_path):
    assert load(tmp_path, GOOD.replace("Kind Of", '""')).of_role("category") == ("unnamed",)
