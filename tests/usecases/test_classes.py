"""The classes a label declares, against what a reader of the declaration expects."""

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.results import extracted
from vouch.core.errors import VouchError
from vouch.sources.declaration import DROP, Declaration
from vouch.stages.ingest.parse import DROPPED, parse_file
from vouch.usecases import find
from vouch.usecases.classes import (
    check_classes,
    check_same_classes,
    class_names,
    decision_words,
    label_words,
    listed_values,
    mapped_values,
    written_names,
)

MOODS = ("negative", "neutral", "positive")
NAMES = st.sampled_from([*MOODS, "joy", "B2", "so-so", "very good"])
SPELLINGS = st.sampled_from(["pos", "NEG", "4", "0.0", "-1", "ja", "not sure", "x'y", "é"])
MAPPINGS = st.dictionaries(
    SPELLINGS, NAMES | st.just(DROP), min_size=2, max_size=8
).filter(lambda values: len({*values.values()} - {DROP}) > 1)  # fmt: skip


def texts(values: object) -> Declaration:
    label = {"role": "label", "values": values}
    return Declaration.model_validate(
        {
            "name": "texts",
            "usecase": "sentiment",
            "format": "csv",
            "columns": {"text": {"role": "text"}, "said": label},
        }
    )


def payments(values: object) -> Declaration:
    columns = {"paid": {"role": "amount"}, "bad": {"role": "label", "values": values}}
    return Declaration.model_validate({"name": "pay", "format": "csv", "columns": columns})


def parsed(declaration: Declaration, labels: list[str]) -> list[tuple[int | None, bool]]:
    """Parse a file of these labels; return each line's class, and whether it is dropped."""
    with TemporaryDirectory() as folder, duckdb.connect() as connection:
        file = Path(folder) / "texts.csv"
        lines = "\n".join(f'some text,"{label}"' for label in labels)
        file.write_text(f"text,said\n{lines}\n", encoding="utf-8")
        parse_file(connection, declaration, file, "parsed", Path(folder))
        return connection.execute(
            f"SELECT label, {DROPPED} FROM parsed ORDER BY line"
        ).fetchall()  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(MAPPINGS)
def test_each_spelling_is_read_as_its_class(values: dict[str, str]) -> None:
    declaration = texts(values)
    names = class_names(declaration)
    assert set(names) == {*values.values()} - {DROP}
    if set(names) <= set(MOODS):  # the use case's own order, whatever the mapping's
        assert names == tuple(name for name in MOODS if name in names)
    else:
        assert names == tuple(dict.fromkeys(v for v in values.values() if v != DROP))
    assert written_names(declaration) == names
    check_classes(find("sentiment"), declaration, Path("texts.yaml"))

    spelled = [*values, *(word.upper() for word in values if word != "é"), "other"]
    lines = parsed(declaration, spelled)

    lower = {word.lower(): name for word, name in values.items()}
    expected = [
        (None if name in (DROP, None) else names.index(name), name == DROP)
        for name in (lower.get(word.lower()) for word in spelled)
    ]
    assert lines == expected


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ([], MOODS),
        (["neg", "neu", "pos"], MOODS),
        (["no", "yes"], ("no", "yes")),
        (["a", "b", "c", "d", "e"], ("a", "b", "c", "d", "e")),
    ],
)
def test_a_list_names_the_classes_unless_it_is_as_long_as_the_use_cases(values, names):
    declaration = texts(values)
    assert class_names(declaration) == names
    assert written_names(declaration) == (tuple(values) or names)
    check_classes(find("sentiment"), declaration, Path("texts.yaml"))


def test_payments_have_their_two_classes_however_they_are_spelled():
    declaration = payments({"ok": "genuine", "x": "fraud", "stolen": "fraud", "open": DROP})
    check_classes(find("fraud"), declaration, Path("pay.yaml"))
    assert class_names(declaration) == ("genuine", "fraud")
    assert label_words(declaration) == {0: ("ok",), 1: ("x", "stolen")}
    assert label_words(payments([]))[1] == ("1", "true", "yes", "t", "y", "fraud")
    assert written_names(payments([])) == ("0", "1")


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        (payments({"ok": "genuine", "x": "theft"}), "must map to genuine and fraud"),
        (payments(["a", "b", "c"]), "must be 2 values in the order genuine, fraud"),
        (texts({"a": "one", "b": DROP}), "1 classes, but 2 to 20"),
        (texts([str(n) for n in range(21)]), "21 classes, but 2 to 20"),
        (texts(["1", "2", "1.0", "4"]), "'1' stands there twice"),
        (texts(["", "1"]), "an empty cell is no label"),
        (texts(["positive", "neutral", "negative"]), "'positive' stands in the place of negative"),
        (texts(["positive", "mixed", "negative"]), "'positive' stands in the place of negative"),
        (texts(["neg", "pos", "NEUTRAL "]), "'NEUTRAL ' stands in the place of positive"),
        (payments(["fraud", "ok"]), "order genuine, fraud, but 'fraud' stands in the place"),
        (texts({"a": "Good", "b": "good"}), "'Good' and 'good' are the same name"),
        (texts({"a": "1", "b": "1.0"}), "'1' and '1.0' are the same name"),
        (texts({"a": "spam ", "b": "spam"}), "'spam ' and 'spam' are the same name"),
        (texts({"a": "Drop", "b": "x", "c": "y"}), "'drop' and 'Drop' are the same name"),
        (texts({"a": "\u00e9", "b": "e\u0301"}), "are the same name"),
        (texts(["\u00e9", "e\u0301"]), "are the same name"),
        (texts({"a": "", "b": "x"}), "no class can be called ''"),
        (texts({"a": "x" * 41, "b": "x"}), "no class can be called 'x{41}'"),
        (texts(["a,b", "c", "d", "e"]), "no class can be called 'a,b'"),
        (texts(["=SUM(1)", "b"]), r"no class can be called '=SUM\(1\)'"),
    ],
)
def test_values_that_are_no_classes_are_refused(declaration, message):
    with pytest.raises(VouchError, match=message):
        check_classes(find(declaration.usecase), declaration, Path("source.yaml"))


@pytest.mark.parametrize(
    ("declaration", "hint"),
    [
        (texts(["positive", "mixed", "negative"]), "values: [negative, mixed, positive]"),
        (texts(["neu", "negative", "pos"]), "values: [negative, neu, pos]"),
        (payments(["Fraud", "ok"]), "values: [ok, Fraud], if the file's 'Fraud' is fraud"),
    ],
)
def test_a_misplaced_class_is_put_in_its_own_place(declaration, hint):
    with pytest.raises(VouchError) as caught:
        check_classes(find(declaration.usecase), declaration, Path("source.yaml"))
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "names",
    [
        ("अच्छा", "बुरा"),
        ("e\u0301te\u0301", "hiver"),
        ("می\u200cخواهم", "نه"),
        ("-2", "-1", "0", "+1", "+2"),
        ("N/A", "B2 + C-1."),
    ],
)
def test_names_of_any_script_may_be_listed_and_mapped_to(names):
    for values in (names, {f"value {name}": name for name in names}):
        declaration = texts(values)
        check_classes(find("sentiment"), declaration, Path("texts.yaml"))
        assert class_names(declaration) == names


def test_only_a_labels_values_are_mapped():
    columns = {"paid": {"role": "amount"}, "kind": {"role": "category", "values": {"a": "b"}}}
    with pytest.raises(ValueError, match="only a label's values are mapped"):
        Declaration.model_validate({"name": "pay", "format": "csv", "columns": columns})


@pytest.mark.parametrize("word", ["none", "NULL", "n/a", "nan"])
def test_a_declared_value_is_a_label_even_if_it_is_a_word_for_nothing(word):
    declaration = texts(["negative", word, "positive"])
    assert [n for n, _ in parsed(declaration, ["positive", word, word.upper(), ""])] == [
        2,
        1,
        1,
        None,
    ]
    mapped = texts({"a": "joy", "b": "anger", word: DROP})
    assert parsed(mapped, ["a", word, ""]) == [(0, False), (None, True), (None, False)]


def test_words_for_nothing_are_no_labels_otherwise():
    assert parsed(texts([]), ["positive", "none", "n/a"]) == [
        (2, False),
        (None, False),
        (None, False),
    ]


def test_a_decision_is_a_classes_name_or_a_files_value():
    words = decision_words(texts({"pos": "positive", "meh": "neutral", "spam": "drop"}))
    assert words == {"pos": 1, "positive": 1, "meh": 0, "neutral": 0, "spam": None, "0": 0, "1": 1}
    assert decision_words(payments(["1", "0"])) == {"1": 0, "0": 1, "genuine": 0, "fraud": 1}
    assert decision_words(texts(["bad", "ok", "good"])) == {
        **{"bad": 0, "ok": 1, "good": 2},
        **{"negative": 0, "neutral": 1, "positive": 2},
    }
    # f could be fraud: the usual words for false are for files alone
    assert decision_words(payments([])) == {"0": 0, "1": 1, "genuine": 0, "fraud": 1}


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        (["bad", "ok", "good"], ["bad", "ok", "good"], ""),
        (
            ["bad", "ok", "good"],
            ["good", "ok", "bad"],
            "'bad' stood for negative, not for positive",
        ),
        (["bad", "ok", "good"], ["awful", "ok", "good"], ""),
        (["No", "Yes", "so"], ["yes", "no", "so"], "'no' stood for negative, not for neutral"),
        (["joy", "fear"], ["fear", "joy"], ""),
        (["joy", "fear"], ["joy", "fear", "anger", "calm"], "trained for joy, fear, not joy, "),
        ({"bad": "negative", "good": "positive"}, {"good": "positive", "bad": "negative"}, ""),
        (
            {"bad": "joy", "good": "fear"},
            {"bad": "fear", "good": "joy"},
            "'bad' stood for joy, not",
        ),
        (
            ["bad", "ok", "good"],
            {"Bad": "positive", "ok": "neutral", "good": "negative"},
            "'bad' stood for negative, not for positive",
        ),
        ({"bad": "joy", "good": "fear"}, ["bad", "good"], "trained for joy, fear, not bad, good"),
        (  # one word of several was moved: the class is still what it was
            {"1": "joy", "2": "joy", "3": "fear"},
            {"1": "joy", "2": "fear", "3": "fear"},
            "",
        ),
    ],
)
def test_a_model_is_used_for_its_own_classes_alone(before, now, reason):
    trained, present = texts(before), texts(now)
    model = extracted(
        classes=list(class_names(trained)),
        listed=list(listed_values(trained)),
        mapped=mapped_values(trained),
    )
    if not reason:
        check_same_classes(model, present, "tri:1")
        return
    with pytest.raises(VouchError, match=reason) as caught:
        check_same_classes(model, present, "tri:1")
    assert "tri:1 cannot be used" in str(caught.value) and "vouch run" in caught.value.hint


@pytest.mark.parametrize(
    ("declared", "spellings"),
    [
        ("ΘΕΤΙΚΟΣ", ["ΘΕΤΙΚΟΣ", "θετικος", "Θετικοσ"]),
        ("θετικος", ["ΘΕΤΙΚΟΣ", "θετικος"]),
        ("İyi", ["İyi", "İYİ", "iyi"]),
        ("１.0", ["１.0"]),
        ("\tspam ", ["spam", "spam\t", "\u2003SPAM"]),
        ("+1.0", ["1", "+1", "1.00", "1.\t"]),
        ("++", ["++"]),
    ],
)
def test_a_value_is_read_whatever_its_letters_and_outer_spaces(declared, spellings):
    words = texts({declared: "joy", "other": "anger"})
    assert parsed(words, [*spellings, "other"]) == [(0, False)] * len(spellings) + [(1, False)]
