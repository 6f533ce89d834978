"""Channels go: the model without them, and the model in which they count for nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.dependency.grouping import Grouping, group_channels
from tfedge.compress.pruning.channels.dependency.trace import Trace
from tfedge.compress.pruning.channels.group import IN, ChannelGroup
from tfedge.compress.pruning.channels.rebuilding.kept import Kept
from tfedge.compress.pruning.channels.rebuilding.rebuild import Rebuilt
from tfedge.core.errors import ArgumentError
from tfedge.core.nearest import nearest
from tfedge.models.kernels import weights_at
from tfedge.models.nodes import has_graph
from tfedge.models.weights import finalize

Drop = Mapping[str, Sequence[int]]


def remove(model: Any, drop: Drop) -> Any:
    """Return the model without some channels.

    Args:
        model: As in ``read_channels``; it is not touched.
        drop: Group name to the units that go. Groups that are not named stay whole.

    Returns:
        A new model of the same kind (Keras 3 or tf_keras, functional or sequential, nested as
        before), with the weights that are left. It is not compiled.

    Raises:
        ArgumentError: If a group is unknown or fixed, a unit does not exist, or all would go.
        ModelError: As ``read_channels``, or if a layer cannot be made from its config.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> model = keras.Sequential(
        ...     [keras.Input((4,)), keras.layers.Dense(8, name="a"), keras.layers.Dense(2)]
        ... )
        >>> [tuple(weight.shape) for weight in remove(model, {"a": [0, 3, 5]}).weights]
        [(4, 5), (5,), (5, 2), (2,)]
    """
    trace = Trace(model)
    grouping = group_channels(trace)
    kept = _kept(grouping, drop)
    rebuilt = Rebuilt(model, trace, kept)
    _fill(rebuilt, _cuts(trace, kept), _factors(trace, kept))
    return rebuilt.model


def masked(model: Any, drop: Drop) -> Any:
    """Return a copy of the model in which some channels count for nothing.

    Zeros stand where the channels are consumed, not where they are made: an activation or a bias
    may turn zeros into something else. The outputs equal those of :func:`remove`.

    Args:
        model: As in ``read_channels``; it is not touched.
        drop: Group name to the units.

    Returns:
        A new model with the shapes of the old one.

    Raises:
        ArgumentError, ModelError: As :func:`remove`.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> model = keras.Sequential(
        ...     [keras.Input((4,)), keras.layers.Dense(3, name="a"), keras.layers.Dense(1)]
        ... )
        >>> (masked(model, {"a": [1]}).layers[-1].kernel.numpy() == 0).ravel().tolist()
        [False, True, False]
    """
    trace = Trace(model)
    kept = _kept(group_channels(trace), drop)
    rebuilt = Rebuilt(model, trace, Kept(np.ones(trace.ties.count, bool)))
    _fill(rebuilt, {}, _zeros(trace, kept))
    return rebuilt.model


def _kept(grouping: Grouping, drop: Drop) -> Kept:
    """Check what is to go, and say for each id whether it stays."""
    goes = np.zeros(int(grouping.class_of.max(initial=-1)) + 1, bool)
    groups = {group.name: group for group in grouping.graph.groups}
    for name, units in drop.items():
        if name not in groups:
            raise ArgumentError(
                f"drop names the group {name!r}, which the model does not have. Nearest: "
                f"{nearest(name, groups)}."
            )
        goes[grouping.units[name][_checked(groups[name], units)]] = True
    return Kept(~goes[grouping.class_of])


def _checked(group: ChannelGroup, units: Sequence[int]) -> np.ndarray:
    """Return the units of a group as an array, if they may go."""
    wanted = np.asarray(units, int).reshape(-1)
    if wanted.size and group.fixed is not None:
        raise ArgumentError(f"Nothing can be removed from {group.name!r}: {group.fixed}.")
    if wanted.size and (wanted.min() < 0 or wanted.max() >= group.size):
        raise ArgumentError(
            f"drop[{group.name!r}] names unit {wanted.min() if wanted.min() < 0 else wanted.max()}"
            f"; the group has units 0 to {group.size - 1}."
        )
    if len(np.unique(wanted)) == group.size:
        raise ArgumentError(
            f"drop[{group.name!r}] names all {group.size} units. At least one must stay, or "
            f"nothing would flow through the layer."
        )
    return wanted


def _weights(trace: Trace) -> dict[int, Any]:
    """Return the layers of a model by identity."""
    return {id(step.layer): step.layer for step in trace.graph.steps}


def _variable(layer: Any, weight: str) -> int:
    """Return the identity of a weight of a layer."""
    return id(weights_at(layer, (weight,))[0])


def _cuts(trace: Trace, kept: Kept) -> dict[int, list[tuple[int, np.ndarray]]]:
    """Return ``(axis, places that stay)`` for each weight that loses any."""
    cuts: dict[int, list[tuple[int, np.ndarray]]] = {}
    for site in trace.sites:
        stays = kept.mask(site.ids)
        if site.weight is not None and not stays.all():
            cut = (site.axis, np.flatnonzero(stays))
            cuts.setdefault(_variable(site.layer, site.weight), []).append(cut)
    return cuts


def _factors(trace: Trace, kept: Kept) -> dict[int, Any]:
    """Return for each weight what it is multiplied by."""
    layers = _weights(trace)
    return {
        _variable(layers[layer], weight): factor(kept)
        for (layer, weight), factor in trace.scales.items()
    }


def _zeros(trace: Trace, kept: Kept) -> dict[int, Any]:
    """Return masks for the weights that consume channels."""
    masks: dict[int, Any] = {}
    for site in trace.sites:
        if site.role == IN:
            key = _variable(site.layer, str(site.weight))
            rank = len(weights_at(site.layer, (str(site.weight),))[0].shape)
            shape = [1] * rank
            shape[site.axis] = -1
            masks[key] = masks.get(key, 1.0) * kept.mask(site.ids).reshape(shape)
    return masks


def _fill(rebuilt: Rebuilt, cuts: dict, factors: dict) -> None:
    """Give the new layers the weights of the old ones, cut and multiplied."""
    for old, new in rebuilt.pairs:
        if has_graph(old) or not getattr(old, "weights", None):
            continue
        for source, target in zip(old.weights, new.weights, strict=True):
            value = np.asarray(source.numpy())
            for axis, places in cuts.get(id(source), ()):
                value = np.take(value, places, axis)
            if id(source) in factors:
                value = (value * factors[id(source)]).astype(value.dtype)
            target.assign(value)
        finalize(new, like=old)
