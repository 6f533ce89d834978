"""The modules of tfedge, as files and as what they define."""

import ast
import functools
import importlib
import inspect
from pathlib import Path

import tfedge

PACKAGE = Path(tfedge.__file__).parent
FILES = {
    ".".join(["tfedge", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(
        ".__init__"
    ): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


@functools.cache
def tree(name):
    """Return a module as its syntax tree."""
    return ast.parse(FILES[name].read_text(), filename=str(FILES[name]))


def public(module_name):
    """Return the public classes and functions that a module defines, by name."""
    module = importlib.import_module(module_name)
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module_name
    }
