"""One layer for any operation that has no layer of its own in tf_keras.

Keras 3 writes ``keras.ops.exp(x)`` into its graph as an operation, tf_keras writes TensorFlow
functions as TFOpLambda, whose call takes the function's own arguments and therefore breaks
tfmot, which passes one list of inputs. This layer takes its tensors as every layer does.
"""

from __future__ import annotations

import importlib
import json
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.models.adoption.templates import decode
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()

_KERAS3_HOME = "keras.src.ops."
_NOTHING: dict[str, list] = {"dict": []}


@keras.saving.register_keras_serializable("tfedge")
class Operation(keras.layers.Layer):
    """Applies a Keras 3 operation or a TensorFlow function to its input tensors.

    Keras drops the mask of a tensor that goes through an operation, and so does this layer.

    Args:
        function: ``"keras.src.ops.numpy:Exp"`` (an operation class) or ``"tf:math.exp"``
            (a public TensorFlow function). Nothing else is accepted, so that a model file
            cannot name code of its own.
        settings: Arguments of the operation's constructor, encoded; Keras 3 only.
        args: Positional arguments of the call, encoded by :func:`templates.encode`.
        kwargs: Keyword arguments of the call, encoded.
        **base: ``name`` and ``dtype`` as in every layer.

    Raises:
        ModelError: If ``function`` is not a known operation.

    Example:
        >>> layer = Operation("tf:math.square", args=[{"tensor": 0}])
        >>> import numpy as np
        >>> layer(np.array([[3.0]])).numpy().tolist()
        [[9.0]]
    """

    def __init__(self, function: str, settings=None, args=None, kwargs=None, **base: Any) -> None:
        super().__init__(**{**base, "autocast": False})
        self.function = function
        # As text, because Keras would wrap containers to track layers in them.
        self._written = json.dumps([settings or _NOTHING, args or [], kwargs or _NOTHING])
        self._callable = _find(function, decode(settings or _NOTHING, []))

    def call(self, inputs: Any) -> Any:
        """Apply the operation to one tensor or a list of tensors."""
        tensors = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        _, args, kwargs = json.loads(self._written)
        return self._callable(*decode(args, tensors), **decode(kwargs, tensors))

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Return None: operations end a mask."""
        return

    def get_config(self) -> dict[str, Any]:
        """Return the function and its arguments as plain data."""
        settings, args, kwargs = json.loads(self._written)
        mine = {"function": self.function, "settings": settings, "args": args, "kwargs": kwargs}
        config = {**super().get_config(), **mine}
        config.pop("autocast", None)
        return config


def _find(function: str, settings: dict) -> Any:
    """Return what a function name stands for, ready to be called on tensors."""
    home, _, name = function.partition(":")
    if home == "tf":
        return _tensorflow_function(name)
    if not home.startswith(_KERAS3_HOME):
        raise ModelError(f"{function!r} is neither a Keras 3 operation nor a TensorFlow function.")
    kind = getattr(importlib.import_module(home), name, None)
    if not (isinstance(kind, type) and any(k.__name__ == "Operation" for k in kind.__mro__)):
        raise ModelError(f"This Keras has no operation {function!r}. Check its version.")
    return kind(**settings).call


def _tensorflow_function(name: str) -> Any:
    """Return a public TensorFlow function by the name that tf_keras keeps for it."""
    from tensorflow.python.util.tf_export import get_symbol_from_name

    found = get_symbol_from_name(name)
    if found is None:
        raise ModelError(f"This TensorFlow has no function {name!r}. Check its version.")
    return found
