"""The code in the documentation runs, page by page, as a reader would run it."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(DOCS.glob("*.md"))
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)[^)]*\)")


def blocks(page):
    """Yield the blocks of a page, each after as many empty lines as stand before it."""
    text = page.read_text()
    for found in _BLOCK.finditer(text):
        yield "\n" * text[: found.start(1)].count("\n") + found[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = list(blocks(page))
    assert found, f"{page.name} has no code that runs"
    namespace = {"__name__": "__main__"}
    for block in found:
        exec(compile(block, str(page), "exec"), namespace)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    broken = [link for link in _LINK.findall(page.read_text()) if not (DOCS / link).exists()]
    assert not broken
