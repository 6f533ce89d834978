"""Adopted models answer like the user's, and leave the user's alone."""

import keras as keras3
import numpy as np
import pytest
import tf_keras
from handmade_models import MODELS, ONLY_KERAS3, inputs_for, randomize

from tfedge.models import adopt
from tfedge.models.flavours import flavour_of

KERASES = {"keras3": keras3, "tf_keras": tf_keras}
CASES = [(name, kind) for name in MODELS for kind in KERASES] + [
    (name, "keras3") for name in ONLY_KERAS3
]


def build(name, kind):
    return randomize({**MODELS, **ONLY_KERAS3}[name](KERASES[kind]))


def flat(outputs):
    if isinstance(outputs, dict):
        return [np.asarray(outputs[key], "float64") for key in sorted(outputs)]
    if isinstance(outputs, (list, tuple)):
        return [np.asarray(part, "float64") for part in outputs]
    return [np.asarray(outputs, "float64")]


def assert_same_answers(model, adopted, tolerance=1e-5):
    inputs = inputs_for(model)
    given = inputs
    expected, found = model(given, training=False), adopted(given, training=False)
    assert type(expected) is type(found) or not isinstance(expected, dict)
    for one, other in zip(flat(expected), flat(found), strict=True):
        assert np.ptp(one) > 0
        difference = np.abs(one - other).max() / max(1.0, np.abs(one).max())
        assert difference <= tolerance


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_answers_like_the_original(name, kind):
    model = build(name, kind)
    adopted = adopt(model)
    assert flavour_of(adopted) == "tf_keras"
    assert_same_answers(model, adopted)


def test_text_becomes_numbers_alike():
    import tensorflow as tf

    layers = keras3.layers
    words = layers.TextVectorization(output_mode="int", output_sequence_length=4)
    words.adapt(np.array(["hello world", "world of words"]))
    looked_up = layers.StringLookup(vocabulary=["a", "b"], output_mode="multi_hot")
    inputs = keras3.Input((1,), dtype="string")
    model = randomize(
        keras3.Model(inputs, [layers.Embedding(9, 2)(words(inputs)), looked_up(inputs)])
    )
    text = tf.constant([["hello words"], ["a"], ["b"]])
    for expected, found in zip(model(text), adopt(model)(text), strict=True):
        np.testing.assert_allclose(np.asarray(found), np.asarray(expected), atol=1e-6)
