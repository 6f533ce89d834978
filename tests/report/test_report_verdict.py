"""The sentence at the top says what was measured, and nothing else."""

from dataclasses import replace

import pytest

from tfedge.report.findings import Limit
from tfedge.report.writing.verdict import main_metric


def ratio(report, middle, low, high):
    found = replace(report.latency_ratio, ratio=middle, ratio_low=low, ratio_high=high)
    return replace(report, latency_ratio=found).verdict


def sizes(report, before, after):
    return replace(
        report,
        reference=replace(report.reference, size_bytes=before),
        size=replace(report.size, size_bytes=after),
    ).verdict


def scores(report, name, before, after):
    found = report.comparison
    found = replace(
        found,
        a=replace(found.a, metrics={name: before}),
        b=replace(found.b, metrics={name: after}),
        differences={name: after - before},
    )
    return replace(report, comparison=found).verdict


def test_sizes(of_files):
    assert "is 4.00 times smaller than the float32 file (10.0 kB instead of 40.0 kB)" in sizes(
        of_files, 40_000, 10_000
    )
    assert "is 1.50 times larger" in sizes(of_files, 10_000, 15_000)
    assert "is as large as the float32 file (10.0 kB)" in sizes(of_files, 10_000, 10_010)


def test_times(of_files):
    assert "runs 2.50 times as fast (95 % sure: 2.40 to 2.60)" in ratio(of_files, 2.5, 2.4, 2.6)
    assert "takes 2.00 times as long (95 % sure: 1.60 to 2.50)" in ratio(of_files, 0.5, 0.4, 0.625)
    assert "takes the same time, as far as 30 runs can tell" in ratio(of_files, 1.2, 0.9, 1.5)
    assert "is as fast, within 1 %" in ratio(of_files, 1.005, 1.002, 1.008)
    assert "fast" not in replace(of_files, latency_ratio=None, latency=None).verdict


def test_metrics(of_files):
    said = scores(of_files, "accuracy", 0.92, 0.9)
    assert "loses 2.00 points of accuracy (90.00 % instead of 92.00 % on 597 samples)" in said
    assert "gains 1.00 points of accuracy" in scores(of_files, "accuracy", 0.9, 0.91)
    assert "keeps its accuracy of 90.00 %" in scores(of_files, "accuracy", 0.9, 0.9)
    assert "has a mean absolute error of 0.2 instead of 0.1" in scores(of_files, "mae", 0.1, 0.2)
    assert main_metric({"auc": 0.9, "kind_accuracy": 0.5}) == "kind_accuracy"
    assert main_metric({"confusion_matrix": [1]}) is None


@pytest.mark.parametrize(
    ("met", "says"),
    [
        ((True, True), "it keeps the budget, 2 limits."),
        ((True, False), "it misses 1 of 2 limits (latency_ms 0.200 ms for 0.100 ms)."),
        ((True, None), "it keeps 1 of 2 limits; not measured: latency_ms."),
        ((False, None), "misses 1 of 2 limits (size_bytes 9.0 kB for 8.0 kB); not measured:"),
    ],
)
def test_budgets(of_files, met, says):
    limits = (
        Limit("size_bytes", 8000, 9000, met[0]),
        Limit("latency_ms", 0.1, None if met[1] is None else 0.2, met[1]),
    )
    assert says in replace(of_files, budget=limits).verdict


def test_one_sentence_in_a_terminal(of_files):
    assert of_files.verdict.count(". ") == 0 and of_files.verdict.endswith(".")
    lines = repr(of_files).splitlines()
    assert max(map(len, lines)) <= 90
    assert " ".join(lines).replace("  ", " ").startswith(of_files.verdict[:60])
