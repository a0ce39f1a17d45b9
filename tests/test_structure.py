"""The rooms of the library, and the counts that are kept of it."""

import ast

import grimp

from benchmarks.structure import arrows, circles, length, local_names


def test_no_two_folders_import_each_other_in_a_circle():
    edges = arrows(grimp.build_graph("vouch", cache_dir=None))
    assert len(edges) > 15
    assert circles(edges) == []


def test_a_circle_is_found_however_long_it_is():
    edges = {"a": {"b", "d"}, "b": {"c"}, "c": {"a"}, "d": {"e"}, "f": {"g"}, "g": {"f"}}
    assert circles(edges) == [{"a", "b", "c"}, {"f", "g"}]


def test_a_function_is_measured_without_its_docstring_and_inner_functions_names():
    code = 'def f(a):\n    """Return it."""\n    b = a\n    def g():\n        c = 1\n    return b\n'
    function = ast.parse(code).body[0]
    assert length(function) == 4
    assert local_names(function) == {"b"}
