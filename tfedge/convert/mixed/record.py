"""What was found out about single layers, as records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tfedge.core.figures import new_axes, plain_frame
from tfedge.core.records import Record

_SHOWN = 36
_MOST_DB = 80.0


@dataclass(frozen=True, repr=False)
class LayerSensitivity(Record):
    """How much the output of a model suffers from integers in one layer.

    Attributes:
        layer: Path of the layer, ``"outer/inner"`` in nested models; the name of a tensor where
            an operator belongs to no layer that is known.
        fused: Other layers that the same operators compute, such as its activation.
        operators: Names of its operators in the file.
        weights: Number of weights in its kernels.
        sqnr_db: SQNR of the model's output when this layer alone is quantized.
        drop: How much worse the metric is then, or the share of predictions that change.
        activation_sqnr_db: SQNR of the layer's own output when every layer is quantized; None
            where it has none to read, and with ``"int4_weights"``.
    """

    layer: str
    fused: tuple[str, ...]
    operators: tuple[str, ...]
    weights: int
    sqnr_db: float
    drop: float
    activation_sqnr_db: float | None


@dataclass(frozen=True, repr=False)
class Sensitivity(Record):
    """How much the output of a model suffers from integers, layer by layer.

    Attributes:
        model: Name of the model.
        quantize: ``"int8"`` or ``"int4_weights"``.
        samples: Number of samples that judged.
        metric: What ``drop`` is measured in: a metric, or ``"agreement"`` without labels.
        value: The metric of the float file; 1 without labels.
        drop: How much worse it is when every layer is quantized.
        sqnr_db: SQNR of the output when every layer is quantized.
        layers: One record for each layer, in the order of execution.
    """

    model: str
    quantize: str
    samples: int
    metric: str
    value: float
    drop: float
    sqnr_db: float
    layers: tuple[LayerSensitivity, ...]

    def ranked(self) -> tuple[LayerSensitivity, ...]:
        """Return the layers, the one that hurts most first."""
        return tuple(sorted(self.layers, key=lambda row: row.sqnr_db))

    def table(self) -> list[dict[str, Any]]:
        """Return a dict for each layer, the one that hurts most first.

        ``tfedge.report.markdown_table`` and ``pandas.DataFrame`` take them.
        """
        return [
            {
                "layer": row.layer,
                "operators": " ".join(row.operators),
                "weights": row.weights,
                "sqnr_db": row.sqnr_db,
                "drop": row.drop,
                "activation_sqnr_db": row.activation_sqnr_db,
            }
            for row in self.ranked()
        ]

    def __repr__(self) -> str:
        """Return one line for each layer, in the order of execution, and all of them together."""
        names = [_short(row.layer) for row in self.layers]
        width = max([9, *map(len, names)])
        head = f"  {'':<{width}}  {'weights':>11}  {'SQNR dB':>8}  {'drop':>8}  {'own dB':>7}"
        lines = [
            f"  {name:<{width}}  {row.weights:>11,}  {row.sqnr_db:>8.1f}  {row.drop:>8.2%}  "
            f"{_decibels(row.activation_sqnr_db):>7}"
            for name, row in zip(names, self.layers, strict=True)
        ]
        total = f"  {'all':<{width}}  {'':>11}  {self.sqnr_db:>8.1f}  {self.drop:>8.2%}"
        title = f"Sensitivity of {self.model!r} to {self.quantize}: {self.samples} samples"
        return "\n".join([f"{title}, drop of {self.metric}", head, *lines, total])

    def plot(self, axes: Any = None) -> Any:
        """Draw a bar for each layer: SQNR of the output when it alone is quantized.

        Short bars hurt. The line is where the output is when every layer is quantized.

        Args:
            axes: Matplotlib axes to draw into; a new figure by default.

        Returns:
            The matplotlib axes; ``axes.figure`` can be saved.

        Raises:
            MissingPackageError: If matplotlib is not installed.
        """
        axes = plain_frame(new_axes(7, 1.5 + 0.25 * len(self.layers)) if axes is None else axes)
        names = [row.layer for row in self.layers]
        heights = [max(0.0, min(row.sqnr_db, _MOST_DB)) for row in self.layers]
        bars = axes.barh(names, heights, color="#4C72B0")
        texts = [f"{row.sqnr_db:.0f}" for row in self.layers]
        axes.bar_label(bars, texts, padding=3, fontsize=8, color="#333333")
        axes.axvline(self.sqnr_db, color="#C44E52", label="all layers")
        axes.invert_yaxis()
        axes.set(xlabel="SQNR of the output in dB", title=f"{self.model}: one layer in integers")
        axes.margins(x=0.12)
        axes.legend()
        return axes


def _short(name: str) -> str:
    """Return the end of a long name."""
    return name if len(name) <= _SHOWN else f"…{name[1 - _SHOWN :]}"


def _decibels(value: float | None) -> str:
    """Return a ratio as text."""
    return "–" if value is None else f"{value:.1f}"
