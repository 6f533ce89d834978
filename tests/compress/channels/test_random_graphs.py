"""Over random networks, removing channels equals masking them."""

import keras as keras3
import numpy as np
import pytest
import tf_keras
from channel_proof import choose, prove, randomize, samples
from random_graphs import random_model

from tfedge.compress.pruning.channels.graph import read_channels


def check(keras, seed):
    """Prove all groups at once, and some alone; return how many could lose channels."""
    model = randomize(random_model(keras, seed), seed)
    removable, rng, x = read_channels(model).removable, np.random.default_rng(seed), samples(model)
    if removable:
        prove(model, choose(removable, rng), x)
        alone = removable[int(rng.integers(len(removable)))]
        prove(model, choose([alone], rng, 0.7), x)
    return len(removable)


@pytest.mark.parametrize("keras", [keras3, tf_keras], ids=["keras3", "tf_keras"])
def test_random_networks(keras):
    assert sum(check(keras, seed) for seed in range(12)) > 24


@pytest.mark.slow
@pytest.mark.parametrize("keras", [keras3, tf_keras], ids=["keras3", "tf_keras"])
@pytest.mark.parametrize("start", range(100, 400, 50))
def test_hundreds_of_random_networks(keras, start):
    assert sum(check(keras, seed) for seed in range(start, start + 50)) > 100
    keras.backend.clear_session()
