"""How long each variant takes, as measured when it was opened and as the machine is now."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_SMOOTHING = 0.1
_SPREAD_SMOOTHING = 0.02
_OUTLIER = 4.0
_LARGEST_DEVIATION = 4.0


class Costs:
    """Times of each variant, scaled by how fast the machine is just now.

    Only the variant in use can be timed. What slows it down, other work or heat, slows the others
    down as well: one factor is learned for all.

    Args:
        single_ms: Time of one sample alone, for each variant.
        batched_ms: Time for each sample of a full micro-batch.
        batches: Samples of a full micro-batch.

    Attributes:
        factor: How much longer everything takes than when it was measured.
        spread: How much times vary: the squared coefficient of variation, 0 for constant times, 1
            for exponential ones.

    Example:
        >>> costs = Costs([1.0, 4.0], [0.5, 4.0], [8, 1])
        >>> costs.expected_ms(0, 1), costs.expected_ms(0, 8), costs.expected_ms(1, 3)
        (1.0, 4.0, 12.0)
    """

    def __init__(
        self, single_ms: Sequence[float], batched_ms: Sequence[float], batches: Sequence[int]
    ):
        self._single, self._batched = tuple(single_ms), tuple(batched_ms)
        self.batches = tuple(batches)
        self.factor = 1.0
        self.spread = 0.0

    @property
    def single_ms(self) -> tuple[float, ...]:
        """Time of one sample alone, for each variant."""
        return tuple(self.factor * ms for ms in self._single)

    @property
    def batched_ms(self) -> tuple[float, ...]:
        """Time for each sample of a full micro-batch, for each variant."""
        return tuple(self.factor * ms for ms in self._batched)

    def expected_ms(self, rung: int, samples: int) -> float:
        """Return the time for some samples: on the line through one and a full batch."""
        batch, single, whole = self.batches[rung], self._single[rung], self._batched[rung]
        if samples > batch or batch == 1:
            return self.factor * max(single, whole * samples)
        return self.factor * float(np.interp(samples, (1, batch), (single, whole * batch)))

    def learn(self, rung: int, samples: int, took_ms: float) -> None:
        """Correct factor and spread by what a batch took, some of the way; outliers count less."""
        expected = self.expected_ms(rung, samples)
        base = expected / self.factor
        if base > 0:
            deviation = min(abs(took_ms / expected - 1.0), _LARGEST_DEVIATION)
            self.spread += _SPREAD_SMOOTHING * (deviation**2 - self.spread)
            found = min(max(took_ms / base, self.factor / _OUTLIER), self.factor * _OUTLIER)
            self.factor += _SMOOTHING * (found - self.factor)
