"""Keras 3 layers whose tf_keras twin is not made from the config alone.

Each function takes the Keras 3 layer and ``inner``, which translates a layer inside it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from tfedge.models.adoption import twins
from tfedge.models.adoption.settings import settings_for
from tfedge.models.flavours import keras3, tf_keras

Inner = Callable[[Any], Any]

RECURRENT = [
    "LSTM",
    "GRU",
    "SimpleRNN",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "LSTMCell",
    "GRUCell",
    "SimpleRNNCell",
]


def from_application(module: str) -> Callable[[Any, Inner], Any]:
    """Return a translator for a layer that a file of ``applications`` defines for itself."""

    def translator(layer: Any, inner: Inner) -> Any:
        """Make the layer of the same name from tf_keras' own file."""
        twins.register_application_layers()
        home = importlib.import_module(f"tf_keras.src.applications.{module}")
        target = getattr(home, type(layer).__name__)
        return target(**settings_for(layer, target))

    return translator


def leaky_relu(layer: Any, inner: Inner) -> Any:
    """The slope has another name."""
    target = tf_keras().layers.LeakyReLU
    return target(**settings_for(layer, target, alpha=layer.negative_slope, negative_slope=None))


def recurrent(layer: Any, inner: Inner) -> Any:
    """tf_keras takes ``zero_output_for_mask`` too, but hides it among its keywords."""
    target = getattr(tf_keras().layers, type(layer).__name__)
    settings = settings_for(layer, target, zero_output_for_mask=None)
    return target(**settings, **_zero_output(layer))


def rnn(layer: Any, inner: Inner) -> Any:
    """The cell is a layer of its own."""
    target = tf_keras().layers.RNN
    cells = layer.cell
    cell = [inner(one) for one in cells] if isinstance(cells, (list, tuple)) else inner(cells)
    settings = settings_for(layer, target, cell=cell, zero_output_for_mask=None)
    return target(**settings, **_zero_output(layer))


def stacked_cells(layer: Any, inner: Inner) -> Any:
    """The cells are layers of their own."""
    target = tf_keras().layers.StackedRNNCells
    return target(**settings_for(layer, target, cells=[inner(cell) for cell in layer.cells]))


def wrapper(layer: Any, inner: Inner) -> Any:
    """The wrapped layer is a layer, or a whole model, of its own."""
    target = getattr(tf_keras().layers, type(layer).__name__)
    return target(**settings_for(layer, target, layer=inner(layer.layer)))


def spectral(layer: Any, inner: Inner) -> Any:
    """tf_keras' own layer does not build beside Keras 3."""
    target = twins.SpectralNormalization
    return target(**settings_for(layer, target, layer=inner(layer.layer)))


def bidirectional(layer: Any, inner: Inner) -> Any:
    """tf_keras adds the prefixes to the names of both directions by itself."""
    target = tf_keras().layers.Bidirectional
    forward, backward = (
        _unprefixed(inner(one), prefix)
        for one, prefix in ((layer.forward_layer, "forward_"), (layer.backward_layer, "backward_"))
    )
    pair = {"layer": forward, "backward_layer": backward}
    return target(**settings_for(layer, target, **pair))


def lambda_layer(layer: Any, inner: Inner) -> Any:
    """The function itself is carried over: the model, and so its code, is the user's."""
    target = tf_keras().layers.Lambda
    own = {"function": layer.function, "arguments": layer.arguments or None, "output_shape": None}
    return target(**settings_for(layer, target, **own))


def lookup(layer: Any, inner: Inner) -> Any:
    """A vocabulary that was adapted is not in the config."""
    target = getattr(tf_keras().layers, type(layer).__name__)
    own = {"vocabulary": layer.get_vocabulary(include_special_tokens=False)}
    if type(layer).__name__ == "TextVectorization":
        own["dtype"] = "string"
    elif layer.output_mode == "int":
        own["dtype"] = "int64"
    return target(**settings_for(layer, target, **own))


def discretization(layer: Any, inner: Inner) -> Any:
    """Boundaries that were adapted stand in the config beside the number of bins."""
    target = tf_keras().layers.Discretization
    adapted = {"num_bins": None} if layer.bin_boundaries is not None else {}
    return target(**settings_for(layer, target, **adapted))


def rms_normalization(layer: Any, inner: Inner) -> Any:
    """tf_keras has no such layer."""
    return twins.RMSNormalization(**settings_for(layer, twins.RMSNormalization))


def as_keras3(layer: Any) -> Any:
    """Keep a layer without weights as it is, inside a tf_keras layer that runs it."""
    config = keras3().saving.serialize_keras_object(layer)
    return twins.Keras3Layer(config, name=layer.name, dtype=layer.compute_dtype)


def _zero_output(layer: Any) -> dict[str, bool]:
    """Return the keyword that asks for zeros where the mask is off, if it was asked for."""
    return {"zero_output_for_mask": True} if getattr(layer, "zero_output_for_mask", False) else {}


def _unprefixed(layer: Any, prefix: str) -> Any:
    """Take off the prefix that Keras put before the name of a direction."""
    layer._name = layer.name.removeprefix(prefix)
    return layer
