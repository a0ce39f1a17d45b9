"""Open questions of a source's declaration (field ``confirm``), which must be settled first."""

import re
from collections.abc import Sequence
from pathlib import Path

import yaml

from vouch.core.errors import VouchError
from vouch.core.files import replacing
from vouch.sources.declaration import Declaration, load_declaration


def check_confirmed(source: Declaration, path: Path) -> None:
    """Check that no question of a declaration is open.

    Args:
        source: The declaration.
        path: Its file, for the message.

    Raises:
        VouchError: A question is open; names each.
    """
    if not source.confirm:
        return
    raise VouchError(
        f"{path}: confirm: {len(source.confirm)} open questions",
        "mend the field that each begins with and remove its line from confirm, or: "
        f"vouch source confirm {source.name}",
        [f"- {question}" for question in source.confirm],
    )


def settle(path: Path, settled: Sequence[str]) -> int:
    """Remove questions from a declaration; every other line stays as it is.

    Args:
        path: The declaration's file.
        settled: The questions.

    Returns:
        How many stay open.

    Raises:
        VouchError: No such file, or one that is no declaration.
    """
    source = load_declaration(path)
    text = path.read_text("utf-8")
    remaining = [question for question in source.confirm if question not in set(settled)]
    lines = text.splitlines(keepends=True)
    first, last = _section(text)
    # what follows the name on its line is a comment, or the list itself
    head = lines[first] if re.match(r"confirm:\s*(#|$)", lines[first]) else "confirm:\n"
    section = [head, *(f"  - {_quoted(question)}\n" for question in remaining)] if remaining else []
    with replacing(path) as draft:
        draft.write_text("".join([*lines[:first], *section, *lines[last:]]), "utf-8")
    return len(remaining)


def _section(text: str) -> tuple[int, int]:
    """Find the lines of the field: from its first up to, but not with, the last given."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(node, yaml.MappingNode)
    for key, value in node.value:
        if key.value == "confirm":
            mark = value.end_mark
            ended = mark.line + (mark.column > 0)
            lines = text.splitlines()[key.start_mark.line + 1 : ended]
            # a block list ends where the next field begins: blank lines and comments are no part
            while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
                lines.pop()
            return key.start_mark.line, key.start_mark.line + 1 + len(lines)
    return 0, 0


def _quoted(text: str) -> str:
    quoted: str = yaml.safe_dump(text, default_style='"', width=float("inf"), allow_unicode=True)
    return quoted.strip()
