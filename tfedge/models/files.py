"""Model files of either Keras, opened safely and in their own flavour."""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.core.openers import SAVED_MODEL, kind_of
from tfedge.models.flavours import KERAS3, describe, keras3, tf_keras
from tfedge.models.storage.archives import Contents, named_objects, read_contents, refuse_code
from tfedge.models.storage.compiled import why_not_compiled
from tfedge.models.storage.quantized_files import without_build_config, wrappers_load_from_the_end

_KINDS = (".keras", ".h5", ".hdf5", SAVED_MODEL)
_OPERATION_HOMES = ("core", "image", "linalg", "math", "nn", "numpy")
_TRAINING = ("PruneLowMagnitude", "ClusterWeights", "Quantize", "TrainableModel")


def load_model(
    path: str | os.PathLike, *, safe: bool = True, custom_objects: dict[str, Any] | None = None
) -> Any:
    """Open a model file of Keras 3 or tf_keras; the file tells which.

    Wrappers of tfmot and tfedge in the file are understood. A
    ``TrainableModel`` of tfedge comes back compiled, its optimizer in the
    state in which it was saved, so that ``fit`` goes on. If its loss, metrics or optimizer are
    not known here, a warning says so, and it comes back uncompiled, as all other models do.

    Args:
        path: A ``.keras`` or ``.h5`` file, or a SavedModel folder.
        safe: Refuse files that hold code (Lambda layers, pickled modules) or name code that does
            not come with Keras and is neither registered nor in ``custom_objects``. A SavedModel
            is a TensorFlow program in itself: open only those that you trust.
        custom_objects: Classes and functions by the names that the file uses, losses and metrics
            included.

    Returns:
        A Keras 3 or tf_keras model. For a SavedModel without a Keras graph: what
        ``tf.saved_model.load`` returns, which can run but not be trained or compressed.

    Raises:
        ModelError: If there is no model at ``path``, it is damaged, or it is not safe.

    Example:
        >>> import tempfile
        >>> layers = keras3().layers
        >>> model = keras3().Sequential([layers.Input((4,)), layers.Dense(2)])
        >>> path = f"{tempfile.mkdtemp()}/tiny.keras"
        >>> model.save(path)
        >>> load_model(path).output_shape
        (None, 2)
    """
    path = _checked(path)
    kind = kind_of(path)
    if kind == SAVED_MODEL and not (path / "keras_metadata.pb").exists():
        return _guarded(path, _load_saved_model, path)
    contents = read_contents(path)
    custom_objects = dict(custom_objects or {})
    known = {*custom_objects, *_registered()}
    if safe:
        refuse_code(contents, path, known)
    load = _load_keras3 if contents.flavour == KERAS3 else _load_tf_keras
    return _guarded(path, load, path, contents, custom_objects, safe, known)


def _checked(path: str | os.PathLike) -> Path:
    """Return the path after a look at what lies there."""
    if not isinstance(path, (str, os.PathLike)):
        raise ModelError(f"The path of a model file was asked for, found {describe(path)}.")
    path = Path(path)
    if not path.exists():
        raise ModelError(f"No model file at {str(path)!r}. Check the path.")
    if kind_of(path) not in _KINDS:
        raise ModelError(
            f"{str(path)!r} is not a Keras model file; known are {', '.join(_KINDS)} (a folder)."
        )
    return path


def _guarded(path: Path, function: Any, *args: Any) -> Any:
    """Run a loader and tell what it failed on as a ModelError."""
    try:
        return function(*args)
    except Exception as error:
        raise ModelError(
            f"{str(path)!r} could not be loaded: {type(error).__name__}: {error}\n"
            f"If it names a class of your own, pass it in custom_objects={{'Name': Name}}; "
            f"otherwise the file may be damaged or written by another version of Keras."
        ) from error


def _load_keras3(path: Path, contents: Contents, custom_objects: dict, safe: bool, _: set) -> Any:
    """Load a file that Keras 3 wrote."""
    loader = keras3().models.load_model
    known = {**_operations_in(contents), **custom_objects}
    return loader(path, custom_objects=known, compile=False, safe_mode=safe)


def _operations_in(contents: Contents) -> dict[str, Any]:
    """Return the operations of Keras 3 that a file names: its ``.h5`` loader knows layers only.

    Every mask in a functional model is such an operation (NotEqual).
    """
    names = {one.name for one in named_objects(contents.config)}
    homes = [importlib.import_module(f"keras.src.ops.{home}") for home in _OPERATION_HOMES]
    found = {name: getattr(home, name) for home in homes for name in names if hasattr(home, name)}
    return {name: kind for name, kind in found.items() if not hasattr(keras3().layers, name)}


def _load_tf_keras(
    path: Path, contents: Contents, custom_objects: dict, safe: bool, known: set
) -> Any:
    """Load a file that tf_keras wrote."""
    scope = tf_keras().utils.custom_object_scope(custom_objects)
    with _own_classes(contents), scope, tempfile.TemporaryDirectory() as folder:
        compiled = _can_be_compiled(path, contents, known)
        if path.suffix == ".keras" and contents.mentions("QuantizeLayer"):
            path = without_build_config(path, Path(folder))
        return tf_keras().models.load_model(str(path), compile=compiled, safe_mode=safe)


def _can_be_compiled(path: Path, contents: Contents, known: set[str]) -> bool:
    """Return whether a model is to be compiled as it was; warn if it cannot."""
    if not contents.is_trainable_model or contents.training is None:
        return False
    reason = why_not_compiled(contents.training, known)
    if reason:
        warnings.warn(
            f"{str(path)!r} comes back uncompiled, without the state of its optimizer: {reason}. "
            f"To train on from there, pass custom_objects={{'name': object}} to "
            f"tfedge.models.load_model; for all other uses nothing is missing.",
            UserWarning,
            stacklevel=5,
        )
    return not reason


@contextlib.contextmanager
def _own_classes(contents: Contents):
    """Let tf_keras find the classes of tfedge, of its own applications, and tfmot's if named."""
    from tfedge.models.adoption import activations, operation, twins
    from tfedge.models.training.scope import training_scope

    activations.register_all()
    classes = {operation.Operation.__name__: operation.Operation, **twins.application_layers()}
    with contextlib.ExitStack() as stack:
        if contents.mentions(*_TRAINING):
            stack.enter_context(training_scope())
            stack.enter_context(wrappers_load_from_the_end())
        stack.enter_context(tf_keras().utils.custom_object_scope(classes))
        yield


def _registered() -> set[str]:
    """Return the names that users and libraries registered with either Keras."""
    from tfedge.models.adoption import activations, operation, twins

    activations.register_all()
    known = {operation.Operation.__name__, *twins.application_layers()}
    for keras in (keras3(), tf_keras()):
        known.update(keras.saving.get_custom_objects())
    return known


def _load_saved_model(path: Path) -> Any:
    """Load a SavedModel that holds functions only."""
    import tensorflow as tf

    return tf.saved_model.load(str(path))
