"""Settings of a Keras 3 layer in the words of tf_keras.

A setting that tf_keras does not have may be left out only where leaving it out changes nothing:
it holds its default, or it is known to be harmless (a seed, a choice of kernel).
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.models.adoption.activations import translate_activation
from tfedge.models.flavours import describe, tf_keras

_BASE = frozenset({"name", "dtype", "trainable"})
_HARMLESS = frozenset(
    [
        "seed",
        "use_cudnn",
        "flash_attention",
        "quantization_config",
        "data_format",
        "build_config",
        "batch_shape",
        "shape",
        "input_shape",
        "autocast",
        "weights",
    ]
)
_ACTIVATIONS = ("activation", "recurrent_activation")


def settings_for(layer: Any, target: type, /, **changed: Any) -> dict[str, Any]:
    """Return the constructor arguments that make ``target`` out of a Keras 3 layer's config.

    Args:
        layer: A Keras 3 layer.
        target: The tf_keras class.
        **changed: Settings that replace those of the config, under tf_keras' own names.

    Raises:
        ModelError: If a setting cannot be expressed in tf_keras.
    """
    config = {**config_of(layer), **changed}
    accepted = constructor_defaults(target)
    kept = {}
    for key, value in config.items():
        if key in accepted or key in _BASE:
            kept[key] = value if key in changed else _translate(layer, key, value)
        elif key not in changed:
            _refuse_loss(layer, key, value)
    kept["trainable"] = True
    return kept


def config_of(layer: Any) -> dict[str, Any]:
    """Return a layer's config; that a function in it is a lambda is no news to anyone here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The object being serialized includes a `lambda`")
        return layer.get_config()


def constructor_defaults(kind: type) -> dict[str, Any]:
    """Return what a class accepts, with defaults, through all constructors that pass on."""
    found: dict[str, Any] = {}
    for ancestor in kind.__mro__:
        constructor = vars(ancestor).get("__init__")
        if constructor is None:
            continue
        parameters = inspect.signature(constructor).parameters.values()
        for parameter in parameters:
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                found.setdefault(parameter.name, parameter.default)
        if not any(parameter.kind == parameter.VAR_KEYWORD for parameter in parameters):
            break
    return found


def policy_name(policy: Any, owner: str) -> str:
    """Return the name of a dtype policy, which tf_keras takes in its place."""
    kind = policy.get("class_name", "") if isinstance(policy, dict) else type(policy).__name__
    if isinstance(policy, dict):
        policy = policy["config"].get("name", policy["config"].get("mode"))
    name = str(getattr(policy, "name", policy))
    if "Quantized" in kind:
        raise ModelError(
            f"The layer {owner!r} was quantized by Keras itself (dtype policy {name!r}), which "
            f"tf_keras has no twin for. Adopt the model as it was before model.quantize."
        )
    return name


def _translate(layer: Any, key: str, value: Any) -> Any:
    """Return one setting as tf_keras takes it."""
    if key == "dtype":
        return policy_name(value, layer.name)
    if key in _ACTIVATIONS and hasattr(layer, key):
        return translate_activation(getattr(layer, key), layer.name)
    for ending, home in (
        ("initializer", "initializers"),
        ("regularizer", "regularizers"),
        ("constraint", "constraints"),
    ):
        if key.endswith(ending):
            return _object(layer, key, value, getattr(tf_keras(), home))
    return value


def _object(layer: Any, key: str, value: Any, home: Any) -> Any:
    """Return an initializer, regularizer or constraint of tf_keras."""
    if value is None or isinstance(value, str):
        return value
    kind = getattr(home, str(value.get("class_name")), None)
    builtin = str(value.get("module") or "keras").startswith("keras")
    registered = tf_keras().saving.get_registered_object(value.get("registered_name"))
    if isinstance(registered, type):
        return registered(**value["config"])
    if not (isinstance(kind, type) and builtin):
        if key.endswith("initializer"):
            return "zeros"
        raise ModelError(
            f"The layer {layer.name!r} has the {key} {value.get('class_name')!r}, which tf_keras "
            f"does not know. Use a built-in one, or register the layer with "
            f"tfedge.models.register_layer and a translator of your own."
        )
    accepted = constructor_defaults(kind)
    return kind(**{name: item for name, item in value["config"].items() if name in accepted})


def _refuse_loss(layer: Any, key: str, value: Any) -> None:
    """Raise if a setting without a twin does something."""
    default = constructor_defaults(type(layer)).get(key, value)
    same = value == default or value is None or (not value and not default)
    if key in _HARMLESS or same:
        return
    raise ModelError(
        f"The layer {layer.name!r} ({type(layer).__name__}) has {key}={value!r}, which tf_keras "
        f"does not know; without it the outputs would differ. Leave it at {default!r}, or "
        f"register a translator with tfedge.models.register_layer "
        f"({describe(layer)})."
    )
