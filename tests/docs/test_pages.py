"""The code in the documentation runs, page by page, as a reader would run it."""

import re
import shlex
from pathlib import Path

import pytest

from tfedge.cli import main

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
_BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")


def blocks(page):
    """Yield language and code of the blocks, after as many empty lines as stand before them."""
    text = page.read_text()
    for found in _BLOCK.finditer(text):
        yield found[1], "\n" * text[: found.start(2)].count("\n") + found[2]


def run_commands(block):
    """Run each line of a shell block, commands of tfedge alone, in this process."""
    for line in filter(None, block.replace("\\\n", " ").splitlines()):
        program, *words = shlex.split(line)
        assert program == "tfedge", f"only tfedge's commands can run here, not {line!r}"
        assert main(words) == 0, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = list(blocks(page))
    assert found, f"{page.name} has no code that runs"
    namespace = {"__name__": "__main__"}
    for language, block in found:
        if language == "bash":
            run_commands(block)
        else:
            exec(compile(block, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    broken = [link for link in _LINK.findall(page.read_text()) if not (DOCS / link).exists()]
    assert not broken
