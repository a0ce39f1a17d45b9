"""The code each stage depends on, from the import graph: `python -m benchmarks.dependencies`.

Writes it into dvc.yaml; a test keeps the two equal. A stage depends on the modules that its
function and its parameters import, in any use case, directly or not; on those that a use case names
for a part the stage asks for; and on the templates beside them. A folder stands for all it holds.
"""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import grimp

from vouch.project.stages import STAGES, Stage
from vouch.usecases import USECASES

ROOT = Path(__file__).parents[1]
REFERENCE = re.compile(r"(vouch(?:\.\w+)+):\w+")


def code(stage: Stage, graph: grimp.ImportGraph) -> list[str]:
    """Return the folders and files of code that a stage depends on, sorted.

    Args:
        stage: The stage.
        graph: The imports of ``vouch``.
    """
    entries = {
        reference.partition(":")[0]
        for usecase in USECASES
        for reference in (stage.function(usecase), stage.params(usecase))
    }
    return sorted(_folded(_closure(entries, graph)))


def imports() -> grimp.ImportGraph:
    """Return the import graph of ``vouch``, without what only type checkers import."""
    return grimp.build_graph("vouch", exclude_type_checking_imports=True, cache_dir=None)


def _closure(entries: Iterable[str], graph: grimp.ImportGraph) -> set[str]:
    reached, waiting = set[str](), list(entries)
    while waiting:
        module = waiting.pop()
        if module in reached:
            continue
        reached.add(module)
        waiting += graph.find_modules_directly_imported_by(module)
        waiting += _named(module)
        if "." in module:  # its package is run first
            waiting.append(module.rpartition(".")[0])
    return reached


def _named(module: str) -> set[str]:
    """Return the modules that a module reaches by name: parts of a use case, and their defaults."""
    if module.startswith("vouch.usecases"):  # their tables name what other stages ask for
        return set()
    texts = {
        node.value
        for node in ast.walk(ast.parse(_path(module).read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    named = {match[1] for text in texts if (match := REFERENCE.fullmatch(text))}
    for usecase in USECASES.values():
        named |= {usecase.PARTS[part].partition(":")[0] for part in texts & usecase.PARTS.keys()}
    return named


def _path(module: str) -> Path:
    place = ROOT / "src" / module.replace(".", "/")
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _folded(modules: set[str]) -> set[str]:
    """Return paths, a folder where all its modules are among them."""
    files = {_path(module) for module in modules - {"vouch"}}
    folders = {file.parent for file in files} - {ROOT / "src/vouch"}
    whole = {folder for folder in folders if set(folder.rglob("*.py")) <= files}
    assets = {folder / "templates" for folder in folders if (folder / "templates").is_dir()}
    kept = {path for path in files | whole | assets if not whole & set(path.parents)}
    return {path.relative_to(ROOT).as_posix() for path in kept}


def main() -> None:
    """Write the dependencies into dvc.yaml."""
    graph, path = imports(), ROOT / "dvc.yaml"
    text = path.read_text()
    for stage in STAGES:
        lines = "".join(f"        - {each}\n" for each in code(stage, graph))
        block = rf"(^  {stage.name}:\n(?:.*\n)*?      deps:\n)(?:        - src/vouch/.*\n)*"
        text = re.sub(block, lambda match, lines=lines: match[1] + lines, text, count=1, flags=re.M)
    path.write_text(text)


if __name__ == "__main__":
    main()
