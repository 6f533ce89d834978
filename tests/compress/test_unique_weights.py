import gzip
import sys

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import MissingPackageError
from tfedge.core.sizes import indexed_size
from tfedge.models.flavours import keras3, tf_keras


@pytest.fixture
def model():
    """A convolution with 5 distinct weights, 2 in a channel, and a Dense layer with 72."""
    keras = keras3()
    layers = [
        keras.Input((6, 6, 1)),
        keras.layers.Conv2D(4, 3, name="conv"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(18, name="head"),
    ]
    model = keras.Sequential(layers)
    kernel = np.zeros((9, 4), "float32")
    kernel[::2] = [1, 2, 3, 4]
    model.get_layer("conv").kernel.assign(kernel.reshape(3, 3, 1, 4))
    head = np.arange(72, dtype="float32").reshape(4, 18)
    model.get_layer("head").kernel.assign(head)
    return model


def test_counts_and_sizes_by_hand(model):
    report = tfedge.unique_weights(model)
    conv, head = report.kernels
    assert (conv.name, conv.kind, conv.weights, conv.size_bytes) == (
        "conv/kernel",
        "Conv2D",
        36,
        144,
    )
    assert (conv.unique, conv.unique_per_channel, conv.clustered) == (5, 2, False)
    one_table, tables = -(-36 * 3 // 8) + 5 * 4, -(-36 * 1 // 8) + 4 * 2 * 4
    assert conv.indexed_bytes == min(one_table, tables)
    assert conv.gzip_bytes == len(
        gzip.compress(np.asarray(model.get_layer("conv").kernel).tobytes(), 9)
    )
    assert (head.unique, head.unique_per_channel, head.indexed_bytes) == (72, 4, 288)
    assert report.weights == 108
    assert report.indexed_bytes == conv.indexed_bytes + 288


@pytest.mark.parametrize(("values", "bits"), [(1, 0), (2, 1), (3, 2), (16, 4), (17, 5)])
def test_bits_of_an_index(values, bits):
    assert indexed_size(800, values, 2, tables=3) == 100 * bits + 3 * values * 2


def test_wrapped_models_count_what_they_compute(mlp):
    model = mlp(tf_keras())
    shared = tfedge.cluster(model, 4, layers="hidden")
    rows = {row.name: row for row in tfedge.unique_weights(shared).kernels}
    assert (rows["hidden/kernel"].unique, rows["hidden/kernel"].clustered) == (4, True)
    assert (rows["head/kernel"].unique, rows["head/kernel"].clustered) == (160, False)
    plain = tfedge.unique_weights(tfedge.strip(shared))
    assert [row.unique for row in plain.kernels] == [4, 160]
    qat = tfedge.quantize(shared)
    assert [row.unique for row in tfedge.unique_weights(qat).kernels] == [4, 160]


def test_files_are_counted_as_they_lie(model, tmp_path):
    lite = tfedge.convert(model)
    lite.save(tmp_path / "model.tflite")
    counted = {row.unique: row for row in tfedge.unique_weights(tmp_path / "model.tflite").kernels}
    assert set(counted) == {5, 72}
    assert counted[5].unique_per_channel == 2


def test_table_and_chart(model):
    report = tfedge.unique_weights(model)
    head, conv, dense, total = repr(report).splitlines()[1:]
    assert head.split() == ["weights", "unique", "a", "channel", "raw", "gzip", "indexed"]
    assert conv.split()[:6] == ["conv/kernel", "36", "5", "2", "144", "B"]
    assert dense.split()[0] == "head/kernel" and total.split()[:2] == ["total", "108"]
    axes = report.plot()
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        "conv/kernel (5)",
        "head/kernel (72)",
    ]
    widths = sorted(bar.get_width() for bar in axes.patches)
    sizes = [[row.size_bytes, row.gzip_bytes, row.indexed_bytes] for row in report.kernels]
    np.testing.assert_allclose(widths, np.sort(np.ravel(sizes)) / 1000)
    assert report.plot(axes) is axes


def test_a_chart_without_matplotlib(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPackageError, match=r"tfedge\[plot\]"):
        tfedge.unique_weights(model).plot()
