"""Who may import whom: the contracts in setup.cfg, and what no import may do."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from source_tree import FILES, tree

ROOT = Path(__file__).parents[2]
FLAVOURS = ("tensorflow_model_optimization", "tf_keras", "keras")


def test_contracts_of_the_floors():
    linter = shutil.which("lint-imports", path=Path(sys.executable).parent)
    if linter is None:
        pytest.skip("import-linter is not installed")
    ran = subprocess.run(
        [linter, "--config", "setup.cfg"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 kept, 0 broken" in ran.stdout


def imported(name):
    """Yield the packages that the import statements of a module name."""
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno} imports by dots"
            yield node.module


@pytest.mark.parametrize("name", FILES)
def test_the_kerases_and_tfmot_come_through_the_flavours(name):
    found = {module.partition(".")[0] for module in imported(name)} & set(FLAVOURS)
    assert not found, f"{name} imports {found}; ask tfedge.models.flavours"
    strings = [
        node.args[0].value.partition(".")[0]
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") == "import_module"
        and isinstance(node.args[0], ast.Constant)
    ]
    if set(strings) & set(FLAVOURS) and name != "tfedge.models.flavours":
        assert "tfedge.models.flavours" in imported(name)
