"""One layer anew: from its config, with some settings changed, in either Keras."""

from __future__ import annotations

import contextlib
import copy
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from tfedge.compress.pruning.channels.rebuilding.kept import Kept
from tfedge.core.errors import ModelError
from tfedge.models.adoption.settings import config_of
from tfedge.models.flavours import keras3, tf_keras
from tfedge.models.layers import class_names
from tfedge.models.nodes import has_graph

Edits = Iterable[tuple[tuple, Callable[[Kept, Any], Any]]]
_LIVE = ("activation", "initializer", "regularizer", "constraint")
_FUNCTIONS = ("activation", "recurrent_activation")
_SHAPES = ("query_shape", "key_shape", "value_shape")


def remake(layer: Any, edits: Edits, kept: Kept, copy_model: Callable[[Any], Any]) -> Any:
    """Return a new layer like another one, with fresh weights.

    Args:
        layer: A layer or operation of either Keras.
        edits: ``(path in the config, function)`` of the settings that change.
        kept: What the functions are told: which channels stay.
        copy_model: Rebuilds a model that sits inside a wrapper layer.

    Raises:
        ModelError: If the layer cannot be made from its config.
    """
    edits = list(edits)
    try:
        with _known_classes(layer):
            return _made(layer, edits, kept, copy_model)
    except (TypeError, ValueError, KeyError, NotImplementedError) as error:
        raise ModelError(
            f"The layer {layer.name!r} ({type(layer).__name__}) cannot be made again from its "
            f"config: {error} Give the class a get_config that returns every argument of its "
            f"constructor."
        ) from error


def _made(layer: Any, edits: list, kept: Kept, copy_model: Callable) -> Any:
    """Make the layer in the way of its kind."""
    names = class_names(layer)
    if type(layer).__name__ in ("TFOpLambda", "SlicingOpLambda"):
        return type(layer)(layer.function, name=layer.name)
    if "Lambda" in names:
        return _lambda(layer)
    if "Layer" not in names:
        return _operation(layer, edits, kept)
    if hasattr(getattr(layer, "layer", None), "weights") and has_graph(layer.layer):
        base = {key: config_of(layer)[key] for key in ("name", "trainable", "dtype")}
        return type(layer)(copy_model(layer.layer), **base)
    config = _config(layer)
    for path, value in edits:
        _change(config, path, value, kept)
    built_for = [config.pop(key, None) for key in _SHAPES]
    if any(built_for):  # attention of tf_keras, which would be built for the old widths
        return type(layer)(**config)
    return type(layer).from_config(config)


def _config(layer: Any) -> dict[str, Any]:
    """Return a config of its own, without shapes, and with functions rather than their names."""
    config = _without_shapes(copy.deepcopy(config_of(layer)))
    for key in config:
        live = getattr(layer, key, None)
        if key.endswith(_LIVE) and callable(live) and _is_custom(live):
            config[key] = live
    if hasattr(layer, "get_vocabulary"):
        config["vocabulary"] = layer.get_vocabulary(include_special_tokens=False)
    if config.get("bin_boundaries") is not None:
        config["num_bins"] = None
    return config


def _without_shapes(config: Any) -> Any:
    """Return a config without the shapes that inner layers were built with."""
    if isinstance(config, dict):
        return {k: _without_shapes(v) for k, v in config.items() if k != "build_config"}
    if isinstance(config, list):
        return [_without_shapes(item) for item in config]
    return config


def _is_custom(live: Any) -> bool:
    """Return whether a function or object is not one of Keras, which can name its own."""
    module = getattr(live, "__module__", None) or type(live).__module__
    return module.split(".")[0] not in ("keras", "tf_keras")


def _change(config: dict, path: tuple, value: Callable[[Kept, Any], Any], kept: Kept) -> None:
    """Change one setting, unless the config does not have it."""
    holder: Any = config
    for step in path[:-1]:
        if isinstance(holder, dict) and step not in holder:
            return
        holder = holder[step]
    if path[-1] in holder:
        holder[path[-1]] = value(kept, holder[path[-1]])


def _lambda(layer: Any) -> Any:
    """Carry the function over as it is; a config would hold its byte code."""
    config = config_of(layer)
    base = {key: config[key] for key in ("name", "trainable", "dtype")}
    settings = {"mask": layer.mask, "arguments": layer.arguments}
    return type(layer)(layer.function, output_shape=layer._output_shape, **settings, **base)


def _operation(layer: Any, edits: list, kept: Kept) -> Any:
    """Make an operation of Keras 3; one without a config is copied, without its calls."""
    try:
        config = layer.get_config()
    except NotImplementedError:
        made = copy.copy(layer)
        made._inbound_nodes, made._outbound_nodes = [], []
        return made
    for path, value in edits:
        _change(config, path, value, kept)
    return type(layer).from_config(config)


@contextlib.contextmanager
def _known_classes(layer: Any) -> Any:
    """Let Keras find the user's classes that a layer is made of, by their names."""
    parts = _parts(layer)
    found: dict[str, Any] = {
        type(part).__name__: type(part) for part in parts if _is_custom(type(part))
    }
    functions = [getattr(part, key, None) for part in parts for key in _FUNCTIONS]
    found |= {one.__name__: one for one in functions if inspect.isfunction(one) and _is_custom(one)}
    with (
        keras3().saving.custom_object_scope(found),
        tf_keras().utils.custom_object_scope(found),
    ):
        yield


def _parts(layer: Any) -> list[Any]:
    """Return a layer and the layers that it holds."""
    inside = [getattr(layer, name, None) for name in ("layer", "cell", "backward_layer")]
    inside += list(getattr(layer, "cells", ()) or ())
    known = [part for part in inside if hasattr(part, "get_config")]
    return [layer, *(deeper for part in known for deeper in _parts(part))]
