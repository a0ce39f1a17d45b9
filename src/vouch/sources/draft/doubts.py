"""Doubts about a table as a whole, and how its numbers are written."""

from dataclasses import replace

from vouch.sources.declaration import NUMERIC, Role
from vouch.sources.draft.facts import Facts, Fields
from vouch.sources.draft.layout import Layout
from vouch.sources.draft.roles import Guess, Usecase, has

CURRENCY = r"currency|waehrung|curr|ccy|moneda|devise"


def written(
    facts: tuple[Facts, ...], guesses: tuple[Guess, ...]
) -> tuple[Fields, tuple[Guess, ...]]:
    """Find how the numbers of a table are written.

    Args:
        facts: The columns.
        guesses: Their guesses.

    Returns:
        The declaration's ``decimal``, ``thousands`` and ``currency`` where they are not the usual,
        and the guesses: a column whose numbers are written otherwise than the amount is left out.
    """
    numbers = {g.column for g in guesses if g.role in NUMERIC}
    numeric = [f for f in facts if f.name in numbers]
    leading = next((f for g in guesses for f in facts if g.role == "amount" and f.name == g.column),
                   None)  # fmt: skip
    judge = leading if leading and leading.points + leading.commas else None
    commas = judge.commas > judge.points if judge else any(f.commas > f.points for f in numeric)
    fields: Fields = {"decimal": ","} if commas else {}
    if groups := next((f.groups for f in numeric if f.groups), ""):
        fields["thousands"] = groups
    if signs := sorted({sign for f in numeric for sign in f.signs}):
        fields["currency"] = signs[0]
    return fields, tuple(_otherwise(g, _of(g, facts), commas=commas) for g in guesses)


def _of(guess: Guess, facts: tuple[Facts, ...]) -> Facts:
    return next(each for each in facts if each.name == guess.column)


def _otherwise(guess: Guess, facts: Facts, *, commas: bool) -> Guess:
    against = facts.points if commas else facts.commas
    if guess.role not in NUMERIC or against < 0.01:
        return guess
    signs = ("point", "comma") if commas else ("comma", "point")
    doubt = (
        f"columns.{guess.column}: {against:.0%} of its numbers have a decimal {signs[0]}, the "
        f"file's a {signs[1]} (decimal:)"
    )
    if guess.role == "amount" or against < 0.5:
        question = f"{doubt}: such rows may be rejected. Is that right?"
        return replace(guess, doubts=(*guess.doubts, question))
    question = f"{doubt}: it is left out. Is that right?"
    return Guess(guess.column, "ignore", "its numbers are written otherwise", doubts=(question,))


def file_doubts(
    layout: Layout, facts: tuple[Facts, ...], guesses: tuple[Guess, ...]
) -> tuple[str, ...]:
    """List the doubts about a file as a whole.

    Args:
        layout: How the file is written.
        facts: Its columns.
        guesses: Their guesses.

    Returns:
        One text for each, naming the field to mend.
    """
    doubts = []
    if layout.header == 0:
        doubts.append("header: no line names the columns; they are called column_1 and so on")
    elif layout.header > 1:
        doubts.append(f"header: is line {layout.header} the one that names the columns?")
    if len(layout.sheets) > 1:
        names = ", ".join(layout.sheets)
        doubts.append(f"sheet: of the sheets {names} the first is read. Is it the table?")
    signs = sorted({sign for f in facts for sign in f.signs})
    if len(signs) > 1:
        doubts.append(f"currency: amounts are written in {', '.join(signs)}: one currency only")
    for each in facts:
        if has(each, CURRENCY) and each.distinct > 1:
            seen = ", ".join(each.top[:5])
            doubts.append(f"columns.{each.name}: amounts in {seen} are taken for one currency")
    rated = [_of(g, facts) for g in guesses if g.role == "amount"]
    doubts += [doubt for each in rated for doubt in _digits(each)]
    return tuple(doubts)


def _digits(amount: Facts) -> list[str]:
    """Doubt numbers such as 1,234, which are one or a thousand."""
    if amount.groups and not amount.points and not amount.commas:
        example = next((v for v in amount.top if amount.groups in v), "")
        return [f"thousands: is {amount.groups!r} in {example!r} between thousands, or decimals?"]
    return []


def notes_of(usecase: Usecase, guesses: tuple[Guess, ...]) -> tuple[str, ...]:
    """List notes for the user, which keep nothing from running.

    Args:
        usecase: What the table is for.
        guesses: A guess for each column.
    """
    roles = {guess.role: guess for guess in guesses}
    notes = []
    if usecase == "fraud":
        notes.append(f"payer and payee: {_who(roles, 'payer')} pays {_who(roles, 'payee')}")
        notes.append("costs and capacity: what a review costs, how many a day people can do")
    if "label" not in roles:
        notes.append("there is no label column: the rule below is a placeholder; write your own")
    elif usecase == "fraud":
        notes.append(f"the label: when does {roles['label'].column!r} become known (truth.delay)?")
    if "time" not in roles:
        notes.append("there is no time column: rows will be split at random, without windows")
    if "id" not in roles:
        notes.append("there is no id column: rows are told apart by their content")
    return tuple(notes)


def _who(roles: dict[Role, Guess], role: Role) -> str:
    return repr(roles[role].column) if role in roles else f"nobody (no {role} column)"
