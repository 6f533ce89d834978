"""One training step of the pruning wrappers: count it, change the masks if it is time, mask.

A ``TrainableModel`` steps all its wrappers at once, before its layers run: so a layer that is
called twice counts once, and masks can be chosen together. A wrapper in any other model steps
by itself when it is called, as tfmot's does.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import importlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.models.flavours import tf_keras
from tfedge.models.training import graph_masks
from tfedge.models.wrappers import is_pruning

LAYER, GLOBAL = "layer", "global"
SCOPES = (LAYER, GLOBAL)
tf_keras()
_autocast: Any = importlib.import_module("tf_keras.src.mixed_precision.autocast_variable")
_STEPPED: contextvars.ContextVar[frozenset[int]] = contextvars.ContextVar(
    "layers whose model counts their steps", default=frozenset()
)
_NOT_STARTED = (
    "A pruned layer is trained and its steps are not counted. Train with fit of the model that "
    "tfedge.prune returned, or start the count with step_callbacks().on_train_begin()."
)


def pruned_layers(model: Any) -> list[Any]:
    """Return tfedge's pruning wrappers in a tf_keras model.

    Example:
        >>> pruned_layers(tf_keras().Sequential())
        []
    """
    layers = model._flatten_layers(include_self=False)
    return [layer for layer in layers if is_pruning(layer) and hasattr(layer, "parsed_pattern")]


@contextlib.contextmanager
def stepping(layers: list[Any], training: Any) -> Iterator[None]:
    """Step wrappers together; while they are called inside, they do not step by themselves."""
    if layers:
        advance(layers, training)
    token = _STEPPED.set(_STEPPED.get() | {id(layer) for layer in layers})
    try:
        yield
    finally:
        _STEPPED.reset(token)


def is_stepped(layer: Any) -> bool:
    """Return whether the model around a wrapper steps it.

    Example:
        >>> is_stepped("dense")
        False
    """
    return id(layer) in _STEPPED.get()


def advance(layers: list[Any], training: Any) -> None:
    """Count a step and change masks if training, then mask the weights.

    Args:
        layers: Pruning wrappers.
        training: Whether this is a training step: bool, number or tensor.
    """

    def everywhere(*_: Any) -> None:
        """Work on the variables of all replicas at once."""
        with _autocast.enable_auto_cast_variables(None):
            _when(training, lambda: _step(layers))
            apply_masks(layers)

    context = tf.distribute.get_replica_context()
    if context is None:
        everywhere()
    else:
        context.merge_call(everywhere)


def apply_masks(layers: list[Any]) -> None:
    """Set the weights that the masks leave out to zero."""
    for layer in layers:
        for weight, mask, _ in layer.pruning_vars:
            weight.assign(tf.cast(tf.convert_to_tensor(weight) * mask, weight.dtype))


class MaskWriter:
    """What tfmot's callback expects of a wrapper: an object that masks its weights.

    Args:
        layer: The wrapper.

    Example:
        >>> MaskWriter("dense").weight_mask_op is not None
        True
    """

    def __init__(self, layer: Any) -> None:
        self._layer = layer

    def weight_mask_op(self) -> Any:
        """Mask the weights, as :func:`apply_masks`."""
        apply_masks([self._layer])


def _step(layers: list[Any]) -> None:
    """Count the step, and change the masks of those whose schedule says so."""
    for layer in layers:
        layer.pruning_step.assign_add(1)
    groups = list(_with_one_schedule(layers))
    checks = [
        tf.debugging.assert_greater_equal(group[0].pruning_step, np.int64(1), _NOT_STARTED)
        for group in groups
    ]
    with tf.control_dependencies([check for check in checks if check is not None]):
        for group in groups:
            now, sparsity = group[0].pruning_schedule(tf.convert_to_tensor(group[0].pruning_step))
            _when(now, functools.partial(_change, group, sparsity))


def _with_one_schedule(layers: list[Any]) -> list[list[Any]]:
    """Return the layers in groups that share schedule and scope."""
    groups: dict[str, list[Any]] = {}
    for layer in layers:
        key = json.dumps([layer.scope, layer.pruning_schedule.get_config()], default=str)
        groups.setdefault(key, []).append(layer)
    return list(groups.values())


def _change(layers: list[Any], sparsity: Any) -> None:
    """Choose new masks."""
    triples = [triple for layer in layers for triple in layer.pruning_vars]
    for (weight, mask, threshold), new in zip(triples, _masks(layers, sparsity), strict=True):
        size = tf.abs(tf.convert_to_tensor(weight))
        least = tf.reduce_min(tf.where(new > 0, size, size.dtype.max))
        threshold.assign(tf.cast(least, threshold.dtype))
        mask.assign(tf.cast(new, mask.dtype))


def _masks(layers: list[Any], sparsity: Any) -> list[Any]:
    """Return new masks, all kernels of all layers in order."""
    if layers[0].scope == GLOBAL:
        kernels = [weight for layer in layers for weight, *_ in layer.pruning_vars]
        return graph_masks.global_masks(kernels, sparsity, layers[0].parsed_pattern)
    return [
        graph_masks.magnitude_mask(weight, sparsity, layer.parsed_pattern, axis)
        for layer in layers
        for (weight, *_), axis in zip(layer.pruning_vars, layer.axes, strict=True)
    ]


def _when(condition: Any, action: Callable[[], None]) -> None:
    """Do something if a condition holds, in Python where it is known, in the graph otherwise."""
    if not tf.is_tensor(condition):
        if condition:
            action()
        return

    def done() -> Any:
        """Act, and return something, as a branch must."""
        action()
        return tf.constant(True)

    tf.cond(tf.cast(condition, tf.bool), done, lambda: tf.constant(False))
