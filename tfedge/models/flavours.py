"""The two Kerases and tfmot, loaded when first asked for and without a trace in the process.

Importing tfmot sets ``TF_USE_LEGACY_KERAS=1`` for the whole process. A ``tf.keras`` that was
not touched before would then silently become tf_keras, in the user's own code too. So every
import goes through here: ``tf.keras`` is settled first, as the user's environment asks, and the
variable is put back to exactly what it was.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from tfedge.core.errors import MissingPackageError, ModelError

KERAS3 = "keras3"
TF_KERAS = "tf_keras"

_VARIABLE = "TF_USE_LEGACY_KERAS"
_PIP_NAMES = {"tensorflow_model_optimization": "tensorflow-model-optimization==0.8.1"}


@functools.cache
def tf_keras() -> ModuleType:
    """Return the module ``tf_keras`` (Keras 2), the flavour that tfmot works on.

    Raises:
        MissingPackageError: If tf_keras is not installed.

    Example:
        >>> tf_keras().__name__
        'tf_keras'
    """
    return _import("tf_keras")


@functools.cache
def keras3() -> ModuleType:
    """Return the module ``keras`` (Keras 3).

    Raises:
        MissingPackageError: If keras is not installed.

    Example:
        >>> keras3().__version__[0]
        '3'
    """
    return _import("keras")


@functools.cache
def tfmot() -> ModuleType:
    """Return the module ``tensorflow_model_optimization``, with the environment as it was.

    Raises:
        MissingPackageError: If tfmot is not installed.

    Example:
        >>> import os
        >>> before = os.environ.get("TF_USE_LEGACY_KERAS")
        >>> tfmot().__name__
        'tensorflow_model_optimization'
        >>> os.environ.get("TF_USE_LEGACY_KERAS") == before
        True
    """
    tf_keras()
    return _import("tensorflow_model_optimization")


def is_model(candidate: Any) -> bool:
    """Return whether ``candidate`` is a Keras 3 or a tf_keras model. Imports nothing.

    Args:
        candidate: Anything.

    Example:
        >>> is_model("mobilenet.keras")
        False
    """
    return _flavour(candidate) is not None


def flavour_of(model: Any) -> str:
    """Return ``"keras3"`` or ``"tf_keras"``.

    Args:
        model: A Keras model of either flavour.

    Raises:
        ModelError: If ``model`` is not a Keras model.

    Example:
        >>> flavour_of(keras3().Sequential())
        'keras3'
        >>> flavour_of(tf_keras().Sequential())
        'tf_keras'
    """
    flavour = _flavour(model)
    if flavour is None:
        raise ModelError(f"A Keras model was asked for, found {describe(model)}.{_hint(model)}")
    return flavour


def describe(value: Any) -> str:
    """Return what a value is, in a few words for an error message.

    Example:
        >>> describe(int)
        'the class int'
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if value is None or isinstance(value, (str, int, float, bool)):
        return repr(value)
    kind = type(value)
    where = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"an object of {where}{kind.__qualname__}"


def _flavour(candidate: Any) -> str | None:
    """Return the flavour by the class names in the ancestry, None for what is not a model."""
    for ancestor in type(candidate).__mro__:
        if ancestor.__name__ == "Model":
            if ancestor.__module__.startswith("tf_keras."):
                return TF_KERAS
            if ancestor.__module__.startswith("keras."):
                return KERAS3
    return None


def _hint(value: Any) -> str:
    """Return what to do about a value that is not a model."""
    if isinstance(value, type):
        return " Pass an instance: build the model first."
    if isinstance(value, str):
        return " Load the file first, for example with tfedge.load."
    if hasattr(value, "signatures") and hasattr(value, "graph_debug_info"):
        return (
            " A SavedModel has no training graph: it can be converted and run, not compressed. "
            "Save the Keras model itself, as .keras."
        )
    if hasattr(value, "get_config") and hasattr(value, "weights"):
        return " A layer alone is not enough: put it into a Sequential or functional model."
    return " Pass a Keras 3 or tf_keras model, or the path of one."


def _import(name: str) -> ModuleType:
    """Import a module with ``tf.keras`` settled before and the environment restored after."""
    with _untouched_environment(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            if name != "keras":
                _settle_tensorflow()
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing = _PIP_NAMES.get(error.name or "", error.name)
            raise MissingPackageError(
                f"{name} is needed to work on Keras models, and {error.name!r} is not installed. "
                f"Install it with: pip install {missing}"
            ) from error


def _settle_tensorflow() -> None:
    """Let the lazy loader ``tf.keras`` decide now, under the user's own environment."""
    tensorflow: Any = importlib.import_module("tensorflow")
    dir(tensorflow.keras)


@contextlib.contextmanager
def _untouched_environment() -> Iterator[None]:
    """Put the Keras variable back to exactly what it was, unset included."""
    before = os.environ.get(_VARIABLE)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_VARIABLE, None)
        else:
            os.environ[_VARIABLE] = before
