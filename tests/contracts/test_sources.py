"""Files stay short, and speak of the project alone."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from source_tree import FILES, tree

LONGEST_FILE = 300
LONGEST_FUNCTION = 40
ELSEWHERE = re.compile(r"\.\./|TODO|FIXME|XXX")


@pytest.mark.parametrize("name", FILES)
def test_files_are_short_and_speak_of_the_project(name):
    text = FILES[name].read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    assert not ELSEWHERE.findall(text)
    assert not re.search(r"except[^\n]*:\n\s+pass\b", text)


def code_lines(function):
    """Return the number of lines of a function, its docstring left out."""
    documented = ast.get_docstring(function, clean=False)
    lines = function.end_lineno - function.lineno + 1
    return lines - (len(documented.splitlines()) if documented else 0)


@pytest.mark.parametrize("name", FILES)
def test_functions_are_short(name):
    long = {
        node.name: code_lines(node)
        for node in ast.walk(tree(name))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and code_lines(node) > LONGEST_FUNCTION
    }
    assert not long


def test_test_files_have_names_of_their_own():
    tests = Path(__file__).parents[1].rglob("*.py")
    names = Counter(path.name for path in tests if path.name not in ("conftest.py", "__init__.py"))
    twice = [name for name, count in names.items() if count > 1]
    assert not twice, f"pytest imports test files by name alone, and {twice} are there twice"
