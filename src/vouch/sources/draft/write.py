"""The YAML file of a drafted declaration."""

from pathlib import Path
from typing import Any

import yaml

from vouch.sources.draft.facts import Fields, declared
from vouch.sources.draft.layout import Layout
from vouch.sources.draft.roles import Guess, Usecase


def yaml_text(
    name: str,
    file: Path,
    usecase: Usecase,
    layout: Layout,
    fields: Fields,
    guesses: tuple[Guess, ...],
    notes: tuple[str, ...],
    doubts: tuple[str, ...],
) -> str:
    """Write a declaration, every guess with its reason.

    Args:
        name: The source's name.
        file: The table.
        usecase: What it is for.
        layout: How it is written.
        fields: How its numbers are written: ``decimal``, ``thousands``, ``currency``.
        guesses: A guess for each column.
        notes: What is worth a look; plain comments.
        doubts: What must be confirmed before anything runs.

    Returns:
        The file's text.
    """
    title = " ".join(file.name.split())
    lines = [
        f"# Drafted by `vouch source draft` from {title}: every line is a guess, check it.",
        *(f"# - {note}" for note in notes),
        *_confirm(name, doubts),
        f"name: {name}",
        f"usecase: {usecase}",
        f"description: {_yaml(f'Drafted from {title}')}",
        *(f"{key}: {_yaml(value)}" for key, value in {**declared(layout), **fields}.items()),
        "columns:",
        *(_column(guess) for guess in guesses),
        *_truth(usecase, guesses),
        "capacity: 100   # guessed",
        "",
    ]
    return "\n".join(lines)


def _confirm(name: str, doubts: tuple[str, ...]) -> list[str]:
    if not doubts:
        return []
    return [
        "confirm:   # nothing runs while a line is left: mend the field it names, then remove it",
        *(f"  - {_yaml(doubt)}" for doubt in doubts),
        f"# (or answer them one by one: vouch source confirm {name})",
    ]


def _truth(usecase: Usecase, guesses: tuple[Guess, ...]) -> list[str]:
    labelled = any(guess.role == "label" for guess in guesses)
    if usecase == "sentiment":
        return ["rule: {name: vader, lexicon: vader, threshold: 0.05}   # guessed"]
    costs = "costs: {review: 10, missed: 1.0}   # guessed"
    if labelled:
        return ["truth:", "  delay: {distribution: fixed, mean: 7d}   # guessed", costs]
    return ["rule:", "  name: placeholder", "  where: amount > 1000   # guessed", costs]


def _column(guess: Guess) -> str:
    fields = {"role": guess.role, **guess.options}
    why = "".join(letter if letter.isprintable() else " " for letter in guess.why)
    return f"  {_yaml(guess.column)}: {_yaml(fields)}   # {why}"


def _yaml(value: Any) -> str:
    text: str = yaml.safe_dump(
        value, default_flow_style=True, width=float("inf"), allow_unicode=True, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")
