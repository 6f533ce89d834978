"""Pages stand alone, escape what they are given, and stay light."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from tfedge.report.findings import ActivationRange, ClassScores, LayerRow, Limit, WeightHistogram
from tfedge.report.measuring.scores import class_scores
from tfedge.report.writing.contents import sections

_VOID = {"meta", "link", "br", "img", "input", "hr"}
EVIL = "<script>alert('x')</script> & \"quoted\" `code` | pipe {{ braces }}"


class Page(HTMLParser):
    """Tags that are open, and everything that was seen."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.attributes = [], Counter(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.attributes += [(tag, *pair) for pair in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags[tag] += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(params=["of_files", "of_keras"])
def report(request):
    found = request.getfixturevalue(request.param)
    return found[0] if isinstance(found, tuple) else found


def wide(report, classes, layers):
    """Return a report of a model with many classes and layers."""
    rng = np.random.default_rng(0)
    counts = [rng.integers(0, 9, (classes, classes)) for _ in range(2)]
    names = [f"stage_{place}/block/conv" for place in range(layers)]
    row = report.layers[0]
    return replace(
        report,
        classes=class_scores({"confusion_matrix": counts[0]}, {"confusion_matrix": counts[1]}),
        layers=tuple(replace(row, index=at, layers=(name,)) for at, name in enumerate(names)),
        weights=tuple(replace(report.weights[0], name=name) for name in names),
        activations=tuple(replace(report.activations[0], name=name) for name in names),
    )


def test_well_formed_and_alone(report):
    text = report.to_html()
    page = Page(text)
    assert not page.open
    assert max(Counter(page.ids).values()) == 1
    assert page.tags["script"] == 1 and page.tags["style"] == 1 and page.tags["h1"] == 1
    assert not re.search(r"""(?:https?:)?//[a-z]|@import|url\(""", text)
    assert not [one for one in page.attributes if one[1] in ("src", "srcset", "onclick")]
    links = [value for tag, name, value in page.attributes if tag == "a" and name == "href"]
    assert {link[1:] for link in links} <= set(page.ids)
    assert len(text) < 250_000


def test_charts_have_words_and_are_xml(report):
    drawings = re.findall(r"<svg.*?</svg>", report.to_html(), re.DOTALL)
    assert len(drawings) >= 8
    for drawing in drawings:
        root = ElementTree.fromstring(drawing.replace(" data-tip ", " "))
        assert root.get("aria-label")
        numbers = [float(x) for x in re.findall(r'\s(?:x|y|cx|cy|width|height)="([^"]*)"', drawing)]
        assert np.isfinite(numbers).all()
        box = [float(one) for one in root.get("viewBox").split()]
        assert min(numbers) >= -1 and max(numbers) <= max(box) + 1


def test_every_table_has_a_caption_and_headings(report):
    page = Page(report.to_html())
    assert page.tags["table"] == page.tags["caption"] == page.tags["thead"]
    scopes = [value for tag, name, value in page.attributes if (tag, name) == ("th", "scope")]
    assert set(scopes) == {"col", "row"}


def test_names_cannot_break_out(of_files):
    row, output = of_files.layers[0], of_files.comparison.outputs[0]
    evil = replace(
        of_files,
        name=EVIL,
        task=EVIL,
        class_names=(EVIL,) * 10,
        inputs=(EVIL,),
        layers=(replace(row, layers=(EVIL,), operator=EVIL),),
        weights=(replace(of_files.weights[0], name=EVIL),),
        activations=(replace(of_files.activations[0], name=EVIL),),
        budget=(Limit(EVIL, 1, 2, False, EVIL),),
        comparison=replace(of_files.comparison, outputs=(replace(output, name=EVIL),)),
        recipe={EVIL: [EVIL, "</pre>", "```"]},
        stages=({"kind": EVIL, EVIL: 3},),
        trials=tuple({**one, "note": EVIL, EVIL: 1} for one in of_files.trials),
        environment={EVIL: EVIL, "tfedge": EVIL},
        left_out={EVIL: EVIL},
        how={"comparison": EVIL},
    )
    text = evil.to_html()
    page = Page(text)
    assert not page.open and page.tags["script"] == 1
    assert "<script>alert" not in text and "{{ braces }}" in text
    assert Page(evil._repr_html_()).tags["script"] == 0
    plain = evil.to_markdown()
    assert "<script>" not in re.sub(r"````.*?````", "", plain, flags=re.DOTALL)
    assert "\n````yaml\n" in plain
    tables = [line for line in plain.splitlines() if line.startswith("|")]
    assert all(re.search(r"[^\\]\|$", line) for line in tables)
    assert evil.verdict and repr(evil)


def test_a_fragment_touches_nothing_else(report):
    text = report._repr_html_()
    page = Page(text)
    assert not page.open
    assert not {"html", "head", "body", "script"} & set(page.tags)
    assert all(one.startswith(f"report-{report.sha256[:8]}-") for one in page.ids)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    selectors = re.findall(r"([^{}]+)\{", re.sub(r"@media[^{]*\{", "", style))
    parts = [part.strip() for selector in selectors for part in selector.split(",")]
    assert all(part.startswith(".tfedge") for part in parts)


def test_a_thousand_classes_and_three_hundred_layers(of_files):
    report = wide(of_files, 1000, 300)
    text = report.to_html()
    assert len(text) < 1_000_000
    assert report.classes[0].matrix is None
    tables = {
        block.caption: block
        for section in sections(report)
        for kind, block in section.kinds
        if kind == "table"
    }
    changed = next(one for name, one in tables.items() if "confusion changed most" in name)
    assert len(changed.rows) == 20
    sizes = [abs(int(cells[4].sort)) for cells in changed.rows]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] == 8
    assert not any("Confusion matrix" in name for name in tables)
    layers = next(one for name, one in tables.items() if "each layer" in name)
    assert len(layers.rows) == 300
    assert "the 24 largest of 300 kernels" in text


def test_few_classes_have_a_matrix_with_changes(of_files):
    before, after = np.array([[5, 1], [0, 4]]), np.array([[4, 2], [0, 4]])
    scores = class_scores({"confusion_matrix": after}, {"confusion_matrix": before})
    text = replace(of_files, classes=scores, class_names=("cat", "dog")).to_markdown()
    assert "| cat   | 4 −1 | 2 +1 |" in text
    assert "| dog   | ·    | 4    |" in text


def test_values_that_are_odd(of_files):
    flat = WeightHistogram("w", "CONV_2D", "int8", 4, 4, -0.5, 0.5, (0, 4, 0))
    still = ActivationRange("y", "RELU", "int8", 0.0, 0.0, 0.0, 0.0)
    far = (ActivationRange(f"y{at}", "ADD", "int8", -(10.0**at), 10.0**at) for at in range(9))
    row = LayerRow(None, ("lost",), "", "", (), 3, None, 12, 0, 0, 0, 0, None, None, None, None)
    best = replace(of_files.layers[0], sqnr_db=float("inf"))
    worst = replace(of_files.layers[0], sqnr_db=float("-inf"))
    odd = replace(
        of_files,
        weights=(flat,),
        activations=(still, *far),
        layers=(best, worst, row),
        classes=(ClassScores("", (0, 0), (0, 0), None, None, None, ()),),
        trials=({"size_bytes": 3, "accuracy": 0.5},),
        energy_reference=None,
        recipe={"rate": float("nan"), "inner": {"deep": object}},
    )
    text = odd.to_html()
    assert "nan" not in "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert "no signal" in text and "exact" in text
    assert "No tensor of the file is named after lost" in text
    assert "there is no front to draw" in text


def test_markdown_has_every_section_and_no_pictures(report):
    text = report.to_markdown()
    for section in sections(report):
        assert f"\n## {section.title}\n" in text
    assert "<svg" not in text and "\n\n\n" not in text


def test_how_is_said_beside_the_figures(of_files):
    said = {section.key: section.how for section in sections(of_files)}
    assert "597 samples" in said["quality"] and "litert" in said["quality"]
    assert "16 samples" in said["layers"] and "16 samples" in said["activations"]
    assert "estimated" in said["energy"]
