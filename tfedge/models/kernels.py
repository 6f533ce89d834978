"""Every kernel of any Keras model: functional, nested, subclassed, wrapped; both Kerases."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.models.flavours import flavour_of
from tfedge.models.layers import input_axis_of, kernels_of, part_of
from tfedge.models.wrappers import unwrapped


@dataclasses.dataclass(frozen=True, eq=False)
class KernelLayer:
    """A layer that holds kernels.

    Attributes:
        name: Its name without a wrapper's prefix, with the names of the models around it before
            it where another layer has the same.
        layer: The layer as it is called, a training-time wrapper included.
        inner: The layer without a wrapper.
        paths: Attribute paths of its kernels from ``inner``.
    """

    name: str
    layer: Any
    inner: Any
    paths: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Name of its class."""
        return type(self.inner).__name__

    def variables(self) -> list[Any]:
        """Return the kernels as variables of their Keras."""
        return weights_at(self.inner, self.paths)

    def axes(self) -> list[int | None]:
        """Return the axis of the input channels of each kernel, None where there is none."""
        return [input_axis_of(self.inner, path) for path in self.paths]


def kernel_layers(model: Any) -> list[KernelLayer]:
    """Return the layers with kernels, in the order in which the model holds them.

    Models and layers that hold others are looked into, down to the layers of the table in
    :mod:`tfedge.models.layers`. A layer that is used twice counts once.

    Args:
        model: A Keras 3 or tf_keras model, built.

    Raises:
        ModelError: If ``model`` is no Keras model, or a layer is not built.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> body = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="d")])
        >>> body.name = "body"
        >>> model = keras.Sequential([keras.Input((4,)), body, keras.layers.Dense(2, name="d")])
        >>> [layer.name for layer in kernel_layers(model)]
        ['body/d', 'd']
    """
    flavour_of(model)
    found = {id(layer): (path, layer) for path, layer in _walk(model, ())}
    names = [unwrapped(layer).name for _, layer in found.values()]
    return [_checked(path, layer, names) for path, layer in found.values()]


def weights_at(layer: Any, paths: tuple[str, ...]) -> list[Any]:
    """Return the weights at attribute paths; digits index into lists.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> cell = tf_keras().layers.LSTMCell(2)
        >>> cell.build((None, 3))
        >>> [weight.shape for weight in weights_at(cell, ("kernel", "recurrent_kernel"))]
        [TensorShape([3, 8]), TensorShape([2, 8])]
    """
    return [functools.reduce(part_of, path.split("."), layer) for path in paths]


def is_built(model: Any) -> bool:
    """Return whether every kernel of a model exists.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> is_built(keras3().Sequential([keras3().layers.Dense(2)]))
        False
    """
    return bool(model.built) and all(_has_weights(layer) for _, layer in _walk(model, ()))


def _walk(layer: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield (names of what is around, layer) for each layer of the table."""
    for child in layer._flatten_layers(include_self=False, recursive=False):
        if kernels_of(unwrapped(child)):
            yield path, child
        else:
            yield from _walk(child, (*path, child.name))


def _has_weights(layer: Any) -> bool:
    """Return whether the kernels of a layer exist."""
    inner = unwrapped(layer)
    try:
        return all(weight is not None for weight in weights_at(inner, kernels_of(inner)))
    except (AttributeError, ValueError):  # Keras 3 raises ValueError for a kernel not built yet
        return False


def _checked(path: tuple[str, ...], layer: Any, names: list[str]) -> KernelLayer:
    """Return the record of a layer that is built."""
    if not _has_weights(layer):
        raise ModelError(
            f"The layer {layer.name!r} has no weights yet: the model is not built. Call it once "
            f"on data, or give it an Input."
        )
    inner = unwrapped(layer)
    name = "/".join((*path, inner.name)) if names.count(inner.name) > 1 else inner.name
    return KernelLayer(name, layer, inner, kernels_of(inner))
