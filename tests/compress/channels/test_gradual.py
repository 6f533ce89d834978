"""Units that are gone stay gone, whatever becomes of their importance."""

import numpy as np

from tfedge.compress.pruning.channels.gradual import GradualRemoval
from tfedge.compress.pruning.channels.planning.request import request_of
from tfedge.models.flavours import keras3


def test_what_went_stays_away_when_the_order_turns():
    keras = keras3()
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8, name="a"), keras.layers.Dense(2, name="b")]
    )
    rising = np.outer(np.arange(1, 5), np.arange(8) ** 2).astype("float32")
    model.get_layer("a").kernel.assign(rising)
    removal = GradualRemoval(model, request_of(ratio=0.75, importance="fpgm"))
    removal.advance(1 / 3)
    first = set(removal.drop["a"])
    assert len(first) == 2
    assert removal.ratio() == 0.25
    model.get_layer("a").kernel.assign(np.roll(rising, 3, axis=1))
    for progress, count in ((2 / 3, 4), (1.0, 6)):
        removal.advance(progress)
        assert first < set(removal.drop["a"])
        assert len(removal.drop["a"]) == count
    gone = ~model.get_layer("b").kernel.numpy().any(axis=1)
    assert set(np.flatnonzero(gone)) == set(removal.drop["a"])
