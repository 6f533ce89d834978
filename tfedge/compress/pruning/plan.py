"""What is pruned how: layers, schedules and pattern settled and checked before anything changes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from numbers import Real
from typing import Any

from tfedge.compress.pruning.scope import left_out
from tfedge.core.checks import one_of
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.core.patterns import Pattern, check_fits, parse_pattern
from tfedge.models.flavours import describe, tfmot
from tfedge.models.kernels import KernelLayer
from tfedge.models.selection import select
from tfedge.models.training.schedules import ConstantSparsity, final_sparsity, scaled
from tfedge.models.training.stepping import GLOBAL, SCOPES

DEFAULT_SPARSITY = 0.5
_TOLERANCE = 1e-6


@dataclasses.dataclass(frozen=True)
class _AllLayers:
    """What :func:`tfedge.models.selection.select` needs of a model."""

    name: str
    layers: list[Any]


def plan(
    model: Any,
    found: list[KernelLayer],
    schedule: Any,
    layers: Any,
    exclude: Any,
    scope: str,
    pattern: str,
) -> list[tuple[KernelLayer, Any]]:
    """Return the layers to prune, each with its schedule.

    Args:
        model: A built model of either Keras.
        found: Those of its layers with kernels that can be pruned.
        schedule: A checked schedule, as :func:`checked_schedule` returns it.
        layers: As in ``tfedge.prune``.
        exclude: As in ``tfedge.prune``.
        scope: ``"layer"`` or ``"global"``.
        pattern: As in ``tfedge.prune``.

    Raises:
        ArgumentError: If settings contradict each other, or an entry matches no layer.
        ModelError: If nothing is left to prune, or the pattern does not fit a kernel.
    """
    kind = parse_pattern(pattern)
    one_of("scope", scope, SCOPES)
    _check_scope(scope, kind, layers)
    everything = _AllLayers(str(model.name), list(model._flatten_layers(include_self=False)))
    chosen = _chosen(model, found, everything, schedule, layers)
    excluded = select(everything, exclude, "exclude")
    chosen = [(layer, one) for layer, one in chosen if layer.layer.name not in excluded]
    if not chosen:
        raise ModelError(
            f"{model.name!r} has no kernel left to prune: {len(found)} layers have one, and all "
            f"are left out. Name some in layers=, or leave fewer out."
        )
    for layer, one in chosen:
        _check_layer(layer, one, kind)
    return chosen


def checked_schedule(schedule: Any, pattern: str) -> Any:
    """Return a schedule, or the default one of a pattern.

    Raises:
        ArgumentError: If it is no schedule.

    Example:
        >>> checked_schedule(None, "1:4").target_sparsity
        0.75
    """
    if schedule is None:
        own = parse_pattern(pattern).sparsity
        return ConstantSparsity(DEFAULT_SPARSITY if own is None else own, begin_step=0)
    if isinstance(schedule, tfmot().sparsity.keras.PruningSchedule):
        return schedule
    raise ArgumentError(
        f"schedule must be a schedule such as tfedge.PolynomialDecay(0.0, 0.8, begin_step=0, "
        f"end_step=2000) or tfedge.ConstantSparsity(0.5, begin_step=0), found {describe(schedule)}."
    )


def _check_scope(scope: str, pattern: Pattern, layers: Any) -> None:
    """Refuse a global threshold where each layer's share is fixed."""
    if scope == GLOBAL and (pattern.m or isinstance(layers, Mapping)):
        fixed = f"pattern={pattern.text!r}" if pattern.m else "layers={...: sparsity}"
        raise ArgumentError(
            f"scope='global' finds each layer's share of zeros by one threshold, and {fixed} fixes "
            f"it. Use scope='layer', or leave the other away."
        )


def _chosen(
    model: Any, found: list[KernelLayer], everything: Any, schedule: Any, layers: Any
) -> list[tuple[KernelLayer, Any]]:
    """Return layers with schedules, ``exclude`` not heeded yet."""
    if layers is None:
        omitted = left_out(model, found)
        return [(layer, schedule) for layer in found if id(layer.inner) not in omitted]
    entries = layers if isinstance(layers, Mapping) else {None: schedule}
    by_name: dict[str, Any] = {}
    for entry, value in entries.items():
        names = select(everything, layers if entry is None else entry, "layers")
        for name in names - set(by_name):
            by_name[name] = _schedule_of(entry, value, schedule)
    chosen = [(layer, by_name[layer.layer.name]) for layer in found if layer.layer.name in by_name]
    if not chosen:
        raise ArgumentError(
            f"layers={layers!r} means only layers without a kernel "
            f"({', '.join(sorted(by_name))}), so there is nothing to prune in them."
        )
    return [(layer, one) for layer, one in chosen if one is not None]


def _schedule_of(entry: Any, value: Any, schedule: Any) -> Any:
    """Return the schedule that a value of ``layers`` means; None for a sparsity of 0."""
    if isinstance(value, Real) and not isinstance(value, bool):
        return scaled(schedule, float(value)) if value else None
    if isinstance(value, tfmot().sparsity.keras.PruningSchedule):
        return value
    raise ArgumentError(
        f"layers[{entry!r}] must be a sparsity in [0, 1) or a schedule, found {describe(value)}."
    )


def _check_layer(layer: KernelLayer, schedule: Any, pattern: Pattern) -> None:
    """Refuse a layer that has no room for the pattern, or whose schedule asks for another share."""
    for variable, axis in zip(layer.variables(), layer.axes(), strict=True):
        check_fits(pattern, layer.name, tuple(variable.shape), axis)
    end = final_sparsity(schedule)
    if pattern.sparsity is not None and abs(end - pattern.sparsity) > _TOLERANCE:
        raise ArgumentError(
            f"pattern={pattern.text!r} means {pattern.sparsity:.1%} zeros, and the schedule of "
            f"{layer.name!r} ends at {end:.1%}. Let it end at {pattern.sparsity:g}."
        )
