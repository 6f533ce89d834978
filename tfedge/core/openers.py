"""Which function opens a model file: known by name, so that lower floors reach upper ones.

The device side scores ``.tflite`` files and knows nothing of Keras. The top of the house
registers who opens the other kinds; nothing is imported until a file of that kind is opened.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.core.rooms import enter

_OPENERS: dict[str, str] = {}

SAVED_MODEL = "SavedModel"


def register_opener(kind: str, target: str) -> None:
    """Name the function that opens one kind of model file.

    Args:
        kind: A suffix such as ``".keras"``, or ``"SavedModel"`` for a folder.
        target: ``"package.module:function"``; called with the path.

    Example:
        >>> register_opener(".tflite", "tfedge.runtime.model:TFLiteModel.load")
    """
    _OPENERS[kind] = target


def kind_of(path: str | os.PathLike) -> str:
    """Return the kind of a model file: its suffix, or ``"SavedModel"`` for a folder that is one.

    Example:
        >>> kind_of("model.TFLITE")
        '.tflite'
    """
    path = Path(path)
    if (path / "saved_model.pb").is_file():
        return SAVED_MODEL
    return path.suffix.lower()


def open_path(path: str | os.PathLike) -> Any:
    """Open a model file with the function registered for its kind.

    Args:
        path: A ``.tflite``, ``.keras`` or ``.h5`` file, or a SavedModel folder.

    Returns:
        The opened model.

    Raises:
        ModelError: If nothing lies there, or no opener knows the kind.

    Example:
        >>> import tempfile
        >>> from tfedge.runtime.sample import sample_model
        >>> path = sample_model().save(f"{tempfile.mkdtemp()}/halve.tflite")
        >>> open_path(path).name
        'halve'
    """
    path = Path(path)
    if not path.exists():
        raise ModelError(f"No model file at {str(path)!r}. Check the path.")
    kind = kind_of(path)
    if kind not in _OPENERS:
        known = ", ".join(sorted(_OPENERS))
        raise ModelError(f"{str(path)!r} is not a kind of model file known here ({known}).")
    return enter(_OPENERS[kind])(path)
