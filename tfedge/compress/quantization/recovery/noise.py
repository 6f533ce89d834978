"""Noise that looks like the inputs that networks are trained on, as far as scale and detail go."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

_UNBOUNDED = (-math.inf, math.inf)


@dataclasses.dataclass(frozen=True)
class Noise:
    """Normally distributed noise of one scale.

    Args:
        mean: Its mean.
        spread: Its standard deviation.
        low: Smallest value; what lies below is cut off.
        high: Largest value.
        smoothness: How fast its spectrum falls along the axes between samples and channels:
            amplitudes go with the frequency to the power ``-smoothness``; 0 is white noise.
        shared: Share of its deviation that is common to all channels, in [0, 1].

    Example:
        >>> made = Noise(0.5, 0.25, 0.0, 1.0).drawn((100, 8), np.random.default_rng(0))
        >>> made.shape, float(made.min()), bool(abs(made.mean() - 0.5) < 0.05)
        ((100, 8), 0.0, True)

    Reference:
        Spectra of natural images: Field, J. Opt. Soc. Am. A 4, 1987.
    """

    mean: float
    spread: float
    low: float
    high: float
    smoothness: float = 0.0
    shared: float = 0.0

    def drawn(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Return a float32 array of noise, samples first and channels last."""
        own = self._normal(shape, rng)
        common = self._normal((*shape[:-1], 1), rng) if len(shape) > 2 else own
        made = math.sqrt(1 - self.shared**2) * own + self.shared * common
        values = np.clip(self.mean + self.spread * made, self.low, self.high)
        return values.astype("float32")

    @property
    def scale(self) -> tuple[float, float, float, float]:
        """What it is drawn from, whatever its pattern."""
        return self.mean, self.spread, self.low, self.high

    def unbounded(self) -> Noise:
        """Return the same noise with nothing cut off."""
        return dataclasses.replace(self, low=-math.inf, high=math.inf)

    def _normal(self, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Return smooth noise of mean 0 and deviation 1."""
        made = rng.standard_normal(shape)
        if self.smoothness == 0 or len(shape) < 3:
            return made
        axes = range(1, len(shape) - 1)
        grids = np.meshgrid(*(np.fft.fftfreq(shape[i]) * shape[i] for i in axes), indexing="ij")
        frequency = np.maximum(np.sqrt(sum(grid**2 for grid in grids)), 0.5)[None, ..., None]
        spectrum = np.fft.fftn(made, axes=tuple(axes)) / frequency**self.smoothness
        smooth = np.fft.ifftn(spectrum, axes=tuple(axes)).real
        return (smooth - smooth.mean()) / max(smooth.std(), 1e-12)


_SCALES = (
    (0.5, 0.29, 0.0, 1.0),
    (0.0, 0.58, -1.0, 1.0),
    (127.5, 73.6, 0.0, 255.0),
    (0.0, 0.5, 0.0, 1.0),
    (0.0, 128.0, 0.0, 255.0),
    (0.0, 1.0, *_UNBOUNDED),
    (0.0, 65.0, *_UNBOUNDED),
)
_PATTERNS = ((0.0, 0.0), (1.5, 0.0), (1.5, 0.95))
KINDS = tuple(Noise(*scale, *pattern) for scale in _SCALES for pattern in _PATTERNS)
"""Noise on the scales that inputs usually have, each white, smooth, and smooth and nearly grey.

Those with mean 0 and no negative values are half zeros, as drawings and spectrograms are."""
