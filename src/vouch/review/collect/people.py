"""Who decided: one person under several spellings, and one annotation under several names."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import pandas as pd

from vouch.review.collect.read import Answer
from vouch.review.names import identity, visible


def first_written(names: Iterable[str]) -> dict[str, str]:
    """Return each person's name as it was first written, by identity."""
    written: dict[str, str] = {}
    for name in names:
        written.setdefault(identity(name), visible(name).strip())
    return written


def renamed(names: "pd.Series[str]", written: dict[str, str]) -> "pd.Series[str]":
    """Return names as they were first written."""
    return names.map(lambda name: written.get(identity(name), name))


def recognised(answers: Sequence[Answer], before: pd.DataFrame) -> list[Answer]:
    """Return each answer with its reviewer's name as it was first written.

    An annotation of Label Studio that is known, or stands twice in a file, names one person: all
    answers of the file under its other name are theirs too.

    Args:
        answers: Those of one file.
        before: Decisions taken in before, in the order of collecting.

    Returns:
        As many answers, in their order.
    """
    written = first_written([*before["actor"], *(answer.reviewer for answer in answers)])
    identities: dict[tuple[str, ...], str] = {}
    for row in before.itertuples():
        for key in _keys(str(row.case), _text(row.annotation), _text(row.unique_id)):
            identities.setdefault(key, identity(str(row.actor)))
    other: dict[str, str] = {}
    for answer in answers:
        keys = list(_keys(answer.case, answer.annotation, answer.unique_id))
        person = identity(answer.reviewer)
        same = next((identities[key] for key in keys if key in identities), person)
        identities.update(dict.fromkeys(keys, same))
        if same != person and answer.reviewer:
            other[person] = same
    return [
        replace(answer, reviewer=written.get(_followed(identity(answer.reviewer), other), ""))
        for answer in answers
    ]


def _keys(case: str, annotation: str | None, unique: str | None) -> Iterator[tuple[str, ...]]:
    """Yield what identifies an annotation: numbers alone are not unique among servers."""
    if unique:
        yield ("unique", case, unique)
    elif annotation:
        yield ("number", case, annotation)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _followed(person: str, other: dict[str, str]) -> str:
    seen = set[str]()
    while person in other and person not in seen:
        seen.add(person)
        person = other[person]
    return person
