"""What a model file says about itself, read without running anything in it.

A Keras file is a config (JSON) and weights. The config tells which Keras wrote it and which code
it names; loading runs that code, so it is looked at first.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tfedge.core.errors import ModelError
from tfedge.models.flavours import KERAS3, TF_KERAS, tf_keras

_KNOWN_HOMES = ("keras", "tf_keras", "tensorflow_model_optimization", "tfedge")
_NOT_LOADED = frozenset({"compile_config", "training_config"})
_CODE = frozenset({"Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer"})


@dataclasses.dataclass(frozen=True)
class Contents:
    """The config of a saved model, the Keras that wrote it, and how the model was compiled."""

    config: Any
    flavour: str
    training: Any = None

    @property
    def is_trainable_model(self) -> bool:
        """Return whether the model is a TrainableModel of tfedge."""
        kind = self.config.get("class_name", "") if isinstance(self.config, dict) else ""
        return kind.rpartition(">")[2] == "TrainableModel"

    def mentions(self, *marks: str) -> bool:
        """Return whether a class or function in the config has one of these in its name."""
        names = {one.name for one in named_objects(self.config)}
        return any(mark in name for mark in marks for name in names)


class NamedObject(NamedTuple):
    """A class or function that a config names.

    Args:
        name: Its own name.
        key: The name under which Keras looks among custom objects.
        home: The module that Keras would import otherwise; None where it never does.
    """

    name: str
    key: str
    home: str | None


def read_contents(path: Path) -> Contents:
    """Return what a ``.keras`` or ``.h5`` file or a Keras SavedModel says about itself.

    Raises:
        ModelError: If the file is no model, is damaged, or holds weights only.
    """
    readers = {".keras": _read_archive, ".h5": _read_hdf5, ".hdf5": _read_hdf5}
    reader = readers.get(path.suffix.lower(), _read_metadata)
    try:
        return reader(path)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile, RuntimeError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(
            f"{str(path)!r} is not a readable {path.suffix or 'SavedModel'} model: {error}. It may "
            f"be damaged, cut off, or of another kind. Save the model again."
        ) from error


def refuse_code(contents: Contents, path: Path, allowed: Collection[str]) -> None:
    """Raise if a config holds code, or names code that does not come with Keras.

    Args:
        contents: What the file says.
        path: For the message.
        allowed: Names that the caller vouches for: custom objects, passed in or registered.

    Raises:
        ModelError: If there is such code; names it.
    """
    for name, key, home in named_objects(contents.config):
        if key in allowed:
            continue
        if name in _CODE:
            raise ModelError(
                f"{str(path)!r} holds a {name.strip('_')}: code that would run on loading. If you "
                f"trust who made the file, load it with tfedge.models.load_model(path, safe=False)."
            )
        if home == "builtins" or (home and home.partition(".")[0] not in _KNOWN_HOMES):
            raise ModelError(
                f"{str(path)!r} names {home}.{name}, which does not come with Keras; loading would "
                f"import it. Pass custom_objects={{{name!r}: {name}}}, register it with Keras, or "
                f"load with safe=False if you trust who made the file."
            )


def named_objects(config: Any) -> Iterator[NamedObject]:
    """Yield every class and function that a config names, nested ones too."""
    if isinstance(config, dict):
        name, inner = config.get("class_name"), config.get("config")
        if isinstance(name, str):
            is_function = name == "function" and isinstance(inner, str)
            own = str(inner) if is_function else name
            key = own if is_function else config.get("registered_name", name)
            yield NamedObject(own, str(key), config.get("module"))
        config = [value for key, value in config.items() if key not in _NOT_LOADED]
    if isinstance(config, list):
        for value in config:
            yield from named_objects(value)


def _read_archive(path: Path) -> Contents:
    """Read the JSON files of a ``.keras`` archive."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
        metadata = json.loads(archive.read("metadata.json"))
    training = config.pop("compile_config", None)
    return Contents(config, _flavour(metadata.get("keras_version")), training)


def _read_hdf5(path: Path) -> Contents:
    """Read the attributes of an ``.h5`` file."""
    import h5py

    with h5py.File(path, "r") as file:
        config, keras_version = file.attrs.get("model_config"), file.attrs.get("keras_version")
        training = json.loads(file.attrs.get("training_config", "null"))
    if config is None:
        raise ModelError(
            f"{str(path)!r} holds weights without a model. Build the model in code, call "
            f"load_weights on it, and pass the model."
        )
    return Contents(json.loads(config), _flavour(keras_version), training)


def _read_metadata(path: Path) -> Contents:
    """Read the Keras part of a SavedModel, which only tf_keras writes."""
    tf_keras()
    protocol = importlib.import_module("tf_keras.protobuf.saved_metadata_pb2")
    nodes = protocol.SavedMetadata.FromString((path / "keras_metadata.pb").read_bytes()).nodes
    return Contents([json.loads(node.metadata) for node in nodes], TF_KERAS)


def _flavour(keras_version: str | bytes | None) -> str:
    """Return the flavour of a version; files without one are older than Keras 3."""
    text = keras_version.decode() if isinstance(keras_version, bytes) else str(keras_version)
    return (
        KERAS3
        if text.partition(".")[0].isdigit() and int(text.partition(".")[0]) >= 3
        else TF_KERAS
    )
