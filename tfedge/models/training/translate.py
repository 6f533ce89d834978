"""Keras 3 optimizers, schedules, losses and metrics, rebuilt as their tf_keras namesakes.

Users write ``tf.keras.optimizers.Adam(1e-3)``, which is Keras 3; the models that tfmot trains
are tf_keras. Both sides give their settings as a config, so an object is rebuilt by class name
and settings. What cannot be carried over is refused, never dropped in silence.
"""

from __future__ import annotations

import inspect
import operator
from typing import Any

from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import tf_keras

_NAMESPACES = {
    "optimizer": "optimizers",
    "schedule": "optimizers.schedules",
    "loss": "losses",
    "metric": "metrics",
}
_REDUCTIONS = {None: "none", "mean": "sum_over_batch_size"}
_REMEDIES = {
    "optimizer": "Pass an optimizer that tf_keras has too, for example 'adam'.",
    "schedule": "Pass a tf_keras.optimizers.schedules.LearningRateSchedule.",
    "loss": "Pass a plain function (y_true, y_pred), or a tf_keras.losses.Loss.",
    "metric": "Pass a plain function (y_true, y_pred), or a tf_keras.metrics.Metric.",
}


def to_tf_keras(value: Any, kind: str) -> Any:
    """Return what tf_keras compiles with: Keras 3 objects rebuilt, everything else as it is.

    Args:
        value: A name, a tf_keras object, a plain function, a Keras 3 object, or lists and dicts
            of these as ``compile`` takes them for several outputs.
        kind: ``"optimizer"``, ``"schedule"``, ``"loss"`` or ``"metric"``.

    Returns:
        The same structure for tf_keras. A rebuilt optimizer starts without state.

    Raises:
        ArgumentError: If a Keras 3 object has no equal in tf_keras: a class of the user's own,
            a class that only Keras 3 has, or a setting that only Keras 3 knows.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> adam = to_tf_keras(keras3().optimizers.Adam(0.01), "optimizer")
        >>> type(adam).__module__.split(".")[0], round(float(adam.learning_rate), 4)
        ('tf_keras', 0.01)
        >>> to_tf_keras("mse", "loss")
        'mse'
    """
    if isinstance(value, dict):
        return {key: to_tf_keras(item, kind) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_tf_keras(item, kind) for item in value]
    if inspect.isfunction(value) and value.__module__.startswith("keras."):
        return getattr(_namespace(kind), value.__name__, value)
    if not _is_keras3(value):
        return value
    return _rebuild(value, kind)


def _is_keras3(value: Any) -> bool:
    """Return whether a value is an object of a Keras 3 class, or of a child of one."""
    return any(base.__module__.startswith("keras.") for base in type(value).__mro__)


def _namespace(kind: str) -> Any:
    """Return the tf_keras module in which objects of this kind live."""
    return operator.attrgetter(_NAMESPACES[kind])(tf_keras())


def _rebuild(value: Any, kind: str) -> Any:
    """Return the tf_keras namesake of a Keras 3 object, with the same settings."""
    twin = _twin(value, _namespace(kind), kind)
    config = _settings(value)
    if kind == "optimizer":
        config["learning_rate"] = _learning_rate(value)
    if kind == "loss" and "reduction" in config:
        config["reduction"] = _REDUCTIONS.get(config["reduction"], config["reduction"])
        if config["reduction"] == "mean_with_sample_weight":
            raise _refusal(value, kind, "tf_keras has no reduction 'mean_with_sample_weight'")
    return twin.from_config(_carried(value, config, twin, kind))


def _settings(value: Any) -> dict[str, Any]:
    """Return the settings of a Keras 3 object, also those that some of its configs forget."""
    arguments = inspect.signature(type(value).__init__).parameters
    hidden = getattr(value, "_fn_kwargs", {})
    hidden = {name: item for name, item in hidden.items() if name in arguments}
    return {**hidden, **value.get_config()}


def _twin(value: Any, namespace: Any, kind: str) -> Any:
    """Return the tf_keras class of the same name, or say that there is none."""
    name = type(value).__name__
    if not type(value).__module__.startswith("keras."):
        raise _refusal(value, kind, "its class is not part of Keras, so its code is unknown here")
    if not hasattr(namespace, name):
        raise _refusal(value, kind, f"tf_keras has no {name}")
    return getattr(namespace, name)


def _carried(value: Any, config: dict[str, Any], twin: Any, kind: str) -> dict[str, Any]:
    """Return the settings that the twin takes; refuse a setting that would be lost."""
    known = inspect.signature(twin.__init__).parameters
    defaults = inspect.signature(type(value).__init__).parameters
    config.pop("dtype", None)
    for name in [name for name in config if name not in known]:
        lost = config.pop(name)
        default = defaults[name].default if name in defaults else None
        if lost not in (None, False, default):
            raise _refusal(value, kind, f"tf_keras does not know {name}={lost!r}")
    return config


def _learning_rate(optimizer: Any) -> Any:
    """Return the learning rate of a Keras 3 optimizer: its present value, or its schedule."""
    rate = optimizer._learning_rate
    if not hasattr(rate, "get_config") or not callable(rate):
        return float(optimizer.learning_rate)
    return to_tf_keras(rate, "schedule")


def _refusal(value: Any, kind: str, why: str) -> ArgumentError:
    """Return the error for an object that cannot be carried over."""
    return ArgumentError(
        f"The Keras 3 {kind} {type(value).__name__!r} cannot be used here: this model trains in "
        f"tf_keras, the flavour that tfmot works on, and {why}. {_REMEDIES[kind]}"
    )
