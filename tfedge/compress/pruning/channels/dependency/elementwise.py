"""Whether a function treats each channel for itself, found out by trying."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from tfedge.compress.pruning.channels.dependency.places import Ids

if TYPE_CHECKING:
    from tfedge.compress.pruning.channels.dependency.call import Call

_SOME = [0, 2, 3, 6]


def activate(call: Call, ids: Ids, *settings: str) -> None:
    """Keep the channels that a layer makes if its activation mixes them, as softmax does."""
    for setting in settings or ("activation",):
        function = getattr(call.layer, setting, None)
        if ids is not None and not is_elementwise(function):
            name = getattr(function, "__name__", type(function).__name__)
            call.fix(ids, f"the activation {name!r} of {call.name!r} mixes it with other channels")


@functools.lru_cache(maxsize=256)
def is_elementwise(function: Any) -> bool:
    """Return whether a function of a tensor treats the places of the last axis alike, each alone.

    Example:
        >>> import tensorflow as tf
        >>> is_elementwise(tf.nn.relu), is_elementwise(tf.nn.softmax)
        (True, False)
    """
    if function is None:
        return True
    import tensorflow as tf

    x = np.random.default_rng(0).normal(size=(2, 3, 8)).astype("float32")
    try:
        whole = np.asarray(function(tf.constant(x)))
        some = np.asarray(function(tf.constant(x[..., _SOME])))
    except (TypeError, ValueError, RuntimeError, tf.errors.OpError):
        return False
    return whole.shape == x.shape and bool(np.allclose(whole[..., _SOME], some, 1e-5, 1e-6))
