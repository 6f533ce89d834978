"""Parameters and multiply-accumulates against closed forms written out by hand."""

import keras as keras3
import pytest
import tf_keras
from handmade_models import MODELS

from tfedge.core.errors import ModelError
from tfedge.models import adopt
from tfedge.models.statistics import model_statistics

both = pytest.mark.parametrize("keras", [keras3, tf_keras], ids=["keras3", "tf_keras"])


def single(keras, shape, make):
    inputs = keras.Input(shape)
    return keras.Model(inputs, make(keras.layers)(inputs))


CLOSED_FORMS = {
    "conv": ((8, 8, 3), lambda L: L.Conv2D(4, 3, strides=2, padding="same"), 4 * 4 * 4 * 27),
    "grouped": ((8, 8, 6), lambda L: L.Conv2D(4, 3, groups=2), 6 * 6 * 4 * 9 * 3),
    "conv1d": ((10, 3), lambda L: L.Conv1D(5, 4), 7 * 5 * 4 * 3),
    "dilated": ((10, 10, 2), lambda L: L.Conv2D(3, 3, dilation_rate=2), 6 * 6 * 3 * 18),
    "conv3d": ((5, 5, 5, 2), lambda L: L.Conv3D(3, 2), 64 * 3 * 8 * 2),
    "depthwise": ((8, 8, 3), lambda L: L.DepthwiseConv2D(3, depth_multiplier=2), 36 * 6 * 9),
    "separable": ((8, 8, 3), lambda L: L.SeparableConv2D(5, 3), 36 * (3 * 9 + 3 * 5)),
    "transpose": ((4, 4, 3), lambda L: L.Conv2DTranspose(5, 2, strides=2), 16 * 3 * 4 * 5),
    "dense": ((7,), lambda L: L.Dense(5), 35),
    "dense_on_a_sequence": ((6, 7), lambda L: L.Dense(5), 6 * 35),
    "lstm": ((6, 3), lambda L: L.LSTM(4), 6 * 4 * (3 * 4 + 4 * 4)),
    "gru": ((6, 3), lambda L: L.GRU(4), 6 * 3 * (3 * 4 + 4 * 4)),
    "rnn": ((6, 3), lambda L: L.SimpleRNN(4, return_sequences=True), 6 * (3 * 4 + 4 * 4)),
    "both_ways": ((6, 3), lambda L: L.Bidirectional(L.GRU(4)), 2 * 6 * 3 * 28),
    "cells": (
        (6, 3),
        lambda L: L.RNN([L.LSTMCell(4), L.GRUCell(2)]),
        6 * (4 * 28 + 3 * (4 * 2 + 2 * 2)),
    ),
    "conv_lstm": (
        (5, 6, 6, 2),
        lambda L: L.ConvLSTM2D(3, 3, return_sequences=True),
        5 * 16 * 4 * 9 * (2 * 3 + 3 * 3),
    ),
    "distributed": ((5, 7), lambda L: L.TimeDistributed(L.Dense(3)), 5 * 21),
    "einsum": (
        (6, 7),
        lambda L: L.EinsumDense("abc,cde->abde", output_shape=(6, 2, 3)),
        6 * 7 * 2 * 3,
    ),
    "einsum_dots": ((6, 7), lambda L: L.EinsumDense("...x,xy->...y", output_shape=5), 6 * 35),
    "relu": ((6, 7), lambda L: L.ReLU(), 0),
    "batch_norm": ((6, 7), lambda L: L.BatchNormalization(), 0),
    "embedding": ((6,), lambda L: L.Embedding(10, 4), 0),
}


@both
@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_closed_forms(keras, name):
    shape, make, expected = CLOSED_FORMS[name]
    model = single(keras, shape, make)
    statistics = model_statistics(model)
    assert statistics.macs == expected
    assert statistics.parameters == model.count_params()
    if keras is keras3:
        assert model_statistics(adopt(model)).macs == expected


@both
def test_attention(keras):
    layers = keras.layers
    query, value = keras.Input((5, 8)), keras.Input((7, 6))
    x = layers.MultiHeadAttention(2, 3, value_dim=4, output_shape=9)(query, value)
    y = layers.Attention()([x, layers.Dense(9)(value)])
    statistics = model_statistics(keras.Model([query, value], y))
    projections = 5 * 8 * 6 + 7 * 6 * 6 + 7 * 6 * 8 + 5 * 8 * 9
    assert [one.macs for one in statistics.layers if one.kind == "MultiHeadAttention"] == [
        projections + 2 * 5 * 7 * (3 + 4)
    ]
    assert [one.macs for one in statistics.layers if one.kind == "Attention"] == [5 * 7 * 18]


@both
def test_a_shared_layer_pays_twice_and_weighs_once(keras):
    statistics = model_statistics(MODELS["siamese"](keras))
    (dense,) = [one for one in statistics.layers if one.kind == "Dense"]
    assert (dense.calls, dense.parameters, dense.macs) == (2, 15, 24)
    assert statistics.macs == 24 + 3


@both
def test_nested_models_and_frozen_layers(keras):
    model = MODELS["nested"](keras)
    statistics = model_statistics(model)
    assert statistics.parameters == model.count_params()
    by_name = {one.name: one for one in statistics.layers}
    assert by_name["base_conv"].trainable_parameters == 0
    assert by_name["base_conv"].parameters == 2 * 2 * 2 * 3 + 3
    assert by_name["bn"].trainable_parameters == 6
    assert by_name["base_conv"].macs == 25 * 24


@both
def test_a_model_inside_a_wrapper(keras):
    statistics = model_statistics(MODELS["time_distributed_model"](keras))
    (encoder,) = [one for one in statistics.layers if one.kind == "TimeDistributed"]
    assert encoder.macs == 4 * 16 * 18


def test_mobilenet_v2_as_published():
    """Sandler et al., CVPR 2018, table 4: 3.4 M parameters, 300 M MACs."""
    model = tf_keras.applications.MobileNetV2(weights=None)
    statistics = model_statistics(model)
    assert statistics.parameters == model.count_params() == 3_538_984
    assert statistics.macs == pytest.approx(300e6, rel=0.02)


def test_open_sizes_are_named():
    inputs = keras3.Input((None, None, 3))
    model = keras3.Model(inputs, keras3.layers.Conv2D(4, 3, name="conv")(inputs))
    with pytest.raises(ModelError, match=r"'conv' depend on an open dimension"):
        model_statistics(model)


def test_records_travel(tmp_path):
    model = MODELS["several"](keras3)
    model.save(tmp_path / "several.keras")
    statistics = model_statistics(tmp_path / "several.keras")
    assert statistics.to_dict()["layers"][0]["kind"] == "Dense"
    assert "total" in repr(statistics)
