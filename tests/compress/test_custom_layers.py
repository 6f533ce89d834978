"""A custom Keras 3 layer whose twin was registered goes all the way."""

import numpy as np

import tfedge
from tfedge.models.flavours import keras3, tf_keras


class Gain(keras3().layers.Layer):
    """One factor per channel."""

    def build(self, shape):
        self.gain = self.add_weight(shape=(shape[-1],), name="gain", initializer="ones")

    def call(self, x):
        return x * self.gain


class GainTwin(tf_keras().layers.Layer):
    """The same for tf_keras, not registered as serializable."""

    def build(self, shape):
        self.gain = self.add_weight(shape=(shape[-1],), name="gain", initializer="ones")
        super().build(shape)

    def call(self, x):
        return x * self.gain


def test_a_registered_twin_is_pruned_quantized_saved_and_converted(tmp_path):
    tfedge.models.register_layer(Gain, GainTwin)
    layers = keras3().layers
    model = keras3().Sequential([layers.Input((4,)), layers.Dense(4), Gain(), layers.Dense(2)])
    x = np.random.default_rng(0).random((50, 4), "float32")
    qat = tfedge.quantize(tfedge.prune(model), calibration=x)
    qat.save(tmp_path / "qat.keras")
    lite = tfedge.convert(tmp_path / "qat.keras", "int8", x)
    assert lite.notes["parity"].sqnr_db > 25
