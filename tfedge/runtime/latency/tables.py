"""Times for people."""

from __future__ import annotations


def shown_ms(value: float) -> str:
    """Return milliseconds for people: to the microsecond, small ones to three digits.

    Example:
        >>> shown_ms(12.3456), shown_ms(0.0025432)
        ('12.346', '0.00254')
    """
    return f"{value:.3f}" if value >= 0.1 else f"{value:.3g}"
