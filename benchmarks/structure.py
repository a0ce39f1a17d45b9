"""Counts of the code's structure and words: `python -m benchmarks.structure`.

Arrows that run against the layers, folders that import each other in a circle, functions that
return an untyped dict, local names that say nothing, docstrings that open with a vague word, and
how long functions are. Lengths are lines of a function's body without its docstring.
"""

import argparse
import ast
import json
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/vouch"
FOLDERS = (SOURCE, ROOT / "tasks", ROOT / "flows", ROOT / "benchmarks")
"""Where local names are looked at; everything else is counted in the library alone."""
VAGUE = frozenset(
    ("found", "known", "told", "said", "asked", "given", "made", "held", "kept", "left", "there",
     "taken", "meant", "wanted", "things", "one")
)  # fmt: skip
"""Local names that do not say what they hold."""
OPENINGS = ("Give", "Tell", "Say", "See", "Have", "Let")
"""First words of docstrings that do not say what a function returns or does."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(source: Path = SOURCE) -> Iterator[tuple[Path, Function]]:
    """Yield every function of a folder of Python files, with its file."""
    for path in sorted(source.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, Function):
                yield path, node


def length(function: Function) -> int:
    """Return the lines of a function's body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def local_names(function: Function) -> set[str]:
    """Return the names a function's own code assigns, inner functions left to themselves."""
    names, nodes = set[str](), list(ast.iter_child_nodes(function))
    while nodes:
        node = nodes.pop()
        if isinstance(node, Function | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        nodes += ast.iter_child_nodes(node)
    return names


def folder_of(module: str) -> str:
    """Return the folder or root module under ``vouch`` that a module belongs to."""
    return ".".join(module.split(".")[1:2]) or "vouch"


def arrows(graph: grimp.ImportGraph) -> dict[str, set[str]]:
    """Return which folders each folder of the package imports."""
    result: dict[str, set[str]] = {}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            start, end = folder_of(module), folder_of(imported)
            if start != end:
                result.setdefault(start, set()).add(end)
    return result


def circles(edges: dict[str, set[str]]) -> list[set[str]]:
    """Return the groups of folders that reach each other (Tarjan's components of two and more)."""
    reach = {start: _reachable(edges, start) for start in edges}
    groups = [{end for end in ends if start in reach.get(end, ())} for start, ends in reach.items()]
    unique = {frozenset(group) for group in groups if len(group) > 1}
    return [set(group) for group in sorted(unique, key=sorted)]


def _reachable(edges: dict[str, set[str]], start: str) -> set[str]:
    seen, waiting = set[str](), [start]
    while waiting:
        for end in edges.get(waiting.pop(), ()):
            if end not in seen:
                seen.add(end)
                waiting.append(end)
    return seen


def counts() -> dict[str, object]:
    """Compute all counts of the present code."""
    nodes = [function for _, function in functions()]
    lengths = sorted(map(length, nodes))
    names = [n for each in FOLDERS for _, node in functions(each) for n in local_names(node)]
    returns = [ast.unparse(node.returns) for node in nodes if node.returns]
    opening = Counter((ast.get_docstring(node) or "").split(" ")[0] for node in nodes)
    groups = circles(arrows(grimp.build_graph("vouch", cache_dir=None)))
    return {
        "folder circles": [sorted(group) for group in groups],
        "functions": len(nodes),
        "functions that return dict[str, Any]": sum("dict[str, Any]" in each for each in returns),
        "local names": len(names),
        "vague local names": sum(name in VAGUE for name in names),
        "vague docstring openings": sum(opening[word] for word in OPENINGS),
        "functions over 40 lines": sum(each > 40 for each in lengths),
        "function length, median": statistics.median(lengths),
        "function length, 90 %": lengths[int(0.9 * len(lengths))],
    }


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.parse_args()
    print(json.dumps(counts(), indent=1))


if __name__ == "__main__":
    main()
