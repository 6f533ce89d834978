import numpy as np
import pytest

from tfedge.core.errors import ModelError
from tfedge.runtime.facts import inspect_file
from tfedge.runtime.latency.surgery import only_operator
from tfedge.runtime.model import TFLiteModel

FILES = ("cnn_float", "cnn_int8", "cnn_int16x8", "two_by_two")


@pytest.mark.parametrize("name", FILES)
def test_each_operator_alone_computes_what_it_does_in_the_file(name, load):
    model = load(name)
    rng = np.random.default_rng(0)
    feeds = []
    for tensor in model.inputs:
        values = rng.random((1, *tensor.shape[1:]), "float32")
        feeds.append(values if tensor.dtype == "float32" else (100 * values).astype(tensor.dtype))
    known = dict(inspect_file("activations", model.content, model.name, feeds))
    known.update((tensor.index, value) for tensor, value in zip(model.inputs, feeds, strict=True))
    compared = 0
    for operator in model.operators:
        read = [index for index in operator.inputs if index in known]
        if not read or operator.outputs[0] not in known or operator.name == "RESHAPE":
            continue
        content = only_operator(model.content, operator.index, read, operator.outputs)
        alone = TFLiteModel(content, operator.name)
        assert [one.name for one in alone.operators] == [operator.name]
        given = [known[tensor.index] for tensor in alone.inputs]
        found = dict(inspect_file("activations", content, operator.name, given))
        for index in operator.outputs:
            np.testing.assert_array_equal(found[index], known[index])
        compared += 1
    assert compared >= 5


def test_a_file_without_operators_hands_its_input_on(load):
    model = load("cnn_float")
    index = model.inputs[0].index
    empty = TFLiteModel(only_operator(model.content, None, [index], [index]))
    assert empty.operators == ()
    x = np.random.default_rng(0).random((1, 8, 8, 1), "float32")
    np.testing.assert_array_equal(empty.predict(x), x)


def test_weights_stay_in_place(load):
    model = load("cnn_int8")
    first = model.operators[0]
    alone = TFLiteModel(only_operator(model.content, 0, [model.inputs[0].index], first.outputs))
    stored = {tensor.index: value for tensor, value in model.stored()}
    for tensor, value in alone.stored():
        np.testing.assert_array_equal(value, stored[tensor.index])
    assert model == load("cnn_int8"), "the file itself is not changed"


def test_an_operator_that_is_not_there(load):
    with pytest.raises(ModelError, match="no operator 10: the file has 10"):
        only_operator(load("cnn_int8").content, 10, [0], [0])
