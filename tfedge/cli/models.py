"""Models of the command line: files, stdin, or what a function of the user's own returns."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from tfedge.cli.data.request import ModelInput
from tfedge.core.errors import ModelError
from tfedge.core.openers import SAVED_MODEL, kind_of, open_path
from tfedge.core.rooms import enter

_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_KINDS = (".tflite", ".keras", ".h5", ".hdf5", SAVED_MODEL)
_STDIN = "-"


def check_model(spec: str, asked: argparse.Namespace, *, file: bool = False) -> None:
    """Look whether a model lies there, before anything slow is done.

    Args:
        spec: The word for the model.
        asked: The options, for the modules to import.
        file: Whether it must be a ``.tflite`` file.

    Raises:
        ModelError: If there is none.
        DataError: If a module to import fails.
    """
    if asked.imports:
        from tfedge.cli.data.functions import imported

        for module in asked.imports:
            imported(module)
    path = Path(spec)
    if spec == _STDIN or (_is_function(spec) and not file):
        return
    if not path.exists():
        raise ModelError(f"No model file at {spec!r}. Check the path.")
    kind = kind_of(path)
    if file and kind != ".tflite":
        raise ModelError(
            f"{spec!r} is no .tflite file, which is what this command takes. Make one with: tfedge "
            f"convert {spec}"
        )
    if kind not in _KINDS:
        raise ModelError(f"{spec!r} is no kind of model file known here ({', '.join(_KINDS)}).")


def open_model(spec: str) -> Any:
    """Return the model that a word names.

    Args:
        spec: A path, ``-`` for a ``.tflite`` file on stdin, or ``MODULE:FUNCTION``.

    Raises:
        ModelError: If it cannot be read.
        DataError: If there is no such function, or it fails.
    """
    if spec == _STDIN:
        from tfedge.runtime.model import TFLiteModel

        return TFLiteModel(sys.stdin.buffer.read(), "stdin")
    if not _is_function(spec):
        return open_path(spec)
    from tfedge.cli.data.functions import called, named

    found = named(spec)
    is_model = hasattr(found, "predict") or hasattr(found, "content")
    return found if is_model else called(spec, found)


def inputs_of(model: Any) -> list[ModelInput]:
    """Return the inputs of a model: of a file, or of a Keras model or SavedModel.

    Args:
        model: What `open_model` returned.

    Raises:
        ModelError: If it is not built, or no model.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> inputs_of(sample_model())
        [ModelInput(name='x', shape=(3,))]
    """
    if hasattr(model, "content"):
        return [ModelInput(one.name, tuple(one.shape_signature[1:])) for one in model.inputs]
    specs = enter("tfedge.convert.inputs:input_specs")(model)
    return [ModelInput(one.name, tuple(one.shape)[1:]) for one in specs]


def _is_function(spec: str) -> bool:
    """Return whether this is ``MODULE:FUNCTION`` rather than a path."""
    return bool(_FUNCTION.fullmatch(spec)) and not Path(spec).exists()
