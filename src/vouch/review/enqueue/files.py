"""Case files: a table to fill in, or tasks for Label Studio.

Label Studio's formats: https://labelstud.io/guide/tasks and https://labelstud.io/guide/predictions.
"""

import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from vouch.core.cells import escape
from vouch.core.errors import VouchError
from vouch.core.files import replacing
from vouch.review.collect.read import CONTROL
from vouch.review.queue import Case
from vouch.sources.declaration import Declaration
from vouch.usecases.classes import class_names

WHY = {
    "random": "drawn at random, to measure the model",
    "margin": "the model is unsure",
    "value": "much money is at risk",
    "disagreement": "the rule says otherwise than the model",
    "novelty": "it is unlike what the model learned from",
    "holdout": "drawn to measure the models: decide by the facts alone",
    "similar": "people found fraud in its like, which the model does not see",
}
ANSWER = ("decision", "reviewer", "comment")
"""The columns that people fill in."""
FIRST = ("case", "entity", "part", "why", "prediction", "score")
TOLD = 5
"""Reasons shown of a case."""


def check_out(out: Path) -> None:
    """Check that a case file can be written there.

    Raises:
        VouchError: Unknown suffix, or the file is there: it may hold decisions; or its folder
            cannot be made or written to.
    """
    if out.suffix.lower() not in {".csv", ".json"}:
        raise VouchError(f"--out: {out}: neither .csv nor .json", "name it cases.csv, or .json")
    for written in (out, out.with_suffix(".xml")):
        if written.exists() and (written == out or out.suffix.lower() == ".json"):
            raise VouchError(
                f"--out: {written} is there already", "name another file, or move it away"
            )
    try:  # before cases are put out that no file could hold
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VouchError(f"--out: {out}: {error.strerror}", "name a file in a folder") from None
    if not os.access(out.parent, os.W_OK):
        raise VouchError(f"--out: {out.parent} cannot be written to", "name another folder")


def write_cases(out: Path, cases: Sequence[Case], source: Declaration) -> None:
    """Write cases for people; without any there is no file.

    Args:
        out: ``.csv``: a row a case, with empty columns ``decision``, ``reviewer`` and ``comment``;
            ``.json``: Label Studio's tasks, and beside it ``.xml``, the labeling interface.
        cases: The cases.
        source: The declaration of their rows.
    """
    if not cases:
        return
    classes = class_names(source)
    if out.suffix.lower() == ".json":  # first: where the tasks are, nothing is missing
        with replacing(out.with_suffix(".xml")) as draft:
            draft.write_text(interface(source) + "\n", "utf-8")
    with replacing(out) as draft:
        if out.suffix.lower() == ".csv":
            _write_csv(draft, cases, classes)
        else:
            tasks = [task(case, classes) for case in cases]
            draft.write_text(json.dumps(tasks, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _write_csv(path: Path, cases: Sequence[Case], classes: tuple[str, ...]) -> None:
    facts = list(dict.fromkeys(_column(name) for case in cases for name in case.facts))
    columns = [*FIRST, *facts, "reasons", *ANSWER]
    # spreadsheets take a file without the mark for their own country's letters
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(_line(case, classes) for case in cases)


def _line(case: Case, classes: tuple[str, ...]) -> dict[str, object]:
    return {
        "case": case.case,
        "entity": escape(case.entity),
        "part": case.part or "",
        "why": WHY[case.stream],
        "prediction": escape(case.predicted(classes)),
        "score": "" if case.blind else f"{certainty(case, classes):.4f}",
        **{_column(name): escape(value) for name, value in case.facts.items()},
        "reasons": escape(reason_line(case)),
    }


def _column(name: str) -> str:
    """Name a fact's column: not like one of the file's own."""
    own = {*FIRST, "reasons", *ANSWER, "decided_at"}
    return f"row_{name}" if name in own else str(escape(name))


def certainty(case: Case, classes: Sequence[str]) -> float:
    """Return the probability shown: of two classes the second's, of more the predicted one's."""
    two = len(case.scores) == len(classes) == 2
    return case.likely(classes)[1] if two else case.scores[case.prediction]


def reason_line(case: Case) -> str:
    """Return the heaviest reasons in one line, after what speaks against believing them."""
    reasons = "; ".join(f"{words} ({weight:+.2f})" for words, weight in case.reasons[:TOLD])
    doubts = {
        "they follow the model poorly": case.poor,
        "they change from run to run": case.unstable,
    }
    doubt = ", ".join(words for words, holds in doubts.items() if holds)
    return f"({doubt}) {reasons}" if doubt and reasons else reasons


def task(case: Case, classes: tuple[str, ...]) -> dict[str, object]:
    """Write a case as Label Studio's task; unless it is blind, the model's answer as prediction."""
    about = _about(case)
    shown = {"text": case.facts["text"] or ""} if about == "text" else {"row": case.facts}
    fields = {"case": case.case, "entity": case.entity, "why": WHY[case.stream]}
    fields |= {"part": case.part} if case.part else {}
    answer = {
        "from_name": CONTROL,
        "to_name": about,
        "type": "choices",
        "value": {"choices": [case.predicted(classes)]},
    }
    if case.blind:
        return {"data": {**shown, **fields, "reasons": ""}}
    predicted = case.scores[case.prediction]
    return {
        "data": {
            **shown,
            **fields,
            "reasons": reason_line(case),
            "score": round(certainty(case, classes), 4),
        },
        "predictions": [{"model_version": case.model, "score": predicted, "result": [answer]}],
    }


def _about(case: Case) -> str:
    return "text" if "text" in case.facts else "row"


def interface(source: Declaration) -> str:
    """Return the labeling interface that Label Studio needs for the tasks."""
    about = "text" if source.has("text") else "row"
    view = ElementTree.Element("View")
    shown = {"name": about, "value": f"${about}"}
    ElementTree.SubElement(view, "Text" if about == "text" else "Table", shown)
    for name in ("why", "reasons"):
        ElementTree.SubElement(view, "Text", {"name": name, "value": f"${name}"})
    choices = {"name": CONTROL, "toName": about, "choice": "single", "required": "true"}
    element = ElementTree.SubElement(view, "Choices", choices)
    for label in class_names(source):
        ElementTree.SubElement(element, "Choice", {"value": label})
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode")
