"""Numbers as people read them."""

from __future__ import annotations

import math
from typing import Any

from tfedge.core.sizes import human_size
from tfedge.runtime.latency.tables import shown_ms

_LOWER_IS_BETTER = ("loss", "mae", "mse", "error", "drop", "divergence")
_UNITS = {"_bytes": "", "_ms": "ms", "_uj": "µJ", "_db": "dB", "_s": "s"}


def short_count(value: float | None) -> str:
    """Return a count with few digits; a dash for one that is not known.

    Example:
        >>> short_count(950), short_count(12_345), short_count(3_600_000)
        ('950', '12.3 k', '3.60 M')
    """
    if value is None:
        return "–"
    for unit, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= factor:
            scaled = value / factor
            return f"{scaled:.{2 if abs(scaled) < 10 else 1 if abs(scaled) < 100 else 0}f} {unit}"
    return f"{value:,.0f}"


def percent(fraction: float, digits: int = 1) -> str:
    """Return a fraction in percent.

    Example:
        >>> percent(0.98765)
        '98.8 %'
    """
    return f"{100 * fraction:.{digits}f} %"


def times(ratio: float) -> str:
    """Return a ratio with as many digits as it is worth.

    Example:
        >>> times(1.0), times(12.34)
        ('1.00', '12.3')
    """
    return f"{ratio:,.{2 if ratio < 10 else 1 if ratio < 100 else 0}f}"


def milliseconds(value: float) -> str:
    """Return a time: in microseconds below a tenth of a millisecond.

    Example:
        >>> milliseconds(0.1234), milliseconds(0.00743)
        ('0.123 ms', '7.43 µs')
    """
    return f"{1e3 * value:.3g} µs" if 0 < value < 0.1 else f"{shown_ms(value)} ms"


def microjoules(value: float) -> str:
    """Return an energy: in nanojoules below a tenth of a microjoule.

    Example:
        >>> microjoules(12.5), microjoules(0.0249)
        ('12.5 µJ', '24.9 nJ')
    """
    return f"{1e3 * value:.3g} nJ" if value < 0.1 else f"{value:.4g} µJ"


def decibels(value: float) -> str:
    """Return a signal-to-noise ratio.

    Example:
        >>> decibels(31.26), decibels(math.inf)
        ('31.3 dB', 'exact')
    """
    if math.isinf(value):
        return "exact" if value > 0 else "no signal"
    return f"{value:.1f} dB"


def lower_is_better(metric: str) -> bool:
    """Return whether less of a metric is better.

    Example:
        >>> lower_is_better("val_loss"), lower_is_better("accuracy")
        (True, False)
    """
    return any(word in metric for word in _LOWER_IS_BETTER)


def is_fraction(metric: str) -> bool:
    """Return whether a metric is read in percent.

    Example:
        >>> is_fraction("digit_accuracy"), is_fraction("mae")
        (True, False)
    """
    return metric.split("_")[-1] in ("accuracy", "acc") or metric.startswith("top_")


def metric_text(name: str, value: Any) -> str:
    """Return the value of a metric; arrays are named, not printed.

    Example:
        >>> metric_text("accuracy", 0.5), metric_text("mae", 0.123456)
        ('50.00 %', '0.1235')
    """
    if not isinstance(value, (int, float)):
        return "several values"
    return percent(value, 2) if is_fraction(name) else f"{value:.4g}"


def quantity(name: str, value: Any) -> str:
    """Return a value with the unit that its name ends in.

    Example:
        >>> quantity("gzip_bytes", 12_345), quantity("latency_ms", 0.5), quantity("trials", 7)
        ('12.3 kB', '0.500 ms', '7')
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return "–" if value is None else str(value)
    if name.endswith("_bytes") or name == "bytes":
        return human_size(int(value))
    if name.endswith("_drop"):
        return f"{100 * value:.2f} points".replace("-", "−")
    if name.endswith("_ms"):
        return milliseconds(value)
    unit = next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")
    if is_fraction(name):
        return percent(value, 2)
    text = f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    return f"{text} {unit}".strip()


def plural(number: int, word: str) -> str:
    """Return a number of things.

    Example:
        >>> plural(1, "sample"), plural(2_000, "sample")
        ('1 sample', '2,000 samples')
    """
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def tail(name: str, width: int = 40) -> str:
    """Return a name that fits; its end says more than its beginning.

    Example:
        >>> tail("functional/block_3/conv2", 10)
        '…k_3/conv2'
    """
    return name if len(name) <= width else f"…{name[1 - width :]}"
