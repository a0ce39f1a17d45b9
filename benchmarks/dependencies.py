"""The code each stage depends on, from the import graph: `python -m benchmarks.dependencies`.

Writes it into dvc.yaml; a test keeps the two equal. A stage depends on the modules that its
function and its parameters import, directly or not; on the use case's own folder, ``${item.code}``;
on the shared modules that the folder's methods import which the stage calls; and on the templates
beside them. A folder stands for all it holds.
"""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import grimp

from vouch.project.stages import STAGES, Stage
from vouch.usecases import UseCase, find, names

ROOT = Path(__file__).parents[1]
USECASES = "vouch.usecases"
OWN = tuple(f"{USECASES}.{name}" for name in names())
METHODS = frozenset(
    name for name in vars(UseCase) if callable(getattr(UseCase, name)) and name[0] != "_"
)


def code(stage: Stage, graph: grimp.ImportGraph) -> list[str]:
    """Return the folders and files of code that a stage depends on, sorted.

    The use case's own folder comes first, by its variable.

    Args:
        stage: The stage.
        graph: The imports of ``vouch``.
    """
    entries = {stage.function().__module__}
    entries |= {stage.params(name).__module__ for name in names()}
    modules = {each for each in _closure(entries, graph) if not _is_own(each)}
    return ["${item.code}", *sorted(_folded(modules))]


def imports() -> grimp.ImportGraph:
    """Return the import graph of ``vouch``, without what only type checkers import."""
    return grimp.build_graph("vouch", exclude_type_checking_imports=True, cache_dir=None)


def _is_own(module: str) -> bool:
    return any(module == own or module.startswith(f"{own}.") for own in OWN)


def _closure(entries: Iterable[str], graph: grimp.ImportGraph) -> set[str]:
    reached, waiting = set[str](), list(entries)
    while waiting:
        module = waiting.pop()
        if module in reached:
            continue
        reached.add(module)
        if module in OWN:  # its methods import what they need: only those called count
            continue
        waiting += graph.find_modules_directly_imported_by(module)
        waiting += [] if _is_own(module) else _called(module)
        if "." in module:  # its package is run first
            waiting.append(module.rpartition(".")[0])
    return reached


def _called(module: str) -> set[str]:
    """Return the modules that use cases import in those methods that a module calls."""
    if module.startswith(USECASES):  # the contract itself, and what only reads declarations
        return set()
    called = {
        node.attr
        for node in ast.walk(ast.parse(_path(module).read_text()))
        if isinstance(node, ast.Attribute) and node.attr in METHODS
    }
    return {each for name in names() for method in called for each in _imported(name, method)}


def _imported(usecase: str, method: str) -> set[str]:
    """Return the modules a use case imports in one of its methods."""
    module = type(find(usecase)).__module__
    functions = (
        node
        for node in ast.walk(ast.parse(_path(module).read_text()))
        if isinstance(node, ast.FunctionDef) and node.name == method
    )
    return {
        node.module
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and node.module
    }


def _path(module: str) -> Path:
    place = ROOT / "src" / module.replace(".", "/")
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _folded(modules: set[str]) -> set[str]:
    """Return paths, a folder where all its modules are among them."""
    files = {_path(module) for module in modules - {"vouch"}}
    folders = {file.parent for file in files} - {ROOT / "src/vouch"}
    whole = {folder for folder in folders if set(folder.rglob("*.py")) <= files}
    assets = {folder / "templates" for folder in folders if (folder / "templates").is_dir()}
    paths = {path for path in files | whole | assets if not whole & set(path.parents)}
    return {path.relative_to(ROOT).as_posix() for path in paths}


def main() -> None:
    """Write the dependencies into dvc.yaml."""
    graph, path = imports(), ROOT / "dvc.yaml"
    text = path.read_text()
    for stage in STAGES:
        lines = "".join(f"        - {each}\n" for each in code(stage, graph))
        listed = r"(?:        - (?:src/vouch/|\$\{item\.code).*\n)*"
        block = rf"(^  {stage.name}:\n(?:.*\n)*?      deps:\n)" + listed
        text = re.sub(block, lambda match, lines=lines: match[1] + lines, text, count=1, flags=re.M)
    path.write_text(text)


if __name__ == "__main__":
    main()
