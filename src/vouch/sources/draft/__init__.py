"""A first declaration of a user's table, guessed from its columns' names and values."""

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from vouch.core.errors import VouchError
from vouch.core.files import replacing
from vouch.sources.draft.doubts import file_doubts, notes_of, written
from vouch.sources.draft.facts import Facts, Table, open_table
from vouch.sources.draft.layout import Layout, find_layout
from vouch.sources.draft.roles import Guess, Usecase, guess_roles, guess_usecase, settle_clock
from vouch.sources.draft.write import yaml_text

__all__ = ["Drafted", "Facts", "Guess", "draft_source", "guess_roles"]


@dataclass(frozen=True)
class Drafted:
    """A drafted declaration.

    Attributes:
        path: Where it was written.
        name: The source's name.
        usecase: What it is for, ``fraud`` or ``sentiment``.
        guesses: One for each column of the file.
        notes: What is worth a look.
        doubts: What must be confirmed before anything runs.
    """

    path: Path
    name: str
    usecase: Usecase
    guesses: tuple[Guess, ...]
    notes: tuple[str, ...]
    doubts: tuple[str, ...]


def draft_source(
    root: Path, file: Path, name: str | None = None, out: Path | None = None
) -> Drafted:
    """Guess a declaration and write it, every guess with its reason and every doubt to confirm.

    Args:
        root: The project's folder.
        file: The table; its first 20,000 rows are looked at.
        name: The source's name; made from the file's if None.
        out: Where to write; ``data/sources/<name>.yaml`` if None. Never overwritten.

    Returns:
        What was guessed, and what to check.

    Raises:
        VouchError: No such file, nothing in it, a declaration that is there already, or no
            column that could be the amount or the text.
    """
    called = name or (out.stem if out else _slug(file.name.split(".")[0]))
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", called):
        raise VouchError(f"source name {called!r}: must be a-z, 0-9, _ or -", "--name shop")
    path = out or root / f"data/sources/{called}.yaml"
    if path.exists():
        raise VouchError(f"{path}: is there already", "give another --name, or remove it")
    layout = find_layout(file)
    usecase, facts, guesses = _look(file, layout)
    fields, guesses = written(facts, guesses)
    doubts = (*file_doubts(layout, facts, guesses), *(d for g in guesses for d in g.doubts))
    notes = notes_of(usecase, guesses)
    with replacing(path) as draft:
        text = yaml_text(called, file, usecase, layout, fields, guesses, notes, doubts)
        draft.write_text(text, "utf-8")
    return Drafted(path, called, usecase, guesses, notes, doubts)


def _look(file: Path, layout: Layout) -> tuple[Usecase, tuple[Facts, ...], tuple[Guess, ...]]:
    import duckdb

    with duckdb.connect() as connection:
        table = open_table(connection, file, layout)
        facts = table.facts()
        usecase = guess_usecase(facts)
        guesses = guess_roles(facts, usecase, partial(Table.explained, table))
    return usecase, facts, settle_clock(facts, guesses)


def _slug(stem: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "table"
    return slug if slug[0].isalpha() else f"table_{slug}"
