"""Removing channels gives the outputs of the model in which they count for nothing."""

import channel_zoo
import keras as keras3
import numpy as np
import pytest
import tf_keras
from channel_proof import (
    difference,
    outputs,
    prove_each_alone,
    prove_together,
    randomize,
    samples,
)

CASES = [
    *((name, build, keras3) for name, build in channel_zoo.MODELS.items()),
    *((name, build, tf_keras) for name, build in channel_zoo.MODELS.items()),
    *((name, build, keras3) for name, build in channel_zoo.KERAS3_MODELS.items()),
    *((name, build, tf_keras) for name, build in channel_zoo.TF_KERAS_MODELS.items()),
]
PARAMETERS = [
    pytest.param(build, keras, id=f"{name}-{keras.__name__}") for name, build, keras in CASES
]


@pytest.mark.parametrize(("build", "keras"), PARAMETERS)
def test_removed_equals_masked(build, keras):
    model = randomize(build(keras))
    before = [np.array(weight) for weight in model.get_weights()]
    x = samples(model)
    small, zeros = prove_together(model)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert difference(outputs(zeros, x), outputs(model, x)) > 1e-4
    assert type(small) is type(model)
    assert [layer.name for layer in small.layers] == [layer.name for layer in model.layers]


def quick_alone():
    """Return the models whose groups are proved one by one always: recurrent layers take long."""
    for parameter, (name, _, keras) in zip(PARAMETERS, CASES, strict=True):
        takes_long = name in ("embedded", "recurrent", "both_directions", "cells")
        marks = [pytest.mark.slow] if takes_long or keras is tf_keras else []
        yield pytest.param(*parameter.values, id=parameter.id, marks=marks)


@pytest.mark.parametrize(("build", "keras"), list(quick_alone()))
def test_each_group_alone(build, keras):
    prove_each_alone(randomize(build(keras)))
