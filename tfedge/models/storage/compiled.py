"""Whether the optimizer, loss and metrics that a file names can be made again, safely."""

from __future__ import annotations

import importlib
from collections.abc import Collection
from typing import Any

import tensorflow as tf

from tfedge.models.flavours import tf_keras
from tfedge.models.storage.archives import named_objects

_HOMES = ("keras", "tf_keras", "tfedge")
_FAILURES = (AttributeError, ImportError, KeyError, TypeError, ValueError)


def why_not_compiled(training: dict[str, Any], known: Collection[str]) -> str | None:
    """Return why a model cannot be compiled as its file says, None if it can.

    Nothing is imported that does not come with Keras or tfedge.

    Args:
        training: Training settings of a tf_keras file: ``compile_config`` of a ``.keras`` file,
            ``training_config`` of an ``.h5`` file.
        known: Names that the caller vouches for: custom objects, passed in or registered.

    Example:
        >>> why_not_compiled({"optimizer": "adam", "loss": "mse"}, ())
        >>> mine = {"module": "my.losses", "class_name": "Mine", "config": {}}
        >>> why_not_compiled({"optimizer": "adam", "loss": mine}, ())
        "'Mine' of my.losses does not come with Keras"
    """
    for name, key, home in named_objects(training):
        if key not in known and not _comes_with_keras(name, home):
            place = f" of {home}" if home != "builtins" else ""
            return f"{name!r}{place} does not come with Keras"
    try:
        _make(training)
    except _FAILURES as error:
        return f"{type(error).__name__}: {error}"
    return None


def _comes_with_keras(name: str, home: str | None) -> bool:
    """Return whether a class or function can be had without importing code of others.

    Plain functions are noted without their home; only Keras's own losses and metrics count.
    """
    if home == "builtins":
        keras = tf_keras()
        return hasattr(keras.losses, name) or hasattr(keras.metrics, name)
    return home is None or home.partition(".")[0] in _HOMES


def _make(training: dict[str, Any]) -> None:
    """Make the objects once, to see whether it works."""
    keras = tf_keras()
    if "optimizer_config" in training:
        saving = importlib.import_module("tf_keras.src.saving.legacy.saving_utils")
        made = saving.compile_args_from_training_config(training)
    else:
        made = keras.saving.deserialize_keras_object(training)
    for loss in tf.nest.flatten(made.get("loss")):
        if isinstance(loss, str):
            keras.losses.get(loss)
