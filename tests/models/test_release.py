"""Trained weights come back into the user's model, or nothing is written."""

import keras as keras3
import numpy as np
import pytest
import tf_keras
from handmade_models import MODELS, inputs_for, randomize

from tfedge.core.errors import ModelError
from tfedge.models import adopt, release
from tfedge.models.flavours import tfmot

both = pytest.mark.parametrize("keras", [keras3, tf_keras], ids=["keras3", "tf_keras"])
NAMES = ["conv_bn", "nested", "siamese", "lstm", "transformer", "time_distributed_model", "several"]
NAMES += ["preprocessing", "custom_rnn", "conv_lstm", "two_directions"]


def flat(outputs):
    return [np.asarray(one) for one in (outputs if isinstance(outputs, list) else [outputs])]


@both
@pytest.mark.parametrize("name", NAMES)
def test_there_and_back(keras, name):
    model = randomize(MODELS[name](keras))
    trained = randomize(adopt(model), seed=7)
    inputs = inputs_for(model)
    before = flat(model(inputs, training=False))
    assert release(trained, into=model) is model
    for old, new, expected in zip(
        before, flat(model(inputs, training=False)), flat(trained(inputs, training=False)),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_allclose(new, expected, atol=1e-5)
        assert np.abs(new - old).max() > 1e-3


@both
def test_an_untrained_copy_gives_back_the_same_weights(keras):
    model = randomize(MODELS["nested"](keras))
    before = model.get_weights()
    release(adopt(model), into=model)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_smaller_layers_are_refused_and_nothing_is_written():
    model = randomize(MODELS["sequential"](keras3))
    before = model.get_weights()
    inputs = tf_keras.Input((20, 3))
    other = adopt(model)
    x = inputs
    for layer in other.layers[1:-1]:
        x = layer(x)
    name = other.layers[-1].name
    smaller = randomize(tf_keras.Model(inputs, tf_keras.layers.Dense(2, name=name)(x)), seed=3)
    with pytest.raises(ModelError, match=rf"'{name}'.*\n?.*channels were removed"):
        release(smaller, into=model)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_another_model_is_refused():
    model = MODELS["lstm"](keras3)
    with pytest.raises(ModelError, match="do not have the same layers"):
        release(adopt(MODELS["conv_bn"](keras3)), into=model)


def test_wrappers_must_come_off_first():
    model = MODELS["conv_bn"](keras3)
    pruned = tf_keras.models.clone_model(
        adopt(model),
        clone_function=lambda layer: (
            tfmot().sparsity.keras.prune_low_magnitude(layer)
            if layer.name == "conv"
            else layer.__class__.from_config(layer.get_config())
        ),
    )
    with pytest.raises(ModelError, match=r"PruneLowMagnitude.*tfedge\.strip"):
        release(pruned, into=model)


def test_the_target_must_be_a_model():
    with pytest.raises(ModelError, match="A Keras model was asked for"):
        release(adopt(MODELS["several"](keras3)), into="model.keras")
