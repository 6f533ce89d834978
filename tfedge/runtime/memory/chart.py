"""The life-time chart: which bytes of the arena hold which tensor, while which operator runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfedge.core.figures import new_axes, plain_frame
from tfedge.core.sizes import human_size

if TYPE_CHECKING:
    from tfedge.runtime.memory.record import MemoryRecord

_COLOURS = ("#4C72B0", "#55A868", "#8172B3", "#64B5CD", "#937860", "#DA8BC3")
_PEAK = "#C44E52"
_MOST_LABELS = 20


def draw_life_times(record: MemoryRecord, axes: Any = None) -> Any:
    """Draw each buffer as a rectangle: the operators of its life by the bytes that it takes.

    Args:
        record: What to draw.
        axes: Matplotlib axes to draw into; a new figure by default.

    Returns:
        The matplotlib axes.

    Raises:
        MissingPackageError: If matplotlib is not installed.
    """
    axes = plain_frame(new_axes(9, 5) if axes is None else axes)
    for number, one in enumerate(record.buffers):
        scratch = one.name.endswith(" scratch")
        axes.bar(
            (one.first + one.last) / 2,
            one.size_bytes,
            one.last - one.first + 1,
            one.offset_bytes,
            color="#CCB974" if scratch else _COLOURS[number % len(_COLOURS)],
            edgecolor="white",
            linewidth=0.6,
            alpha=0.85,
        )
    _mark_peak(axes, record)
    _name_operators(axes, record)
    axes.yaxis.set_major_formatter(lambda value, _: human_size(int(value)))
    axes.set(ylabel="bytes of the arena", ylim=(0, 1.2 * max(record.arena_bytes, 1)))
    axes.set_title(f"{record.model}: arena of {record.arena_bytes:,} bytes")
    axes.legend(loc="upper right", fontsize=8, ncol=2)
    return axes


def _mark_peak(axes: Any, record: MemoryRecord) -> None:
    """Frame the operator at which most is in use, and draw what is in use at each."""
    if record.operators:
        live = [one.live_bytes for one in record.operators]
        edges = [place - 0.5 for place in range(len(live) + 1)]
        axes.stairs(live, edges, color="#333333", linewidth=1, label="in use")
        peak = record.peak
        label = f"most: {peak.index} {peak.name}, {peak.live_bytes:,} bytes"
        axes.axvspan(peak.index - 0.5, peak.index + 0.5, color=_PEAK, alpha=0.18, label=label)


def _name_operators(axes: Any, record: MemoryRecord) -> None:
    """Name operators along x where there is room, else number them."""
    axes.set_xlabel("operators in the order of execution")
    if len(record.operators) <= _MOST_LABELS:
        names = [f"{one.index} {one.name}" for one in record.operators]
        axes.set_xticks(range(len(names)), names, rotation=60, ha="right", fontsize=8)
