import re

import numpy as np
import tensorflow as tf

from tfedge.convert.converter import convert
from tfedge.convert.program import freeze
from tfedge.convert.signature import signature_of
from tfedge.models.flavours import tf_keras


def grouped():
    """A network of grouped convolutions, which tf_keras makes functions of their own."""
    layers = tf_keras().layers
    x = inputs = layers.Input((8, 8, 8))
    for width in (8, 16):
        x = layers.Conv2D(width, 3, padding="same", groups=4, activation="relu")(x)
    return tf_keras().Model(inputs, layers.Dense(3)(layers.Flatten()(x)))


def called(definition):
    """Yield the names of the functions that nodes call."""
    for node in definition.node:
        for attribute in node.attr.values():
            if attribute.HasField("func"):
                yield attribute.func.name


def test_names_of_functions_cannot_meet_those_of_another_process():
    definition = tf.compat.v1.GraphDef.FromString(
        freeze(signature_of(grouped(), None)).graph.tobytes()
    )
    names = [each.signature.name for each in definition.library.function]
    assert len(names) == 2 and set(called(definition)) == set(names)
    assert not [name for name in names if re.search(r"_\d+$", name)]


def test_grouped_convolutions_are_converted():
    x = np.random.default_rng(0).normal(size=(50, 8, 8, 8)).astype("float32")
    model = grouped()
    lite = convert(model, parity=False)
    np.testing.assert_allclose(lite.predict(x), model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)
    assert convert(model, "int8", x).notes["parity"].outputs[0].sqnr_db > 25
