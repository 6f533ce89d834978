"""What can be known before anything is trained: curves of the model itself, measured cheaply.

Channels are removed and the file is made, without training: its size, its multiply-accumulates,
its arena and its latency are those of a trained file of this width. Zeros and shared values are
put into the weights of a file, which is packed again. Only accuracy needs training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.prune import prune_channels
from tfedge.convert.converter import convert
from tfedge.core.errors import ArgumentError, ConversionError, ModelError
from tfedge.core.masks import magnitude_mask
from tfedge.core.records import Record
from tfedge.core.sizes import gzip_size
from tfedge.core.tables import text_table
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.constraints import shown
from tfedge.pipeline.measures import measured
from tfedge.runtime.model import TFLiteModel

FRACTIONS = (0.7, 0.45, 0.25, 0.12, 0.05)
SPARSITIES = (0.5, 0.7, 0.8, 0.9)
CLUSTERS = (64, 32, 16)
_SMALLEST_KERNEL = 64
_TIMING_SECONDS = 0.3


@dataclass(frozen=True, repr=False)
class Curves(Record):
    """What techniques do to a file, measured on the model without training.

    Attributes:
        model: Name of the model.
        mode: What files are converted to.
        mode_reason: Why it is not ``"int8"``, empty if it is.
        channels: Figures by the fraction of the multiply-accumulates that stays, 1.0 first:
            each ``(fraction, figures by name)``.
        channels_reason: Why no channels can go, empty if some can.
        sparsities: ``(sparsity, gzip bytes)``, 0 first.
        clusters: ``(distinct values, gzip bytes)``.

    Example:
        >>> rows = ((1.0, {"size_bytes": 900}), (0.5, {"size_bytes": 500}))
        >>> Curves("cnn", "int8", "", rows, "", ((0.0, 800), (0.8, 300)), ())
        Curves of 'cnn', int8, without training
          MACs left  size_bytes
          100 %             900
          50 %              500
          zeros 0 %: gzip 800; 80 %: gzip 300
    """

    model: str
    mode: str
    mode_reason: str
    channels: tuple[tuple[float, Mapping[str, float]], ...]
    channels_reason: str
    sparsities: tuple[tuple[float, int], ...]
    clusters: tuple[tuple[int, int], ...]

    @property
    def least(self) -> float:
        """The least fraction of the multiply-accumulates that a file was made of."""
        return min(fraction for fraction, _ in self.channels)

    def at(self, name: str, fraction: float) -> float:
        """Return a figure of a file in which a fraction of the multiply-accumulates is left.

        Between the files that were made it is read off straight lines.
        """
        rows = sorted(self.channels)
        values = [float(row[name]) for _, row in rows]
        return float(np.interp(fraction, [share for share, _ in rows], values))

    def fraction_for(self, name: str, limit: float) -> float | None:
        """Return the largest fraction with which a figure is within a limit, None if none is."""
        shares = np.linspace(1.0, self.least, 400)
        return next((float(s) for s in shares if self.at(name, float(s)) <= limit), None)

    def __repr__(self) -> str:
        """Return the curves as tables."""
        names = list(self.channels[0][1])
        rows = [
            (f"{fraction:.0%}".replace("%", " %"), *(shown(name, row[name]) for name in names))
            for fraction, row in self.channels
        ]
        lines = [f"Curves of {self.model!r}, {self.mode}, without training"]
        lines += text_table(("MACs left", *names), rows)
        if self.sparsities:
            parts = [f"{100 * share:.0f} %: gzip {size:,}" for share, size in self.sparsities]
            lines.append(f"  zeros {'; '.join(parts)}")
        if self.clusters:
            parts = [f"{count}: gzip {size:,}" for count, size in self.clusters]
            lines.append(f"  shared values {'; '.join(parts)}")
        reasons = [text for text in (self.mode_reason, self.channels_reason) if text]
        return "\n".join([*lines, *(f"  {text}" for text in reasons)])


def curves(
    model: Any,
    calibration: Any,
    budget: Budget,
    *,
    fractions: Sequence[float] = FRACTIONS,
    done: Callable[[int], object] = lambda number: None,
) -> Curves:
    """Measure what techniques do to the file of a model, without training.

    Args:
        model: The model.
        calibration: Typical inputs.
        budget: Says which figures are of interest.
        fractions: Fractions of the multiply-accumulates to look at, beside the whole.
        done: Told after each file.

    Returns:
        The curves.

    Raises:
        ConversionError: If no file can be made of the model at all.
        CalibrationError: If the calibration data do not fit.
    """
    lite, mode, why = first_file(model, calibration, budget)
    names = figures_of_interest(budget)
    asked = Budget(**{**budget.limits, "device": budget.device, "on": budget.on, "macs": 1})
    rows = [(1.0, _figures(lite, asked, names))]
    done(1)
    reason = ""
    for fraction in fractions:
        try:
            slim = prune_channels(model, macs=fraction, scope="global")
        except (ModelError, ArgumentError) as error:
            reason = reason or _first_line(error)
            break
        file = convert(slim, mode, calibration, parity=False)
        rows.append((fraction, _figures(file, asked, names)))
        done(1)
    zeros = [(0.0, lite.gzip_bytes), *((s, gzip_with_zeros(lite, s)) for s in SPARSITIES)]
    shared = [(count, gzip_with_shared(lite, count)) for count in CLUSTERS]
    texts = (mode, why, tuple(rows), "" if len(rows) > 1 else reason)
    return Curves(lite.name, *texts, tuple(zeros), tuple(shared))


def figures_of_interest(budget: Budget) -> tuple[str, ...]:
    """Return which figures are measured: those that are limited, and the cheap ones."""
    return tuple(dict.fromkeys(("size_bytes", "gzip_bytes", "macs", *budget.limits)))


def first_file(model: Any, calibration: Any, budget: Budget) -> tuple[TFLiteModel, str, str]:
    """Return the file of a model as it is, in integers if it can be, its mode, and why not int8.

    Raises:
        ConversionError: If integers are asked for and cannot be had, or no file can be made.
    """
    try:
        return convert(model, "int8", calibration, parity=False), "int8", ""
    except ConversionError as error:
        if budget.integer_only:
            raise
        why = f"no int8 file can be made, so weights alone are in 8 bits: {_first_line(error)}"
        return convert(model, "dynamic", parity=False), "dynamic", why


def _figures(lite: TFLiteModel, asked: Budget, names: Sequence[str]) -> dict[str, float]:
    """Return figures of a file by name."""
    found = measured(lite, asked, seconds=_TIMING_SECONDS)
    return {name: found[name] for name in names}


def gzip_with_zeros(lite: TFLiteModel, sparsity: float) -> int:
    """Return the size after gzip if the smallest weights of each kernel were 0.

    Args:
        lite: A file with weights in 8-bit integers.
        sparsity: Fraction of zeros.
    """
    return _packed(lite, lambda codes: codes * magnitude_mask(codes.astype(np.float32), sparsity))


def gzip_with_shared(lite: TFLiteModel, values: int) -> int:
    """Return the size after gzip if each kernel had so many distinct weights.

    Args:
        lite: A file with weights in 8-bit integers.
        values: Number of distinct values of a kernel.
    """
    return _packed(lite, lambda codes: _shared(codes, values))


def _shared(codes: np.ndarray, values: int) -> np.ndarray:
    """Return integers with so many distinct values, spread evenly over their range."""
    low, high = int(codes.min()), int(codes.max())
    if high - low < values:
        return codes
    step = (high - low) / (values - 1)
    return np.round(low + np.round((codes.astype(float) - low) / step) * step)


def _packed(lite: TFLiteModel, change: Callable[[np.ndarray], np.ndarray]) -> int:
    """Return the size after gzip with changed kernels."""
    content = bytearray(lite.content)
    for _, codes in lite.stored():
        if codes.dtype != np.int8 or codes.size < _SMALLEST_KERNEL or codes.ndim < 2:
            continue
        old = codes.tobytes()
        place = content.find(old)
        if place >= 0:
            content[place : place + len(old)] = change(codes).astype(np.int8).tobytes()
    return gzip_size(bytes(content))


def _first_line(error: Exception) -> str:
    """Return what an error says, in one line."""
    return str(error).splitlines()[0]
