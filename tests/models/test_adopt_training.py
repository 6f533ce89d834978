"""What adoption keeps for training, and that it shares nothing with the user's model."""

import random

import keras as keras3
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from handmade_models import MODELS, inputs_for, randomize

from tfedge.core.errors import ModelError
from tfedge.models import adopt, name_map

both = pytest.mark.parametrize("keras", [keras3, tf_keras], ids=["keras3", "tf_keras"])


@both
def test_the_users_model_is_untouched(keras):
    model = randomize(MODELS["conv_bn"](keras))
    model.compile(optimizer="adam", loss="mse")
    images = inputs_for(model)
    config, weights = model.to_json(), model.get_weights()
    answers = np.asarray(model(images, training=False))
    adopted = adopt(model)
    adopted.compile("sgd", "mse")
    adopted.fit(images, np.ones((3, 3)), verbose=0)
    assert model.to_json() == config
    assert model.optimizer is not None and type(model.optimizer).__name__ == "Adam"
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(answers, np.asarray(model(images, training=False)))
    assert not {id(layer) for layer in model.layers} & {id(layer) for layer in adopted.layers}


@both
def test_names_and_structure_are_kept(keras):
    several = adopt(MODELS["several"](keras))
    assert several.input_names == ["zeta", "alpha"]
    assert several.output_names == ["second", "first"]
    assert several.name == "several"
    by_name = adopt(MODELS["by_name"](keras))
    outputs = by_name({"zeta": np.ones((2, 4)), "alpha": np.ones((2, 3))})
    assert {key: tuple(value.shape) for key, value in outputs.items()} == {
        "yes": (2, 1),
        "no": (2, 2),
    }


@both
def test_a_shared_layer_stays_one_layer(keras):
    adopted = adopt(MODELS["several"](keras))
    assert len(adopted.get_layer("shared").inbound_nodes) == 2
    tower = adopt(MODELS["siamese"](keras))
    assert [weight.shape.as_list() for weight in tower.weights] == [[4, 3], [3]]


@both
def test_nested_models_are_flattened_and_flags_kept(keras):
    model = MODELS["nested"](keras)
    adopted = adopt(model)
    assert [layer.name for layer in adopted.layers if layer.weights] == ["conv", "base_conv", "bn"]
    names = name_map(model)
    assert names["conv"] == "conv"
    assert names["middle/base/conv"] == "base_conv"
    assert names["middle/base/bn"] == "bn"
    assert not adopted.get_layer("base_conv").trainable
    assert adopted.get_layer("conv").trainable
    assert len(adopted.trainable_weights) == len(model.trainable_weights) == 4


@both
def test_a_frozen_backbone_stays_frozen(keras):
    model = MODELS["nested"](keras)
    model.get_layer("middle").trainable = False
    adopted = adopt(model)
    assert len(adopted.trainable_weights) == len(model.trainable_weights) == 2


@both
def test_a_frozen_layer_inside_a_wrapper_stays_frozen(keras):
    inputs = keras.Input((4, 6))
    layer = keras.layers.TimeDistributed(keras.layers.Dense(3))
    model = keras.Model(inputs, layer(inputs))
    layer.layer.trainable = False
    adopted = adopt(model)
    assert adopted.trainable_weights == []
    assert len(adopted.non_trainable_weights) == 2


@both
def test_regularizers_count_the_same(keras):
    model = randomize(MODELS["sequential"](keras))
    expected = 0.01 * np.sum(np.square(np.asarray(model.layers[-1].kernel)))
    adopted = adopt(model)
    assert float(sum(adopted.losses)) == pytest.approx(float(expected), rel=1e-5)
    assert float(sum(model.losses)) == pytest.approx(float(expected), rel=1e-5)
    constraint = adopted.layers[-1].kernel_constraint
    assert type(constraint).__module__.startswith("tf_keras.")


@both
def test_dropout_drops_in_training_only(keras):
    inputs = keras.Input((1000,))
    adopted = adopt(keras.Model(inputs, keras.layers.Dropout(0.5)(inputs)))
    ones = np.ones((1, 1000), "float32")
    assert np.asarray(adopted(ones, training=False)).min() == 1.0
    zeros = np.mean(np.asarray(adopted(ones, training=True)) == 0.0)
    assert 0.4 < zeros < 0.6


@both
def test_a_model_called_in_inference_mode_stays_in_it(keras):
    model = randomize(MODELS["inference_inside"](keras))
    adopted = adopt(model)
    base = next(layer for layer in adopted.layers if "batch_normalization" in layer.name)
    before = [weight.numpy() for weight in base.weights]
    adopted(np.ones((8, 4), "float32"), training=True)
    for old, new in zip(before, base.weights, strict=True):
        np.testing.assert_array_equal(old, new.numpy())


@both
def test_operations_become_layers(keras):
    kinds = {type(layer).__name__ for layer in adopt(MODELS["operators"](keras)).layers}
    assert {"Add", "Multiply", "Rescaling"} <= kinds
    assert not [kind for kind in kinds if kind.endswith("OpLambda")]


@both
def test_adopting_twice_changes_nothing(keras):
    model = randomize(MODELS["nested"](keras))
    once = adopt(model)
    twice = adopt(once)
    assert [layer.name for layer in once.layers] == [layer.name for layer in twice.layers]
    inputs = inputs_for(model)
    np.testing.assert_array_equal(np.asarray(once(inputs)), np.asarray(twice(inputs)))
    assert not {id(weight) for weight in once.weights} & {id(weight) for weight in twice.weights}


@both
def test_training_goes_the_same_way(keras):
    """Four steps of SGD: both end alike. (Moving variances are biased in Keras 3 only.)"""
    layers = keras.layers
    inputs = keras.Input((6, 6, 2))
    x = layers.BatchNormalization(momentum=0.9)(layers.Conv2D(3, 3)(inputs))
    model = randomize(keras.Model(inputs, layers.Dense(2)(layers.Flatten()(layers.ReLU()(x)))))
    adopted = adopt(model)
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(8, 6, 6, 2)), rng.normal(size=(8, 2))
    for one, home in ((model, keras), (adopted, tf_keras)):
        one.compile(optimizer=home.optimizers.SGD(0.05), loss="mse")
        one.fit(images, labels, batch_size=4, epochs=2, shuffle=False, verbose=0)
    for ours, theirs in zip(model.trainable_weights, adopted.trainable_weights, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=2e-5)


@both
def test_adopted_models_can_be_cloned_and_saved(keras, tmp_path):
    model = randomize(MODELS["operators"](keras))
    adopted = adopt(model)
    inputs = inputs_for(model)
    cloned = tf_keras.models.clone_model(adopted)
    cloned.set_weights(adopted.get_weights())
    adopted.save(tmp_path / "adopted.keras")
    loaded = tf_keras.models.load_model(tmp_path / "adopted.keras")
    for one in (cloned, loaded):
        for expected, found in zip(adopted(inputs), one(inputs), strict=True):
            np.testing.assert_array_equal(np.asarray(expected), np.asarray(found))


def test_hard_sigmoid_is_that_of_the_users_keras():
    for keras, slope in ((keras3, 6.0), (tf_keras, 5.0)):
        inputs = keras.Input((1,))
        adopted = adopt(keras.Model(inputs, keras.layers.Activation("hard_sigmoid")(inputs)))
        answer = float(np.asarray(adopted(np.array([[0.6]], "float32")))[0, 0])
        assert answer == pytest.approx(0.6 / slope + 0.5, abs=1e-6)


def test_multihead_attention_survives_inside_a_wrapper_scope():
    adopted = adopt(adopt(MODELS["transformer"](keras3)))
    assert "MultiHeadAttention" in {type(layer).__name__ for layer in adopted.layers}


@both
def test_normalization_counts_as_it_computes_not_as_it_is_stored(keras):
    layer = keras.layers.Normalization()
    inputs = keras.Input((2,))
    model = keras.Model(inputs, layer(inputs))
    layer.adapt(np.array([[1.0, 2.0], [3.0, 6.0]], "float32"))
    layer.weights[0].assign(np.array([9.0, 9.0], "float32"))  # without finalize_state
    data = np.array([[5.0, 7.0]], "float32")
    np.testing.assert_allclose(np.asarray(model(data)), [[3.0, 1.5]], atol=1e-5)
    np.testing.assert_allclose(np.asarray(adopt(model)(data)), [[3.0, 1.5]], atol=1e-5)


def test_the_users_random_numbers_stay_the_same():
    model = MODELS["conv_bn"](keras3)
    tf.random.set_seed(3)
    random.seed(3)
    np.random.seed(3)
    expected = random.random(), np.random.random(), float(tf.random.uniform(()))
    tf.random.set_seed(3)
    random.seed(3)
    np.random.seed(3)
    adopt(model)
    assert (random.random(), np.random.random(), float(tf.random.uniform(()))) == expected


def test_a_broken_copy_of_a_weight_would_show():
    model = randomize(MODELS["conv_bn"](keras3))
    adopted = adopt(model)
    bn = adopted.get_layer("bn")
    gamma, beta, mean, variance = bn.get_weights()
    bn.set_weights([beta, gamma, mean, variance])
    images = inputs_for(model)
    assert np.abs(np.asarray(model(images)) - np.asarray(adopted(images))).max() > 1e-4


def test_mixed_precision_computes_in_half_and_keeps_weights_whole():
    adopted = adopt(MODELS["mixed_precision"](keras3))
    conv = adopted.layers[1]
    assert (conv.compute_dtype, conv.dtype) == ("float16", "float32")
    assert adopted.output.dtype.name == "float32"


def test_the_error_of_a_wrong_shape_names_the_layer():
    class Wide(keras3.layers.Layer):
        def call(self, inputs):
            return inputs

    from tfedge.models import register_layer

    register_layer(Wide, lambda layer: tf_keras.layers.Dense(7))
    inputs = keras3.Input((4,))
    with pytest.raises(ModelError, match=r"'wide'.*Wide.*registered"):
        adopt(keras3.Model(inputs, Wide(name="wide")(inputs)))
