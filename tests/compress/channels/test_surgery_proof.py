"""Removing channels gives the outputs of the model in which they count for nothing."""

import channel_zoo
import keras as keras3
import numpy as np
import pytest
import tf_keras
from channel_proof import difference, outputs, prove_every_group, randomize, samples

CASES = [
    *(
        (name, build, keras)
        for name, build in channel_zoo.MODELS.items()
        for keras in (keras3, tf_keras)
    ),
    *((name, build, keras3) for name, build in channel_zoo.KERAS3_MODELS.items()),
    *((name, build, tf_keras) for name, build in channel_zoo.TF_KERAS_MODELS.items()),
]


@pytest.mark.parametrize(
    ("build", "keras"),
    [pytest.param(build, keras, id=f"{name}-{keras.__name__}") for name, build, keras in CASES],
)
def test_removed_equals_masked(build, keras):
    model = randomize(build(keras))
    before = [np.array(weight) for weight in model.get_weights()]
    x = samples(model)
    small, zeros = prove_every_group(model)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert difference(outputs(zeros, x), outputs(model, x)) > 1e-4
    assert type(small) is type(model)
    assert [layer.name for layer in small.layers] == [layer.name for layer in model.layers]
