"""Comparisons as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfedge.core.sizes import human_size

if TYPE_CHECKING:
    from tfedge.evaluate.difference import OutputParity
    from tfedge.evaluate.parity import ComparisonRecord

_WORST_LAYERS = 5


def comparison_table(record: ComparisonRecord) -> str:
    """Return two models side by side, at most 80 columns wide."""
    a, b = record.a, record.b
    rows: list[tuple[str, str, str, str]] = [
        ("", _short(a.model), _short(b.model), "difference"),
        ("runs on", a.runtime, b.runtime, ""),
    ]
    if a.on or b.on:
        rows.append(("at", _short(a.on or "here"), _short(b.on or "here"), ""))
    for name, change in record.differences.items():
        left, right = (f"{side.metrics[name]:.4f}" for side in (a, b))
        rows.append((name, left, right, f"{change:+.4f}"))
    rows.append(("size", *_pair(a.size_bytes, b.size_bytes, human_size)))
    rows.append(("gzip", *_pair(a.gzip_bytes, b.gzip_bytes, human_size)))
    rows.append(("latency", *_pair(a.latency_ms, b.latency_ms, lambda ms: f"{ms:.3f} ms")))
    lines = [
        f"{name:<14} {left:>20} {right:>20} {change:>12}" for name, left, right, change in rows
    ]
    lines += [f"on {record.samples} samples"]
    lines += [f"  {line}" for output in record.outputs for line in _output_lines(output)]
    worst = sorted(record.layers, key=lambda layer: layer.sqnr_db)[:_WORST_LAYERS]
    lines += [f"  layer {_short(layer.layer, 40)}: {layer.sqnr_db:.1f} dB" for layer in worst]
    return "\n".join(line.rstrip() for line in lines)


def _pair(a: Any, b: Any, show: Any) -> tuple[str, str, str]:
    """Return two values and their ratio as text."""
    ratio = f"{b / a:.2f}x" if a and b else ""
    return "-" if a is None else show(a), "-" if b is None else show(b), ratio


def _output_lines(output: OutputParity) -> list[str]:
    """Return how alike one output is."""
    steps = output.largest_difference_steps
    in_steps = "" if steps is None else f" ({steps:.1f} steps)"
    what = {
        "highest output": "of the highest outputs are the same",
        "side of 0.5": "are on the same side of 0.5",
        "variance": "of the variance is followed",
    }[output.agreement_of]
    return [
        f"{_short(output.name, 40)}: {output.agreement:.2%} {what}",
        f"SQNR {output.sqnr_db:.1f} dB, largest difference {output.largest_difference:.4g}"
        f"{in_steps}",
    ]


def _short(name: str, width: int = 20) -> str:
    """Return a name that fits."""
    return name if len(name) <= width else name[: width - 3] + "..."
