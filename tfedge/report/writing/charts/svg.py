"""SVG by hand: shapes, axes and ticks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape


class Svg:
    """Collects shapes. Colours come from the page: shapes have classes.

    Args:
        width: Width of the drawing in its own units, which are pixels at full size.
        height: Its height.
        alt: What it shows, for those who do not see it.

    Example:
        >>> svg = Svg(10, 10, "a <dot>")
        >>> svg.circle(5, 5, 2, "after")
        >>> "a &lt;dot&gt;" in str(svg)
        True
    """

    def __init__(self, width: float, height: float, alt: str):
        self.width, self.height, self._alt = width, height, alt
        self._parts: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> None:
        """Draw a line."""
        ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
        self._parts.append(f'<line class="{kind}" {ends}/>')

    def rect(
        self, x: float, y: float, width: float, height: float, kind: str, hint: str = ""
    ) -> None:
        """Draw a bar; ``hint`` is shown when it is pointed at."""
        place = (
            f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{max(height, 0.5):.1f}"'
        )
        self._shape("rect", f'class="{kind}" {place}', hint)

    def circle(self, x: float, y: float, radius: float, kind: str, hint: str = "") -> None:
        """Draw a dot."""
        self._shape("circle", f'class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"', hint)

    def path(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """Draw a line through points."""
        text = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        self._parts.append(f'<path class="{kind}" d="{text}"/>')

    def text(self, x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> None:
        """Write a text; ``anchor`` is ``"start"``, ``"middle"`` or ``"end"``."""
        name = f' class="{kind}"' if kind else ""
        place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
        self._parts.append(f"<text{name} {place}>{escape(text)}</text>")

    def _shape(self, tag: str, attributes: str, hint: str) -> None:
        """Draw a shape, with what it says when pointed at."""
        if not hint:
            self._parts.append(f"<{tag} {attributes}/>")
            return
        title = f"<title>{escape(hint)}</title>"
        self._parts.append(f'<{tag} tabindex="0" data-tip {attributes}>{title}</{tag}>')

    def __str__(self) -> str:
        """Return the markup."""
        size = f'viewBox="0 0 {self.width:g} {self.height:g}" style="--w:{self.width:g}px"'
        label = escape(self._alt, quote=True)
        return f'<svg {size} role="group" aria-label="{label}">{"".join(self._parts)}</svg>'


def linear(low: float, high: float, start: float, stop: float) -> Callable[[float], float]:
    """Return what maps values onto a stretch of the drawing.

    Example:
        >>> linear(0, 10, 100, 200)(5)
        150.0
    """
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (stop - start)


def logarithmic(low: float, high: float, start: float, stop: float) -> Callable[[float], float]:
    """Return the same by logarithms.

    Example:
        >>> round(logarithmic(1, 100, 0, 10)(10), 6)
        5.0
    """
    inner = linear(math.log(low), math.log(high), start, stop)
    return lambda value: inner(math.log(value))


def round_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round values within a range, at most so many.

    Example:
        >>> round_ticks(0, 97)
        [0.0, 20.0, 40.0, 60.0, 80.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in (1, 2, 5, 10) if power * one >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return [round((first + place) * step, 12) for place in range(count)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten within a range; round values if these are few.

    Example:
        >>> log_ticks(900, 6000)
        [1000.0, 2000.0, 5000.0]
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    wide = high / low > 300
    found = [one * 10.0**power for power in powers for one in ((1,) if wide else (1, 2, 5))]
    inside = [tick for tick in found if low <= tick <= high]
    return inside if len(inside) > 2 else round_ticks(low, high, 5)
