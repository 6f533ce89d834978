"""A student for a teacher: the same architecture with fewer channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.dependency.trace import Trace
from tfedge.compress.pruning.channels.prune import opened, prune_channels
from tfedge.compress.pruning.channels.rebuilding.kept import Kept
from tfedge.compress.pruning.channels.rebuilding.rebuild import Rebuilt
from tfedge.models.nodes import has_graph
from tfedge.models.weights import copy_weights, finalize, weight_pairs

_TARGETS = ("macs", "parameters", "size_bytes", "latency_ms")
_RATIO = 0.5


def student(teacher: Any, ratio: Any = None, *, inherit: bool = True, **settings: Any) -> Any:
    """Return a smaller model of the teacher's own architecture, for the teacher to teach.

    Layers have the names that they have in the teacher, so pairs for
    :class:`tfedge.distill.FeatureHint` are easily named.

    Args:
        teacher: A functional or Sequential model of either Keras, or the path of one. It is not
            changed.
        ratio: Fraction of the channels that goes, as in :func:`tfedge.prune_channels`, or ratios
            by layer; 0.5 unless another target is among the settings.
        inherit: Whether the student starts with the weights of the teacher's channels that stay.
            Otherwise weights are random, as the layers' initializers make them; what training
            does not change is the teacher's all the same: frozen layers, and what `Normalization`
            has adapted to.
        **settings: Other arguments of :func:`tfedge.prune_channels`: a target such as
            ``macs=0.125`` in place of the ratio, ``importance``, ``exclude``, ``round_to`` …

    Returns:
        A new model of the teacher's Keras, not compiled.

    Raises:
        ArgumentError: As :func:`tfedge.prune_channels`.
        ModelError: As :func:`tfedge.prune_channels`.
        DataError: As :func:`tfedge.prune_channels`.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> stack = [layers.Input((6,)), layers.Dense(8, name="hidden"), layers.Dense(2)]
        >>> teacher = keras3().Sequential(stack)
        >>> [student(teacher, ratio).get_layer("hidden").units for ratio in (None, 0.75)]
        [4, 2]
    """
    if ratio is None and all(settings.get(target) is None for target in _TARGETS):
        ratio = _RATIO
    slim = prune_channels(opened(teacher), ratio, **settings)
    return slim if inherit else _anew(slim)


def _anew(model: Any) -> Any:
    """Return the same model with the weights that its initializers make."""
    trace = Trace(model)
    rebuilt = Rebuilt(model, trace, Kept(np.ones(trace.ties.count, bool)))
    for old, new in rebuilt.pairs:
        if not has_graph(old) and getattr(old, "weights", None) and _is_settled(old):
            copy_weights(weight_pairs(old, new))
            finalize(new, like=old)
    return rebuilt.model


def _is_settled(layer: Any) -> bool:
    """Return whether training does not change a layer."""
    return not layer.trainable or type(layer).__name__ == "Normalization"
