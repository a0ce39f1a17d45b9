"""The classes of a source's label: the use case's own, or those its label column declares."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from vouch.core.errors import VouchError
from vouch.labels.reviews import DecisionWords
from vouch.results.extract import Extracted
from vouch.sources.declaration import DROP, Column, Declaration, plain_word
from vouch.usecases import find
from vouch.usecases.contract import UseCase

FEWEST, MOST = 2, 20
LONGEST = 40
CLASS_NAME = re.compile(r"(\w|[+-]\d)[\w .+/\u200c\u200d-]*")
"""What a class may be called, its combining marks left out: it names columns, values and buttons.

The two invisible characters join or part letters, in Persian for instance.
"""
FALSE, TRUE = ("0", "false", "no", "f", "n"), ("1", "true", "yes", "t", "y")


def class_names(declaration: Declaration) -> tuple[str, ...]:
    """Return the names of a source's classes, class 0 first.

    They are what a label's values are mapped to; or, of a use case that lets its sources have
    other classes, the values themselves, where they are not as many as its own; or its own.
    """
    usecase, values = find(declaration.usecase), _values(declaration)
    if isinstance(values, Mapping):
        targets = [name for name in dict.fromkeys(values.values()) if name != DROP]
        own = [name for name in usecase.classes if name in targets]
        return tuple(own if len(own) == len(targets) else targets)
    if values and usecase.open_classes and len(values) != len(usecase.classes):
        return values
    return usecase.classes


def written_names(declaration: Declaration) -> tuple[str, ...]:
    """Return the classes as the source's label column writes them; two without names are 0 and 1.

    Of several spellings of a class it is the class's name.
    """
    values, names = _values(declaration), class_names(declaration)
    if values and not isinstance(values, Mapping):
        return values
    return names if isinstance(values, Mapping) or len(names) > 2 else ("0", "1")


def label_words(declaration: Declaration) -> dict[int, tuple[str, ...]]:
    """Return each class's words in their plain form, as a file's are compared with them.

    Args:
        declaration: Whose label it is; the values it declares are the only words.

    Returns:
        For each class, 0 first, its words. Of two undeclared classes the usual words for false
        and true, 0 and 1 among them, are words too; of more, numbers could mean anything.
    """
    values, names = _values(declaration), class_names(declaration)
    if isinstance(values, Mapping):
        return {
            place: tuple(plain_word(word) for word, name in values.items() if name == target)
            for place, target in enumerate(names)
        }
    if values:
        return {place: (plain_word(word),) for place, word in enumerate(values)}
    words: dict[int, tuple[str, ...]] = {n: (plain_word(name),) for n, name in enumerate(names)}
    return {0: (*FALSE, *words[0]), 1: (*TRUE, *words[1])} if len(names) == 2 else words


def listed_values(declaration: Declaration) -> tuple[str, ...]:
    """Return a list's values in lower case, class 0 first: their places alone say their classes.

    Nothing where values are mapped to classes by name, or none are declared.
    """
    values = _values(declaration)
    return () if isinstance(values, Mapping) else tuple(map(plain_word, values))


def mapped_values(declaration: Declaration) -> dict[str, str]:
    """Return each value that is mapped to a class, in lower case, and the class's name."""
    values = _values(declaration)
    pairs = values.items() if isinstance(values, Mapping) else ()
    return {plain_word(word): name for word, name in pairs if name != DROP}


def decision_words(declaration: Declaration) -> dict[str, int | None]:
    """Return what a person may have decided, in lower case: a class's name or a file's value.

    Returns:
        Each word's class; None: rows of that value are left out by now.
    """
    two = len(class_names(declaration)) == 2  # people may say 0 and 1 while none are declared
    words: dict[str, int | None] = {"0": 0, "1": 1} if two else {}
    words |= dict.fromkeys(dropped_words(declaration))
    if _values(declaration):  # the usual words for false and true are for files: f could be fraud
        for number, values in label_words(declaration).items():
            words |= dict.fromkeys(values, number)
    for names in (written_names(declaration), class_names(declaration)):
        words |= {plain_word(name): number for number, name in enumerate(names)}
    return words


def reviewed_words(declaration: Declaration) -> DecisionWords:
    """Return what people's words for a source's classes mean by now."""
    return DecisionWords(decision_words(declaration), find(declaration.usecase).classes)


def dropped_words(declaration: Declaration) -> tuple[str, ...]:
    """Return the label's values, in their plain form, whose rows are left out on purpose."""
    values = _values(declaration)
    pairs = values.items() if isinstance(values, Mapping) else ()
    return tuple(plain_word(word) for word, name in pairs if name == DROP)


def with_classes(extracted: Extracted) -> Extracted:
    """Return an extract's result with its classes: early ones lack the use case's own."""
    if extracted.classes:
        return extracted
    return extracted.model_copy(update={"classes": list(find(extracted.usecase).classes)})


def check_same_classes(extracted: Extracted, declaration: Declaration, model: str) -> None:
    """Check that a model's classes are a source's, whatever their order.

    Args:
        extracted: What extract wrote of the model's rows.
        declaration: The source as it is declared now.
        model: What the model is called, for the message.

    Raises:
        VouchError: A class is missing or new, or its values stand for another by now.
    """
    now = extracted.model_copy(
        update={
            "classes": list(class_names(declaration)),
            "listed": list(listed_values(declaration)),
            "mapped": mapped_values(declaration),
        }
    )
    if reason := with_classes(extracted).differing(now):
        raise VouchError(
            f"{model} cannot be used for the source {declaration.name!r}: {reason}",
            f"train it anew: vouch run {declaration.usecase}",
        )


def check_classes(usecase: UseCase, declaration: Declaration, path: Path) -> None:
    """Check the values that a label declares.

    Args:
        usecase: The use case.
        declaration: The source.
        path: Its file, for the message.

    Raises:
        VouchError: More or fewer than the classes, a value listed twice, a class of the use case
            listed in another's place, which would turn its labels into the other's, or a class's
            name that cannot be one.
    """
    name, values = declaration.column("label"), _values(declaration)
    if not name or not values:
        return
    place = f"{path}: columns.{name}.values"
    _check_words([plain_word(word) for word in values], place)
    if isinstance(values, Mapping) and not usecase.open_classes:
        _check_targets(usecase, class_names(declaration), place)
    elif isinstance(values, Mapping):
        _check_names(class_names(declaration), place)
        _check_distinct((DROP, *class_names(declaration)), place)
    elif not usecase.open_classes or len(values) == len(usecase.classes):
        _check_order(usecase.classes, values, place)
    else:
        _check_names(values, place)
        _check_distinct(values, place)


def _values(declaration: Declaration) -> tuple[str, ...] | Mapping[str, str]:
    name = declaration.column("label")
    column: Column | None = declaration.columns[name] if name else None
    return column.values if column else ()


def _check_targets(usecase: UseCase, names: tuple[str, ...], place: str) -> None:
    if set(names) != set(usecase.classes):
        raise VouchError(
            f"{place}: must map to {' and '.join(usecase.classes)} (got {', '.join(names)})",
            f"map each value to one of {', '.join(usecase.classes)}, or to {DROP}",
        )


def _check_words(words: Sequence[str], place: str) -> None:
    if "" in words:
        raise VouchError(f"{place}: an empty cell is no label", "leave the empty value out")
    if twice := next((word for word in words if words.count(word) > 1), None):
        raise VouchError(f"{place}: {twice!r} stands there twice", "list each value once")


def _check_names(names: tuple[str, ...], place: str) -> None:
    if not FEWEST <= len(names) <= MOST:
        raise VouchError(
            f"{place}: {len(names)} classes, but {FEWEST} to {MOST} can be learned",
            f"map several values to one class, or to {DROP}: {{pos: positive, spam: {DROP}}}",
        )
    for name in names:
        if not _is_name(name):
            raise VouchError(
                f"{place}: no class can be called {name!r}: up to {LONGEST} letters, digits, "
                "spaces or . + / -, the first a letter or digit",
                "map the value to such a name, as in {'<3': love, 'B,2': B2}",
            )


def _is_name(name: str) -> bool:
    # a mark belongs to the letter before it, as in Hindi, and is none itself
    letters = "".join(sign for sign in name if not unicodedata.category(sign).startswith("M"))
    return len(name) <= LONGEST and bool(CLASS_NAME.fullmatch(letters))


def _check_distinct(names: tuple[str, ...], place: str) -> None:
    """Check that no two names look alike: a decision is one class, however it is typed."""
    by_word: dict[str, str] = {}
    for name in names:
        other = by_word.setdefault(unicodedata.normalize("NFC", plain_word(name)), name)
        if other != name:
            raise VouchError(
                f"{place}: {other!r} and {name!r} are the same name: capitals, outer spaces and "
                "a number's .0 make no difference",
                f"write {other!r} both times, or choose another name for one of them",
            )


def _check_order(classes: tuple[str, ...], values: tuple[str, ...], place: str) -> None:
    rule = f"{place}: must be {len(classes)} values in the order {', '.join(classes)}"
    if len(values) != len(classes):
        hint = f"values: [{', '.join(classes)}], or what the file calls them, in this order"
        raise VouchError(f"{rule} (got {', '.join(values)})", hint)
    own = {plain_word(name): name for name in classes}
    for value, name in zip(values, classes, strict=True):
        if (other := own.get(plain_word(value), name)) != name:
            raise VouchError(
                f"{rule}, but {value!r} stands in the place of {name}",
                f"values: [{', '.join(_ordered(classes, values))}], if the file's {value!r} is "
                f"{other}; if it is {name}, map each value: {{{value}: {name}, ...}}",
            )


def _ordered(classes: tuple[str, ...], values: tuple[str, ...]) -> list[str]:
    """Put the classes' own names in their places, and the other values in those that are left."""
    spelled = {plain_word(value): value for value in values}
    words = [plain_word(name) for name in classes]
    others = (value for word, value in spelled.items() if word not in words)
    return [spelled[word] if word in spelled else next(others) for word in words]
