"""From the curves of a model to what is worth a trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfedge.pipeline.budget import Budget
from tfedge.pipeline.constraints import shown
from tfedge.pipeline.search.channel_stages import ChannelStages
from tfedge.pipeline.search.few_bits import FewBits
from tfedge.pipeline.search.ledger import Entry
from tfedge.pipeline.search.proxies import Curves
from tfedge.pipeline.search.space import Space

_SLACK = 0.03
_PACKED = "gzip_bytes"
_FAR, _FAR_AT_LEAST = 2.0, 0.02
_MUCH_NARROWER = 0.6


def space_of(
    curves: Curves,
    budget: Budget,
    epochs: int,
    stages: ChannelStages | None = None,
    few_bits: FewBits | None = None,
) -> Space:
    """Return what a search varies: what can be within the budget, and helps.

    Args:
        curves: Curves of the model.
        budget: The budget.
        epochs: Longest training of one trial.
        stages: Stages of the network, None if it has none.
        few_bits: Layers that take 4-bit weights, None for none.

    Returns:
        The space. Where no width is within a limit, the least width is all that is left, so that
        the nearest file is found.
    """
    most, reasons = 1.0, {}
    for name, limit in budget.limits.items():
        best = _best_packing(curves, few_bits) if name == _PACKED else 1.0
        share = curves.fraction_for(name, limit / best)
        if share is None:
            reasons[name] = (
                f"even with {curves.least:.0%} of the multiply-accumulates a file has about "
                f"{shown(name, best * curves.at(name, curves.least))}, above {shown(name, limit)}"
            )
        most = min(most, share or curves.least)
    most = min(1.0, most * (1 + _SLACK)) if most > curves.least else most
    packs = gzip_counts(budget)
    if not packs:
        reasons["sparsity"] = "zeros save bytes after gzip only, which are not limited"
        reasons["clusters"] = "shared values save bytes after gzip only, which are not limited"
    if curves.channels_reason:
        reasons["channels"] = curves.channels_reason
    return Space(
        mode=curves.mode,
        least_channels=min(curves.least, 1.0),
        most_channels=most,
        sparsities=tuple(share for share, _ in curves.sparsities) if packs else (0.0,),
        clusters=(0, *(count for count, _ in curves.clusters)) if packs else (0,),
        epochs=epochs,
        times="latency_ms" in budget.limits,
        reasons=reasons,
        stages=None if curves.channels_reason else stages,
        few_bits=few_bits if packs and curves.mode == "int8" else None,
    )


def gzip_counts(budget: Budget) -> bool:
    """Return whether it matters how small a file is after gzip."""
    return _PACKED in budget.limits or budget.ranked_by == _PACKED


def _best_packing(curves: Curves, few_bits: FewBits | None) -> float:
    """Return the least size after gzip that zeros, few values or few bits make, of none."""
    whole = curves.sparsities[0][1]
    sizes = [size for _, size in (*curves.sparsities, *curves.clusters)]
    lowered = few_bits.ratio(len(few_bits.layers)) if few_bits else 1.0
    return min(lowered, min([whole, *sizes]) / whole)


def why_hopeless(
    choice: Mapping[str, Any],
    curves: Curves,
    budget: Budget,
    entries: Sequence[Entry] = (),
    few_bits: FewBits | None = None,
) -> str:
    """Return why a choice is not worth training, or nothing if it may be.

    Either the curves say that it is above a limit, or it goes further in everything than a trial
    that lost far more than is allowed.

    Args:
        choice: The choice.
        curves: Curves of the model.
        budget: The budget.
        entries: Trials that there are.
        few_bits: Layers that take 4-bit weights.
    """
    packing = packing_of(curves, choice["sparsity"], choice["clusters"])
    packing = min(packing, few_bits.ratio(choice["few_bits"]) if few_bits else packing)
    for name, limit in budget.limits.items():
        expected = curves.at(name, choice["channels"]) * (packing if name == _PACKED else 1.0)
        if expected > (1 + 2 * _SLACK) * limit:
            return (
                f"not trained: about {shown(name, expected)} of {name} expected from the curves, "
                f"above {shown(name, limit)}"
            )
    return _why_too_far(choice, budget, entries)


def _why_too_far(choice: Mapping[str, Any], budget: Budget, entries: Sequence[Entry]) -> str:
    """Return which trial a choice goes further than, if that one lost far too much already."""
    if budget.accuracy_drop is None:
        return ""
    allowed = budget.accuracy_drop
    for one in entries:
        drop = one.measured.drop.drop if one.measured and one.measured.drop else 0.0
        lost_far_too_much = drop > _FAR * allowed + _FAR_AT_LEAST
        width = one.choice["channels"] * (1.0 if lost_far_too_much else _MUCH_NARROWER)
        if drop > allowed and _goes_further(choice, {**one.choice, "channels": width}):
            return (
                f"not trained: it goes further than trial {one.place}, which lost "
                f"{shown('accuracy_drop', drop)}"
            )
    return ""


def _goes_further(choice: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether a choice takes at least as much away and trains no longer."""
    shared = not other["clusters"] or 0 < choice["clusters"] <= other["clusters"]
    return bool(
        choice["channels"] <= other["channels"]
        and choice["sparsity"] >= other["sparsity"]
        and choice["few_bits"] >= other["few_bits"]
        and choice["epochs"] <= other["epochs"]
        and shared
    )


def packing_of(curves: Curves, sparsity: float, clusters: int) -> float:
    """Return the expected size after gzip with zeros or shared values, relative to none."""
    whole = curves.sparsities[0][1]
    found = dict(curves.sparsities).get(sparsity, whole), dict(curves.clusters).get(clusters, whole)
    return min(found) / whole
