"""Stages of a network: how much of its channels each one keeps, for one amount of work in all."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.prune import prune_channels
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.core.records import Record
from tfedge.pipeline.drop import outputs_of
from tfedge.pipeline.search.stage_finding import layers_and_costs

LEANS = (0.25, 0.5, 1.0, 2.0)
SHARES = (0.6, 0.3)
_LEAST = 0.03
_HALVINGS = 30


@dataclass(frozen=True, repr=False)
class ChannelStages(Record):
    """Parts of a network that may keep different shares of their channels.

    Attributes:
        layers: Names of the layers that make the channels, by stage.
        macs: The multiply-accumulates as a polynomial of the shares that stay: ``(i, j, count)``
            for those that go with the channels of stages i and j; -1 where nothing goes.
        harms: For each stage, ``(share that stays, error of the outputs)`` where it alone lost
            channels and nothing was trained; the error is relative to the outputs' variance.
        parameters: The number of parameters, as a polynomial like that of the MACs.

    Example:
        >>> macs = ((0, -1, 100.0), (0, 1, 300.0))
        >>> harms = (((0.6, 0.1), (0.3, 0.4)), ((0.6, 0.9), (0.3, 2.0)))
        >>> stages = ChannelStages((("a",), ("b",)), macs, harms)
        >>> stages.keeps(0.25, (1.0, 1.0))
        (0.434, 0.434)
        >>> stages.leans(0.25)
        (2.0, 0.25)
        >>> stages.keeps(0.25, (2.0, 0.25))
        (0.281, 0.853)
    """

    layers: tuple[tuple[str, ...], ...]
    macs: tuple[tuple[int, int, float], ...]
    harms: tuple[tuple[tuple[float, float], ...], ...]
    parameters: tuple[tuple[int, int, float], ...] = ()

    def macs_left(self, keeps: Sequence[float]) -> float:
        """Return the fraction of the multiply-accumulates that is left with such shares."""
        return _left(self.macs, keeps)

    def parameters_left(self, keeps: Sequence[float]) -> float:
        """Return the fraction of the parameters that is left with such shares."""
        return _left(self.parameters, keeps) if self.parameters else 0.0

    def keeps(self, left: float, leans: Sequence[float]) -> tuple[float, ...]:
        """Return the share of its channels that each stage keeps.

        Args:
            left: Fraction of the multiply-accumulates that is left.
            leans: How much each stage gives, relative to the others: shares are one number to
                the power of these.
        """
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            enough = self.macs_left(_powers(middle, leans)) <= left
            low, high = (middle, high) if enough else (low, middle)
        return tuple(round(share, 3) for share in _powers(low, leans))

    def leans(self, left: float, parameters: float = 1.0) -> tuple[float, ...] | None:
        """Return how much each stage is to give, by the errors that were measured without training.

        Of the leans of a grid, those with the least sum of errors; nearer to equal ones if it is
        the same.

        Args:
            left: Fraction of the multiply-accumulates that is left.
            parameters: Largest fraction of the parameters that may be left. None is returned
                where no leans leave so few.
        """
        ranked = []
        for leans in itertools.product(LEANS, repeat=len(self.layers)):
            keeps = self.keeps(left, leans)
            if self.parameters_left(keeps) <= parameters:
                harm = round(sum(map(_harm, self.harms, keeps)), 9)
                ranked.append((harm, sum((lean - 1) ** 2 for lean in leans), leans))
        return min(ranked)[-1] if ranked else None

    def ratios(self, left: float, leans: Sequence[float]) -> dict[str, float]:
        """Return the fraction of its channels that goes, by layer, as `prune_channels` takes it."""
        kept = zip(self.layers, self.keeps(left, leans), strict=True)
        return {n: round(1 - keep, 3) for names, keep in kept if keep < 0.999 for n in names}


def channel_stages(
    model: Any, x: Any, done: Callable[[int], object] = lambda number: None
) -> ChannelStages | None:
    """Return the stages of a network with what they cost and harm, None if it has none.

    Args:
        model: The model.
        x: Inputs on which outputs are compared; statistics of normalizations are made anew there.
        done: Told after each file.
    """
    found = layers_and_costs(model)
    if found is None:
        return None
    layers, macs, parameters = found
    before = _outputs(model, x)
    try:
        harms = tuple(_harms(model, names, x, before, done) for names in layers)
    except (ModelError, ArgumentError):
        return None
    return ChannelStages(layers, macs, harms, parameters)


def _left(terms: Sequence[tuple[int, int, float]], keeps: Sequence[float]) -> float:
    """Return what a polynomial makes of shares, relative to what it makes of the whole."""
    shares = (*keeps, 1.0)
    left = sum(count * shares[i] * shares[j] for i, j, count in terms)
    return left / sum(count for _, _, count in terms)


def _harms(
    model: Any, names: Sequence[str], x: Any, before: np.ndarray, done: Callable[[int], object]
) -> tuple[tuple[float, float], ...]:
    """Return the errors of the outputs where one stage alone loses channels."""
    found: list[tuple[float, float]] = []
    for share in SHARES:
        ratio: Mapping[str, float] = dict.fromkeys(names, round(1 - share, 3))
        after = _outputs(prune_channels(model, ratio=ratio, data=x), x)
        least = found[-1][1] if found else 0.0
        found.append((share, max(least, _error(before, after))))
        done(1)
    return tuple(found)


def _outputs(model: Any, x: Any) -> np.ndarray:
    """Return what a model makes of inputs; no graph is traced for the few that there are."""
    return outputs_of(lambda part: np.asarray(model(part, training=False)), x)


def _error(before: np.ndarray, after: np.ndarray) -> float:
    """Return the squared difference of outputs, relative to their variance."""
    spread = float(((before - before.mean(axis=0)) ** 2).sum())
    return float(((before - after) ** 2).sum()) / max(spread, 1e-12)


def _harm(harms: Sequence[tuple[float, float]], keep: float) -> float:
    """Return the error at a share, read off straight lines; the last goes on to nothing."""
    rows = sorted([(1.0, 0.0), *harms])
    (share, error), (further, less) = rows[0], rows[1]
    at_nothing = error + (error - less) * share / (further - share)
    shares, errors = zip((0.0, max(at_nothing, error)), *rows, strict=True)
    return float(np.interp(keep, shares, errors))


def _powers(base: float, leans: Sequence[float]) -> list[float]:
    """Return the share of each stage."""
    return [max(_LEAST, base**lean) for lean in leans]
