"""What to say when too little can go: how much could, and which layers stand in the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tfedge.compress.pruning.channels.planning.candidates import made_by
from tfedge.compress.pruning.channels.planning.search import gone_after
from tfedge.compress.pruning.channels.planning.targets import Target
from tfedge.core.errors import ArgumentError, ModelError

if TYPE_CHECKING:
    from tfedge.compress.pruning.channels.planning.plan import Ranking

_SHOWN = 5


def unreachable(target: Target, goal: float, least: float, order: Ranking) -> ArgumentError:
    """Return the error for a target that all permitted moves together do not reach.

    Args:
        target: What was asked.
        goal: How much was to be left.
        least: How much is left after all moves, in the same unit.
        order: The moves.
    """
    lines = "\n".join(f"  {line}" for line in _binding(target, order))
    return ArgumentError(
        f"{target.kind}={target.value!r} asks for {_number(goal)} {target.unit} of "
        f"{order.graph.name!r}; the least possible is {_number(least)}. What stays then:\n{lines}\n"
        f"Ask for more, or loosen minimum, round_to or exclude."
    )


def nothing_to_remove(model: str, kept: Mapping[str, str], entry: Any = None) -> ModelError:
    """Return the error for a model, or for layers of it, that keep all their channels.

    Args:
        model: Name of the model.
        kept: Reason by group name.
        entry: What the user named, if it is about that.
    """
    lines = [f"  {name}: {why}" for name, why in list(kept.items())[:_SHOWN]]
    more = [f"  … and {len(kept) - _SHOWN} more"] if len(kept) > _SHOWN else []
    what = f"{model!r} has no channels that can go"
    if entry is not None:
        what = f"ratio names {getattr(entry, '__name__', entry)!r}, whose channels cannot go"
    reasons = "\n".join([*lines, *more]) or "  it has no layer with channels of its own"
    return ModelError(f"{what}. What is kept, and why:\n{reasons}")


def _binding(target: Target, order: Ranking) -> list[str]:
    """Return the layers that most of the rest lies in, each with the reason."""
    gone = gone_after(order.moves)
    left = _left_by_layer(target, order, gone)
    reasons = _reasons(order, gone)
    largest = sorted(left, key=lambda name: -left[name])[:_SHOWN]
    return [f"{name}: {_number(left[name])}, {reasons.get(name, 'no group')}" for name in largest]


def _left_by_layer(target: Target, order: Ranking, gone: Mapping[str, int]) -> dict[str, float]:
    """Return how much is left in each layer when everything that may go is gone."""
    if target.kind == "ratio":
        return {name: size - gone.get(name, 0) for name, size in order.cost.sizes.items()}
    if target.kind in ("parameters", "size_bytes"):
        return order.cost.parameters_by_layer(gone)
    return order.cost.macs_by_layer(gone)


def _reasons(order: Ranking, gone: Mapping[str, int]) -> dict[str, str]:
    """Return by layer why it does not get smaller."""
    groups = order.candidates.groups
    reasons = {}
    for group in groups:
        width = group.size - gone.get(group.name, 0)
        for name in (group.name, *made_by(group)):
            reasons[name] = f"at its least width, {width} of {group.size}"
    return reasons | {name.partition("#")[0]: why for name, why in order.candidates.kept.items()}


def _number(value: float) -> str:
    """Return a number as short text."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.4g}"
