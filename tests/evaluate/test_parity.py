import json
import math

import numpy as np
import pytest

from tfedge.core.errors import DataError, ModelError
from tfedge.evaluate.difference import Difference, sqnr_db
from tfedge.evaluate.layers import (
    first_divergence,
    layer_outputs,
    layer_parity,
    match_layers,
)
from tfedge.evaluate.pair import match_outputs
from tfedge.evaluate.parity import compare


def test_ratio_of_signal_to_noise():
    signal = np.array([3.0, 4.0])
    assert sqnr_db(signal, signal) == math.inf
    assert sqnr_db(signal, signal + np.array([0.5, 0.0])) == pytest.approx(20.0)
    assert sqnr_db(signal, 0 * signal) == pytest.approx(0.0)
    assert sqnr_db(0 * signal, signal) == -math.inf
    with pytest.raises(DataError, match="Shapes differ"):
        sqnr_db(signal, signal[:1])


def test_a_uniform_quantizer_gains_six_decibels_per_bit():
    signal = np.random.default_rng(0).uniform(-1, 1, 100_000)
    found = [sqnr_db(signal, np.round(signal * 2**bits) / 2**bits) for bits in (6, 7, 8)]
    assert np.diff(found) == pytest.approx([6.02, 6.02], abs=0.1)


def record(reference, test, step=None, parts=3):
    """Return how alike two outputs are, told in several batches."""
    difference = Difference("y", step)
    for index in np.array_split(np.arange(len(reference)), parts):
        difference.update(reference[index], test[index])
    return difference.record()


def test_agreement_of_classifiers():
    a = np.eye(4)[[0, 1, 2, 3, 0]]
    b = np.eye(4)[[0, 1, 2, 0, 0]]
    found = record(a, b, step=0.5)
    assert (found.agreement, found.agreement_of) == (0.8, "highest output")
    assert (found.largest_difference, found.largest_difference_steps) == (1, 2)
    assert found.sqnr_db == pytest.approx(10 * math.log10(5 / 2))


def test_agreement_of_single_outputs():
    chance = np.array([0.1, 0.4, 0.6, 0.9])
    found = record(chance, np.array([0.2, 0.6, 0.7, 0.8]))
    assert (found.agreement, found.agreement_of) == (0.75, "side of 0.5")
    real = np.random.default_rng(0).normal(size=(500, 1)) * 5
    noise = np.random.default_rng(1).normal(size=(500, 1))
    found = record(real, real + noise)
    expected = 1 - np.sum(noise**2) / np.sum((real - real.mean()) ** 2)
    assert found.agreement == pytest.approx(expected)
    assert found.agreement_of == "variance"


def test_agreement_of_an_autoencoder_is_variance():
    x = np.random.default_rng(0).normal(size=(50, 6)).astype("float32")
    noise = 0.1 * np.random.default_rng(1).normal(size=x.shape).astype("float32")
    found = compare(lambda x: 2 * x, lambda x: 2 * x + noise, x, latency=False, batch_size=50)
    [output] = found.outputs
    expected = 1 - np.sum(noise**2) / np.sum((2 * x - 2 * x.mean()) ** 2)
    assert output.agreement_of == "variance"
    assert output.agreement == pytest.approx(expected, abs=1e-4)


def test_as_many_classes_as_features_are_classes_still():
    x = np.eye(6, dtype="float32")
    [output] = compare(lambda x: x, lambda x: x[:, ::-1], x, latency=False).outputs
    assert (output.agreement_of, output.agreement) == ("highest output", 0)


def test_a_file_compared_with_itself(load, digits):
    found = compare(load("cnn_int8"), load("cnn_int8"), digits["x"], digits["y"], latency=False)
    assert found.agreement == 1
    assert found.sqnr_db == math.inf
    assert found.largest_difference_steps == 0
    assert found.differences == {"accuracy": 0}


@pytest.mark.parametrize("name", ["cnn_int8", "cnn_int8_float_io"])
def test_the_keras_outputs_against_the_file(load, digits, name):
    def keras(x):
        keras.done += len(x)
        return digits["keras"][keras.done - len(x) : keras.done]

    keras.done = 0
    model = load(name)
    found = compare(keras, model, digits["x"], digits["y"], latency=False)
    outputs = model.predict(digits["x"])
    assert found.samples == len(digits["x"])
    assert found.sqnr_db == pytest.approx(sqnr_db(digits["keras"], outputs))
    assert found.agreement == np.mean(digits["keras"].argmax(1) == outputs.argmax(1))
    largest = np.abs(digits["keras"] - outputs).max()
    assert found.largest_difference_steps == pytest.approx(largest * 256, rel=1e-5)
    assert found.a.size_bytes is None
    assert found.b.gzip_bytes == model.gzip_bytes
    assert found.differences["accuracy"] == pytest.approx(
        found.b.metrics["accuracy"] - found.a.metrics["accuracy"]
    )


def test_the_table_fits_a_terminal(load, digits):
    found = compare(load("cnn_float"), load("cnn_int8"), digits["x"], digits["y"], layers=True)
    text = repr(found)
    assert max(map(len, text.splitlines())) <= 80
    for word in ("cnn_float", "cnn_int8", "accuracy", "size", "latency", "SQNR", "steps"):
        assert word in text
    assert found.a.latency_ms > 0
    assert json.loads(found.to_json())["samples"] == len(digits["x"])


def test_several_outputs_are_compared_by_name(load, tflite_files):
    data = np.load(tflite_files / "two_by_two.npz")
    x = {"left": data["left"], "right": data["right"]}

    def keras(x):
        return {"size": data["size"], "kind": data["kind"]}

    found = compare(keras, load("two_by_two"), x, latency=False)
    assert {output.name for output in found.outputs} == {"size", "kind"}
    assert found.sqnr_db > 80


def test_outputs_are_matched_by_name_then_order_then_shape():
    wide, narrow = np.zeros((2, 4)), np.zeros((2, 1))
    assert match_outputs({"a": wide, "b": narrow}, {"b": narrow, "a": wide}) == {"a": "a", "b": "b"}
    numbered = {f"output_{n}": narrow for n in (10, 2)}
    assert match_outputs({"x": narrow, "y": narrow}, numbered) == {
        "x": "output_2",
        "y": "output_10",
    }
    assert match_outputs({"x": wide, "y": narrow}, {"p": narrow, "q": wide}) == {"x": "q", "y": "p"}
    with pytest.raises(ModelError, match="cannot be matched"):
        match_outputs({"x": wide}, {"p": narrow})
    with pytest.raises(ModelError, match="cannot be matched"):
        match_outputs({"x": wide}, {"p": wide, "q": narrow})


def test_layers_find_their_tensors(load, digits, tflite_files):
    reference = dict(np.load(tflite_files / "cnn_layers.npz"))
    x = digits["x"][:16]
    found = layer_parity(reference, load("cnn_float"), x)
    assert [item.layer for item in found] == list(reference)
    assert min(item.sqnr_db for item in found) > 80
    found = layer_parity(reference, load("cnn_int8"), x)
    assert [item.layer for item in found] == list(reference)
    assert 20 < min(item.sqnr_db for item in found) < 60


def test_the_first_layer_that_parts_is_named(load, digits, tflite_files):
    reference = dict(np.load(tflite_files / "cnn_layers.npz"))
    x = digits["x"][:16]
    assert first_divergence(reference, load("cnn_int8"), x) is None
    wrong = {
        name: value if name in ("first", "second") else -value for name, value in reference.items()
    }
    found = first_divergence(wrong, load("cnn_int8"), x)
    assert found.layer == "third"
    assert "third" in found.tensor


def test_names_of_layers_with_and_without_what_tracing_appends():
    one, two = np.zeros((1, 4)), np.zeros((1, 5))
    tensors = {"m/conv_1/Relu;m/conv_1/Conv": one, "m/conv/Relu": two}
    assert match_layers({"conv": two, "conv_1": one}, tensors) == {
        "conv": "m/conv/Relu",
        "conv_1": "m/conv_1/Relu;m/conv_1/Conv",
    }
    appended = {"m/conv_1/Relu": two, "m/conv_1_1/Relu": one, "m/dense_1/MatMul": one}
    assert match_layers({"conv": two, "conv_1": one, "dense": one}, appended) == {
        "conv": "m/conv_1/Relu",
        "conv_1": "m/conv_1_1/Relu",
        "dense": "m/dense_1/MatMul",
    }


def test_a_fused_tensor_is_the_last_of_its_layers():
    one = np.zeros((1, 4))
    reference = {"conv": one, "bn": one, "relu": one}
    name = "m/relu/Relu;m/bn/add;m/conv/Conv2D"
    assert match_layers(reference, {name: one}) == {"relu": name}
    assert match_layers(dict(reversed(reference.items())), {name: one}) == {"conv": name}


def test_operators_within_a_layer_may_be_called_like_other_layers():
    one = np.zeros((2, 4))
    reference = dict.fromkeys(("norm", "dense", "add_1"), one)
    names = [
        "net/norm/moments/mul",
        "net/norm/batchnorm/add_1",
        "net/dense/MatMul",
        "net/add_1/add",
    ]
    assert match_layers(reference, dict.fromkeys(names, one)) == {
        "norm": "net/norm/batchnorm/add_1",
        "dense": "net/dense/MatMul",
        "add_1": "net/add_1/add",
    }


def test_a_layer_called_like_its_model():
    reference = {"net": np.zeros((2, 4)), "net_1": np.zeros((2, 3))}
    tensors = {"net/net/Relu": np.zeros((2, 4)), "net/net_1/MatMul": np.zeros((2, 3))}
    assert match_layers(reference, tensors) == dict(zip(reference, tensors, strict=True))


def test_layers_need_a_file_and_a_graph(load, digits):
    with pytest.raises(ModelError, match=r"is none"):
        compare(load("cnn_int8"), np.asarray, digits["x"], metrics=(), latency=False, layers=True)
    with pytest.raises(ModelError, match="shows no graph"):
        layer_outputs(np.square, digits["x"])
