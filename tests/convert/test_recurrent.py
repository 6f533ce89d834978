"""Recurrent models: fused, unrolled, or refused with the layer's name."""

import numpy as np
import pytest

import tfedge
from tfedge.convert import proof, recurrent
from tfedge.errors import ConversionError

X = np.random.default_rng(0).standard_normal((40, 10, 4)).astype("float32")
pytestmark = pytest.mark.filterwarnings("ignore:40 calibration samples are too few")


def model_of(keras, *layers):
    """A model of these layers on ten steps of four values."""
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((10, 4)), *layers, keras.layers.Dense(3)], name="steps")


def kinds(layers):
    """One model's layers of each recurrent kind."""
    return {
        "LSTM": [layers.LSTM(5)],
        "stacked LSTM": [layers.LSTM(5, return_sequences=True), layers.LSTM(4)],
        "GRU": [layers.GRU(5)],
        "SimpleRNN": [layers.SimpleRNN(5)],
        "bidirectional LSTM": [layers.Bidirectional(layers.LSTM(4))],
        "bidirectional GRU": [layers.Bidirectional(layers.GRU(4))],
        "cells": [layers.RNN([layers.LSTMCell(4), layers.GRUCell(4)])],
        "LSTM with another activation": [layers.LSTM(5, activation="relu")],
    }


def operators(lite):
    """Names of the operators in a file."""
    return {item.name for item in lite.operators}


@pytest.mark.parametrize("kind", list(kinds(pytest.importorskip("tf_keras").layers)))
def test_int8_keeps_the_signal(keras, kind):
    model = model_of(keras, *kinds(keras.layers)[kind])
    lite = tfedge.convert(model, "int8", X)
    assert lite.float_operators == ()
    assert "WHILE" not in operators(lite)
    assert lite.notes["parity"].sqnr_db > 20


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "bidirectional LSTM"])
def test_float_is_exact(keras, kind):
    model = model_of(keras, *kinds(keras.layers)[kind])
    lite = tfedge.convert(model, "float32")
    np.testing.assert_allclose(lite.predict(X), np.asarray(model(X)), atol=1e-5)


def test_a_plain_lstm_is_one_operator_and_small(keras):
    fused = tfedge.convert(model_of(keras, keras.layers.LSTM(5)), "int8", X)
    unrolled = tfedge.convert(model_of(keras, keras.layers.GRU(5)), "int8", X)
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" in operators(fused)
    assert fused.size_bytes < unrolled.size_bytes / 4


def test_a_mask_compares_in_float_and_needs_the_fallback(keras):
    model = model_of(keras, keras.layers.Masking(), keras.layers.LSTM(5))
    with pytest.raises(ConversionError, match="NOT_EQUAL"):
        tfedge.convert(model, "int8", X)
    mixed = tfedge.convert(model, "int8", X, float_fallback=True)
    assert mixed.notes["parity"].sqnr_db > 20


def test_a_fused_file_that_proves_poor_gives_way_to_an_unrolled_one(keras, monkeypatch):
    model = model_of(keras, keras.layers.LSTM(5))
    judged = []

    def first_is_poor(lite, *_):
        judged.append(operators(lite))
        return len(judged) == 1

    monkeypatch.setattr(proof, "_is_poor", first_is_poor)
    tfedge.convert(model, "int8", X)
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" in judged[0]
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM" not in judged[1]


def test_nested_recurrent_layers_are_found(keras):
    inner = keras.Sequential([keras.Input((10, 4)), keras.layers.GRU(5)])
    model = model_of(keras, inner)
    assert recurrent.has_recurrent(model)
    assert tfedge.convert(model, "int8", X).notes["parity"].sqnr_db > 25


def test_convolutional_recurrence_is_refused_for_int8_and_named(keras):
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((4, 6, 6, 1)), layers.ConvLSTM2D(2, 3, name="rain"), layers.Flatten()]
    )
    frames = np.zeros((8, 4, 6, 6, 1), "float32")
    with pytest.raises(ConversionError, match=r"'rain' \(ConvLSTM2D\)"):
        tfedge.convert(model, "int8", frames)
    assert tfedge.convert(model, "dynamic").notes["parity"].sqnr_db > 15


def test_open_timesteps_are_taken_from_shapes_or_samples(keras):
    for layer in (keras.layers.LSTM(3), keras.layers.GRU(3)):
        model = keras.Sequential([keras.Input((None, 4), name="steps"), layer])
        assert tfedge.convert(model, input_shapes=(10, 4)).inputs[0].shape == (1, 10, 4)
        assert tfedge.convert(model, "int8", X).inputs[0].shape == (1, 10, 4)
