"""Losses of probabilities in int8, which are multiples of 1/256."""

import numpy as np
import pytest
import tensorflow as tf

import tfedge
from tfedge.models.flavours import tf_keras
from tfedge.models.training.logits import logits_of

keras = tf_keras()
X = np.random.default_rng(0).normal(size=(64, 6)).astype("float32") * 4


def head(kind):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,))
    if kind == "dense":
        outputs = keras.layers.Dense(5, activation="softmax")(inputs)
    elif kind == "sigmoid":
        outputs = keras.layers.Dense(1, activation="sigmoid")(inputs)
    else:
        x = keras.layers.Dense(5)(inputs)
        layer = keras.layers.Softmax() if kind == "layer" else keras.layers.Activation("softmax")
        outputs = layer(x)
    return keras.Model(inputs, outputs)


@pytest.mark.parametrize("kind", ["dense", "layer", "activation", "sigmoid"])
def test_the_cross_entropy_is_that_of_the_logits(kind):
    model = head(kind)
    y = np.arange(64) % (2 if kind == "sigmoid" else 5)
    loss = "binary_crossentropy" if kind == "sigmoid" else "sparse_categorical_crossentropy"
    quantized = tfedge.quantize(model, calibration=X)
    found = []
    for one in (model, quantized):
        one.compile(keras.optimizers.SGD(0.0), loss)
        found.append(one.evaluate(X, y, verbose=0))
    assert found[1] == pytest.approx(found[0], rel=0.02)
    probabilities = quantized(X).numpy()
    np.testing.assert_allclose(probabilities * 256, np.round(probabilities * 256), atol=1e-3)
    assert (probabilities == 0).any() or kind == "sigmoid"


def test_wrong_and_certain_answers_have_gradients():
    quantized = tfedge.quantize(head("dense"), calibration=X)
    said = quantized(X).numpy()
    rows = np.flatnonzero((said == 0).any(1))
    x, y = X[rows], said[rows].argmin(1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, quantized(x)))
    kernel = next(w for w in quantized.trainable_weights if "kernel" in w.name)
    assert np.abs(tape.gradient(loss, kernel)).max() > 0.1


@pytest.mark.parametrize("kind", ["dense", "layer", "activation"])
def test_a_teacher_and_its_quantized_copy_agree(kind):
    model = head(kind)
    student = tfedge.quantize(model, calibration=X)
    distiller = tfedge.Distiller(student, model, alpha=0.0)
    distiller.compile("sgd")
    assert distiller.evaluate(X, verbose=0, return_dict=True)["distillation_loss"] < 0.01


def test_plain_tensors_have_no_logits():
    assert logits_of(tf.constant(1.0)) is None
