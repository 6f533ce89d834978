"""What a file needs, against sums by hand."""

import itertools
import sys

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import MissingPackageError, ModelError
from tfedge.runtime.memory.record import MemoryRecord


@pytest.fixture
def cnn(load):
    """8x8 image -> 8x8x16 -> 6x6x16 -> 6x6x24 -> 3x3x24 -> 10, in 8 bits."""
    return load("cnn_int8")


def test_each_operator_by_hand(cnn):
    found = tfedge.memory(cnn, micro=False)
    sizes = [64, 8 * 8 * 16, 6 * 6 * 16, 6 * 6 * 24, 3 * 3 * 24]
    expected = [-(-a // 16) * 16 + -(-b // 16) * 16 for a, b in itertools.pairwise(sizes)]
    assert [one.live_bytes for one in found.operators[:4]] == expected
    assert found.peak.index == 1 and found.peak.live_bytes == found.peak_bytes == 1024 + 576
    assert [one.size_bytes for one in found.living(1)] == [1024, 576]
    assert found.flash_bytes == len(cnn.content)
    assert found.ram_bytes == found.arena_bytes == 1600
    assert {one.scratch_bytes for one in found.operators} == {0}


def test_weights_are_those_that_lie_in_the_file(cnn):
    found = tfedge.memory(cnn, micro=False)
    stored = {tensor.index: value.nbytes for tensor, value in cnn.stored()}
    assert found.weight_bytes == sum(stored.values())
    first = cnn.operators[0]
    assert found.operators[0].weight_bytes == sum(stored.get(i, 0) for i in first.inputs)


def test_states_come_on_top(load):
    found = tfedge.memory(load("lstm"), micro=False)
    assert found.state_bytes == 64 and found.ram_bytes == found.arena_bytes + 64
    lstm = next(one for one in found.operators if one.name.endswith("LSTM"))
    cell = next(one for one in load("lstm").tensors() if one.variable)
    assert lstm.scratch_bytes == 4 * np.prod(cell.shape) * np.dtype(cell.dtype).itemsize
    assert "64 for states" in repr(found)


def test_the_table_and_the_frame(cnn):
    pandas = pytest.importorskip("pandas")
    found = tfedge.memory(cnn, micro=False)
    text = repr(found)
    assert "Most at operator 1 DEPTHWISE_CONV_2D, 1,600 bytes" in text
    assert "tflite-micro: not asked" in text
    frame = found.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["live_bytes"].max() == found.peak_bytes


def test_the_chart_shows_every_buffer(cnn):
    pytest.importorskip("matplotlib")
    found = tfedge.memory(cnn, micro=False)
    axes = found.plot()
    bars = [box for group in axes.containers for box in group]
    drawn = {(box.get_y(), box.get_height(), box.get_width()) for box in bars}
    assert drawn == {
        (one.offset_bytes, one.size_bytes, one.last - one.first + 1) for one in found.buffers
    }
    assert "1 DEPTHWISE_CONV_2D" in axes.get_legend().get_texts()[-1].get_text()


def test_without_tflite_micro(cnn, monkeypatch):
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = tfedge.memory(cnn)
    assert found.micro is None and "pip install 'tfedge[micro]'" in found.micro_note
    with pytest.raises(MissingPackageError, match=r"pip install 'tfedge\[micro\]'"):
        tfedge.memory(cnn, micro=True)


def test_what_has_no_memory():
    with pytest.raises(ModelError, match="have its memory planned"):
        tfedge.memory(3)


def test_paths_and_bytes_are_files_too(cnn, tflite_files):
    found = tfedge.memory(tflite_files / "cnn_int8.tflite", micro=False)
    assert isinstance(found, MemoryRecord) and found == tfedge.memory(cnn, micro=False)
    assert tfedge.memory(cnn.content, micro=False).arena_bytes == found.arena_bytes
