"""TFLite's sparse encoding: offered where it is smaller and gives the same values."""

import gzip
import json

import numpy as np
import pytest

import tfedge
from tfedge.convert import sparse as room
from tfedge.core.errors import ArgumentError, ConversionError
from tfedge.core.masks import magnitude_mask
from tfedge.models.flavours import keras3

X = np.random.default_rng(0).normal(size=(32, 64)).astype("float32")


def model(sparsity, pattern="element"):
    keras = keras3()
    keras.utils.set_random_seed(0)
    inputs = keras.Input((64,), name="x")
    x = keras.layers.Dense(256, activation="relu", name="wide")(inputs)
    made = keras.Model(inputs, keras.layers.Dense(8, name="head")(x), name="sparse_net")
    kernel = made.get_layer("wide").kernel
    kernel.assign(kernel.numpy() * magnitude_mask(kernel.numpy(), sparsity, pattern))
    return made


@pytest.mark.parametrize("pattern", ["element", "16x1"])
def test_the_smaller_file_is_offered(pattern):
    dense = tfedge.convert(model(0.9, pattern))
    lite = tfedge.convert(model(0.9, pattern), sparse="auto")
    record = lite.notes["storage"]
    assert record.encoding == "sparse" and lite.size_bytes < 0.4 * dense.size_bytes
    assert record.dense_bytes == dense.size_bytes and record.sparse_bytes == lite.size_bytes
    assert record.dense_gzip_bytes == pytest.approx(len(gzip.compress(dense.content, 9)), abs=30)
    assert record.sparse_gzip_bytes == lite.gzip_bytes
    assert set(record.runtimes) == set(tfedge.available_runtimes()) - {"tf.lite"}
    for runtime in tfedge.available_runtimes():
        expected = dense.predict(X, runtime=runtime)
        np.testing.assert_allclose(lite.predict(X, runtime=runtime), expected, atol=1e-4)
    assert lite.notes["parity"].sqnr_db > 80
    assert "Unstructured zeros" in repr(record) and "* sparse" in repr(record)
    assert json.loads(record.to_json())["encoding"] == "sparse"
    wide = max(tfedge.sparsity(lite).layers, key=lambda row: row.weights)
    assert wide.weights == 64 * 256 and wide.sparsity == pytest.approx(0.9, abs=0.001)


def test_a_dense_model_stays_dense():
    lite = tfedge.convert(model(0.0), sparse="auto")
    assert lite.notes["storage"].encoding == "dense"
    assert lite == tfedge.convert(model(0.0))
    assert "storage" not in tfedge.convert(model(0.0)).notes


def test_what_does_not_run_everywhere_is_not_offered():
    lite = tfedge.convert(model(0.8), "dynamic", sparse="auto")
    record = lite.notes["storage"]
    assert record.encoding == "dense" and record.sparse_bytes is None and not record.runtimes
    assert "does not run" in record.reason
    assert lite.predict(X).shape == (32, 8)
    with pytest.raises(ConversionError, match=r"'sparse_net' cannot be stored sparsely: on \w+"):
        tfedge.convert(model(0.8), "dynamic", sparse=True)


def test_wrong_values_are_seen(monkeypatch):
    outputs = room._outputs

    def slightly_off(lite, x, runtime):
        off = 1.001 if lite.size_bytes < 40_000 else 1.0
        return [one * off for one in outputs(lite, x, runtime)]

    monkeypatch.setattr(room, "_outputs", slightly_off)
    record = tfedge.convert(model(0.9), sparse="auto").notes["storage"]
    assert record.encoding == "dense" and "gives other values" in record.reason


def test_unknown_choices_are_refused():
    with pytest.raises(ArgumentError, match="sparse='yes' is not known"):
        tfedge.convert(model(0.9), sparse="yes")


def test_samples_for_the_proof_are_read_once():
    data = (sample for sample in X)
    lite = tfedge.convert(model(0.9), parity=data, sparse="auto")
    assert lite.notes["parity"].samples == len(X)
    assert lite.notes["storage"].encoding == "sparse"
