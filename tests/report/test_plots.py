import sys

import pytest

from tfedge.core.errors import ArgumentError, MissingPackageError
from tfedge.report import plot_tradeoff

ROWS = [
    {"bytes": 200_000, "accuracy": 0.95, "file": "float"},
    {"bytes": 60_000, "accuracy": 0.94, "file": "int8"},
    {"bytes": 30_000, "accuracy": 0.9, "file": "pruned"},
]
KEYS = {"x": "bytes", "y": "accuracy", "label": "file"}


def points(axes):
    return [tuple(dots.get_offsets()[0].tolist()) for dots in axes.collections]


def test_every_row_is_a_labelled_point():
    pytest.importorskip("matplotlib")
    axes = plot_tradeoff(ROWS, **KEYS, title="digits")
    assert points(axes) == sorted((row["bytes"], row["accuracy"]) for row in ROWS)
    assert [text.get_text() for text in axes.texts] == ["pruned", "int8", "float"]
    assert [text.xy for text in axes.texts] == points(axes)
    assert len({tuple(dots.get_facecolor()[0]) for dots in axes.collections}) == 3
    assert axes.get_title() == "digits"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("bytes", "accuracy")
    assert axes.get_xscale() == "log"
    low, high = axes.get_xlim()
    assert low < 30_000 and high > 200_000


def test_axes_and_titles_of_ones_own(tmp_path):
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    mine = Figure().add_subplot()
    axes = plot_tradeoff(ROWS, **KEYS, x_title="size", y_title="worth", axes=mine)
    assert axes is mine
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("size", "worth")
    axes.figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes()[:4] == b"\x89PNG"
    ticks = [tick.get_text() for tick in axes.get_xticklabels()]
    assert "50 k" in ticks and "100 k" in ticks


def test_no_window_is_opened():
    pytest.importorskip("matplotlib")
    plot_tradeoff(ROWS, **KEYS)
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "rows is empty"),
        ([*ROWS, {"bytes": 1, "file": "x"}], "Row 3 has no value for 'accuracy'.*'bytes', 'file'"),
        ([{**ROWS[0], "bytes": None}], "Row 0 has no value for 'bytes'"),
        ([{**ROWS[0], "bytes": 0}], "bytes=0.*logarithmic"),
        ([{**ROWS[0], "bytes": float("nan")}], "bytes=nan.*logarithmic"),
    ],
)
def test_rows_that_cannot_be_drawn_are_refused(rows, says):
    with pytest.raises(ArgumentError, match=says):
        plot_tradeoff(rows, **KEYS)


def test_without_matplotlib_the_message_names_the_remedy(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPackageError, match=r"tfedge\[plot\]"):
        plot_tradeoff(ROWS, **KEYS)
