"""tf_keras layers for what only Keras 3 has, or what tf_keras keeps to itself."""

from __future__ import annotations

import functools
import importlib
import json
from typing import Any

import tensorflow as tf

from tfedge.models.flavours import keras3, tf_keras

keras: Any = tf_keras()

_APPLICATION_LAYERS = {
    "convnext": ("LayerScale", "StochasticDepth"),
    "inception_resnet_v2": ("CustomScaleLayer",),
}


@keras.saving.register_keras_serializable("tfedge")
class RMSNormalization(keras.layers.Layer):
    """Scales by the root mean square: ``x * rsqrt(mean(x**2) + epsilon) * scale``.

    Args:
        axis: Axis or axes to normalize over, negative or not.
        epsilon: Added before the root.
        **base: ``name`` and ``dtype`` as in every layer.

    Example:
        >>> RMSNormalization(epsilon=0.0)(tf.constant([[3.0, 3.0]])).numpy().tolist()
        [[1.0, 1.0]]

    Reference:
        Zhang and Sennrich, NeurIPS 2019, arXiv:1910.07467.
    """

    def __init__(self, axis=-1, epsilon=1e-6, **base: Any) -> None:
        super().__init__(**base)
        self.axis = [axis] if isinstance(axis, int) else sorted(axis)
        self.epsilon = epsilon
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Create the scale."""
        shape = [input_shape[axis] for axis in self.axis]
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Normalize and scale."""
        wide = tf.cast(inputs, tf.float32) if inputs.dtype.size < 4 else inputs
        mean_square = tf.reduce_mean(tf.square(wide), axis=list(self.axis), keepdims=True)
        normal = wide * tf.math.rsqrt(mean_square + self.epsilon)
        return tf.cast(normal, inputs.dtype) * self._spread(inputs)

    def _spread(self, inputs: Any) -> Any:
        """Return the scale with the rank of the inputs."""
        rank = len(inputs.shape)
        kept = {axis % rank for axis in self.axis}
        return tf.reshape(self.scale, [inputs.shape[i] if i in kept else 1 for i in range(rank)])

    def get_config(self) -> dict[str, Any]:
        """Return axis and epsilon."""
        return {**super().get_config(), "axis": list(self.axis), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("tfedge")
class SpectralNormalization(keras.layers.SpectralNormalization):
    """tf_keras' own layer, made to build where ``tf.keras`` is Keras 3.

    Example:
        >>> layer = SpectralNormalization(keras.layers.Dense(2))
        >>> layer(tf.constant([[1.0, 2.0, 3.0]])).shape.as_list()
        [1, 2]

    Reference:
        Miyato et al., ICLR 2018, arXiv:1802.05957.
    """

    def build(self, input_shape: Any) -> None:
        """Create the vector of the power iteration."""
        keras.layers.Wrapper.build(self, input_shape)
        is_embedding = hasattr(self.layer, "embeddings")
        self.kernel = self.layer.embeddings if is_embedding else self.layer.kernel
        self.kernel_shape = self.kernel.shape.as_list()
        self.vector_u = self.add_weight(
            name="vector_u",
            shape=(1, self.kernel_shape[-1]),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            dtype=self.kernel.dtype,
        )


@keras.saving.register_keras_serializable("tfedge")
class Keras3Layer(keras.layers.Layer):
    """Runs a Keras 3 layer that has no weights and no twin in tf_keras.

    Args:
        layer: The layer as ``keras.saving.serialize_keras_object`` writes it.
        **base: ``name`` and ``dtype`` as in every layer.

    Example:
        >>> identity = keras3().saving.serialize_keras_object(keras3().layers.Identity())
        >>> Keras3Layer(identity)(tf.constant([[3.0]])).numpy().tolist()
        [[3.0]]
    """

    def __init__(self, layer: dict[str, Any], **base: Any) -> None:
        super().__init__(**base)
        self._written = json.dumps(layer)
        self._run = keras3().saving.deserialize_keras_object(layer, safe_mode=True)
        self.supports_masking = bool(self._run.supports_masking)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Run the Keras 3 layer."""
        takes_training = self._run._call_has_context_arg.get("training", False)
        return self._run(inputs, training=training) if takes_training else self._run(inputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask as the layer would leave it."""
        return mask if self.supports_masking else None

    def get_config(self) -> dict[str, Any]:
        """Return the layer as it was written."""
        return {**super().get_config(), "layer": json.loads(self._written)}


def application_layers() -> dict[str, Any]:
    """Return the layers that tf_keras' applications define for themselves, by name."""
    return {
        name: getattr(importlib.import_module(f"tf_keras.src.applications.{module}"), name)
        for module, names in _APPLICATION_LAYERS.items()
        for name in names
    }


@functools.cache
def register_application_layers() -> None:
    """Let tf_keras find the layers of its own applications when it loads or clones a model."""
    for layer in application_layers().values():
        keras.saving.register_keras_serializable("tfedge")(layer)
