"""Random networks of blocks in which channels belong together in many ways."""

from __future__ import annotations

import numpy as np


class Builder:
    """Puts random blocks on top of a pool of tensors of 6 × 6 places.

    Args:
        keras: Either Keras.
        seed: Decides everything.
    """

    def __init__(self, keras, seed):
        self.keras, self.layers = keras, keras.layers
        self.rng = np.random.default_rng(seed)
        self.inputs = [keras.Input((6, 6, int(self.pick([2, 3, 4]))))]
        self.pool = [self.conv(self.inputs[0], int(self.pick([4, 6, 8])))]

    def pick(self, choices):
        return choices[int(self.rng.integers(len(choices)))]

    def width(self, x):
        return int(x.shape[-1])

    def some(self):
        return self.pick(self.pool)

    def conv(self, x, width, **settings):
        activation = self.pick([None, "relu", "tanh", "sigmoid"])
        settings = {"padding": "same", "activation": activation, **settings}
        x = self.layers.Conv2D(width, int(self.pick([1, 3])), **settings)(x)
        return self.layers.BatchNormalization()(x) if self.rng.random() < 0.3 else x

    def build(self, blocks):
        for _ in range(blocks):
            self.pool.append(getattr(self, self.pick(BLOCKS))(self.some()))
        ends = [self.end(x) for x in self.pool[-2:]]
        if self.rng.random() < 0.3:
            return self.keras.Model(self.inputs, ends)
        x = ends[0] if len(ends) == 1 else self.layers.Concatenate()(ends)
        return self.keras.Model(self.inputs, self.layers.Dense(2)(x))

    def end(self, x):
        x = self.layers.Flatten()(x) if self.rng.random() < 0.5 else self.pooled(x)
        return self.layers.Dense(3)(x)

    def pooled(self, x):
        return self.layers.GlobalAveragePooling2D()(x)

    def plain(self, x):
        return self.conv(x, int(self.pick([3, 4, 6])))

    def residual(self, x):
        y = self.conv(self.conv(x, 4), self.width(x))
        return self.layers.Add()([x, y]) if self.rng.random() < 0.5 else x + y

    def joined(self, x):
        return self.layers.Concatenate()([x, self.some(), self.conv(x, 3)])

    def added(self, x):
        return self.layers.Average()([x, self.conv(self.some(), self.width(x))])

    def depthwise(self, x):
        times = int(self.pick([1, 1, 2])) if self.width(x) < 12 else 1
        return self.layers.DepthwiseConv2D(3, padding="same", depth_multiplier=times)(x)

    def separable(self, x):
        return self.layers.SeparableConv2D(5, 3, padding="same", activation="elu")(x)

    def excited(self, x):
        width = self.width(x)
        s = self.layers.Dense(3, activation="relu")(self.pooled(x))
        s = self.layers.Dense(width, activation="sigmoid")(s)
        return self.layers.Multiply()([x, self.layers.Reshape((1, 1, width))(s)])

    def gated(self, x):
        return x * self.layers.Conv2D(1, 1, activation="sigmoid")(x)

    def split(self, x):
        cut = self.width(x) // 2
        a, b = x[..., :cut], x[:, :, :, cut:]
        if self.rng.random() < 0.5:
            a = self.conv(a, cut)
        if self.rng.random() < 0.3 and cut * 2 == self.width(x):
            return a + b
        return self.layers.Concatenate()([b, a])

    def shuffled(self, x):
        groups = int(self.pick([one for one in (1, 2, 3, 4) if self.width(x) % one == 0]))
        size, width = self.width(x) // groups, self.width(x)
        x = self.layers.Reshape((6, 6, groups, size))(x)
        return self.layers.Reshape((6, 6, width))(self.layers.Permute((1, 2, 4, 3))(x))

    def grouped(self, x):
        groups = int(self.pick([one for one in (1, 2, 3, 4) if self.width(x) % one == 0]))
        return self.conv(x, groups * 3, groups=groups)

    def resampled(self, x):
        x = self.layers.MaxPooling2D(2)(x)
        return self.layers.Conv2DTranspose(4, 2, strides=2, activation="relu")(x)

    def normalized(self, x):
        kind = self.pick([0, 1, 2])
        if kind == 0:
            return self.layers.GroupNormalization(-1)(x)
        if kind == 1 and self.width(x) % 2 == 0:
            return self.layers.GroupNormalization(2)(x)
        return self.layers.LayerNormalization()(x) if kind == 2 else self.layers.PReLU()(x)

    def again(self, x):
        """One convolution used twice on tensors of one width."""
        shared = self.layers.Conv2D(self.width(x), 1, activation="tanh")
        return shared(shared(x))

    def nested(self, x):
        inner = self.keras.Input(tuple(x.shape[1:]))
        y = self.conv(self.conv(inner, 4), self.width(x))
        return self.keras.Model(inner, y + inner)(x)

    def attended(self, x):
        width = self.width(x)
        rows = self.layers.Reshape((36, width))(x)
        rows = self.layers.MultiHeadAttention(2, 2)(rows, rows)
        return self.layers.Reshape((6, 6, width))(rows)

    def scanned(self, x):
        rows = self.layers.TimeDistributed(self.layers.GlobalAveragePooling1D())(x)
        rows = self.layers.GRU(4, return_sequences=True)(rows)
        return x[:, :, :, :1] * self.layers.Reshape((6, 1, 4))(rows)

    def transposed(self, x):
        return self.layers.Permute((2, 1, 3))(self.conv(x, 5))

    def refolded(self, x):
        """Dense units become places and channels."""
        y = self.layers.Dense(6 * 6 * 3)(self.pooled(x))
        return self.layers.Reshape((6, 6, 3))(y)


BLOCKS = [name for name, value in vars(Builder).items() if name not in (
    "build", "end", "pooled", "conv", "some", "width", "pick"
) and not name.startswith("_")]  # fmt: skip


def random_model(keras, seed):
    """Return a random model of 3 to 8 blocks."""
    rng = np.random.default_rng(seed)
    return Builder(keras, seed).build(int(rng.integers(3, 9)))
