"""Something else in the place of a layer's variables or functions, while the layer is called."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from tfedge.core.errors import ModelError
from tfedge.models.kernels import weights_at


@contextlib.contextmanager
def stand_in(layer: Any, values: Mapping[str, Any]) -> Iterator[None]:
    """Put tensors or functions where a layer has its own, past Keras's tracking, for a while.

    Args:
        layer: A tf_keras layer.
        values: What to put where, by attribute path: ``{"cell.kernel": tensor}``. Tensors are
            cast to the dtype in which the layer computes.

    Raises:
        ModelError: If a path does not name a variable that the layer holds.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> dense = tf_keras().layers.Dense(1, use_bias=False)
        >>> dense.build((None, 2))
        >>> with stand_in(dense, {"kernel": tf.ones((2, 1))}):
        ...     print(dense(tf.constant([[3.0, 4.0]])).numpy())
        [[7.]]
    """
    places = [_place(layer, path) for path in values]
    kept = [slots[key] for slots, key, _ in places]
    for (slots, key, dtype), value in zip(places, values.values(), strict=True):
        slots[key] = tf.cast(value, dtype) if tf.is_tensor(value) else value
    try:
        yield
    finally:
        for (slots, key, _), value in zip(places, kept, strict=True):
            slots[key] = value


def _place(layer: Any, path: str) -> tuple[Any, Any, Any]:
    """Return the dict or list in which the value at a path lies, its key, its dtype in use."""
    before, _, last = path.rpartition(".")
    owner = weights_at(layer, (before,))[0] if before else layer
    dtype = getattr(owner, "compute_dtype", layer.compute_dtype)
    if last.isdigit():
        return owner._storage, int(last), dtype
    if last not in vars(owner):
        raise ModelError(
            f"{path!r} of the layer {layer.name!r} ({type(layer).__name__}) is computed by its "
            f"class, so nothing can stand in its place while the layer is called. Name the "
            f"attribute that holds the variable, or leave the layer out."
        )
    return vars(owner), last, dtype
