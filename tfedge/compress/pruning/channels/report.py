"""What removal of channels did to a model, layer by layer."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from tfedge.compress.pruning.channels.graph import read_channels
from tfedge.compress.pruning.channels.planning.candidates import made_by
from tfedge.core.errors import ModelError
from tfedge.core.figures import new_axes, plain_frame
from tfedge.core.openers import open_path
from tfedge.core.records import Record
from tfedge.models.edges import static_size
from tfedge.models.graph import LayerGraph, read_graph
from tfedge.models.memory import activation_bytes
from tfedge.models.statistics import LayerStatistics, model_statistics

_LONGEST = 40
_BEFORE, _AFTER = "#C9D3E6", "#4C72B0"


@dataclasses.dataclass(frozen=True, repr=False)
class LayerChannels(Record):
    """One layer with weights, before and after.

    Attributes:
        name: Flat name of the layer.
        kind: Its class.
        channels_before: Width of its output.
        channels_after: The same in the smaller model.
        parameters_before: Number of values in its weights.
        parameters_after: The same in the smaller model.
        macs_before: Multiply-accumulates for one sample; None if a dimension is open.
        macs_after: The same in the smaller model.
        fixed: Why its channels cannot go; None if they can.
    """

    name: str
    kind: str
    channels_before: int
    channels_after: int
    parameters_before: int
    parameters_after: int
    macs_before: int | None
    macs_after: int | None
    fixed: str | None


@dataclasses.dataclass(frozen=True, repr=False)
class ChannelReport(Record):
    """A model before and after channels went.

    Attributes:
        name: Name of the model.
        parameters_before: Number of values in all weights.
        parameters_after: The same in the smaller model.
        macs_before: Multiply-accumulates for one sample; None if a dimension is open.
        macs_after: The same in the smaller model.
        activation_bytes_before: Largest sum of float32 values alive at one time, one sample; None
            if a dimension is open.
        activation_bytes_after: The same in the smaller model.
        layers: One record for each layer with weights, in call order.
    """

    name: str
    parameters_before: int
    parameters_after: int
    macs_before: int | None
    macs_after: int | None
    activation_bytes_before: int | None
    activation_bytes_after: int | None
    layers: tuple[LayerChannels, ...]

    def __repr__(self) -> str:
        """Return a table: layers that changed or cannot change, and the totals."""
        rows: list[tuple[str, ...]] = [("layer", "channels", "parameters", "MACs", "")]
        rows += [_row(layer) for layer in self.layers]
        totals = (
            (self.parameters_before, self.parameters_after),
            (self.macs_before, self.macs_after),
        )
        rows.append((self.name, "", *(_change(*pair) for pair in totals), ""))
        memory = _change(self.activation_bytes_before, self.activation_bytes_after)
        return "\n".join([*_aligned(rows), f"activations, bytes: {memory}"])

    def plot(self, axes: Any = None) -> Any:
        """Draw the width of each layer before and after as bars.

        Args:
            axes: Matplotlib axes to draw into; a new figure by default.

        Returns:
            The matplotlib axes; ``axes.figure`` can be saved.

        Raises:
            MissingPackageError: If matplotlib is not installed.
        """
        height = max(2.5, 0.28 * len(self.layers) + 1.2)
        axes = new_axes(height=height) if axes is None else axes
        places = range(len(self.layers))
        before = [layer.channels_before for layer in self.layers]
        after = [layer.channels_after for layer in self.layers]
        axes.barh(places, before, color=_BEFORE, label="before", zorder=2)
        axes.barh(places, after, color=_AFTER, height=0.5, label="after", zorder=3)
        axes.set_yticks(places, [layer.name for layer in self.layers], fontsize=8)
        axes.invert_yaxis()
        axes.set_xlabel("channels")
        axes.set_title(f"{self.name}: channels", loc="left")
        axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))
        return plain_frame(axes)


def channel_report(model: Any, slim: Any = None) -> ChannelReport:
    """Compare a model with the one that channels were removed from.

    Args:
        model: The model as it was, of either Keras, or the path of one.
        slim: What :func:`tfedge.prune_channels` made of it, trained since or not. None: the
            report says what could go, and what cannot and why.

    Returns:
        A :class:`ChannelReport`; ``repr`` shows a table, ``plot()`` draws the widths.

    Raises:
        ModelError: If the two have not the same layers.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> stack = [layers.Input((6,)), layers.Dense(4, name="hidden")]
        >>> stack.append(layers.Dense(2, name="out"))
        >>> channel_report(keras3().Sequential(stack, name="tiny"))
        layer   channels  parameters  MACs
        hidden         4          28    24
        out            2          10     8  fixed: it is an output of the model
        tiny                      38    32
        activations, bytes: 40
    """
    before, after = (_opened(one) for one in (model, model if slim is None else slim))
    counts = [model_statistics(one, allow_open=True) for one in (before, after)]
    memory = [_memory(read_graph(one)) for one in (before, after)]
    return ChannelReport(
        name=counts[0].name,
        parameters_before=counts[0].parameters,
        parameters_after=counts[1].parameters,
        macs_before=counts[0].macs,
        macs_after=counts[1].macs,
        activation_bytes_before=memory[0],
        activation_bytes_after=memory[1],
        layers=_layers(before, *counts),
    )


def _layers(model: Any, before: Any, after: Any) -> tuple[LayerChannels, ...]:
    """Return the record of each layer with weights."""
    ours, theirs = ({one.name: one for one in all_.layers} for all_ in (before, after))
    if list(ours) != list(theirs):
        other = sorted(set(ours) ^ set(theirs))[:5]
        raise ModelError(
            f"{before.name!r} and {after.name!r} have not the same layers ({other} are in one of "
            f"them only). Compare a model with what prune_channels made of it."
        )
    fixed = {name: group.fixed for group in read_channels(model).fixed for name in made_by(group)}
    return tuple(
        _layer(one, theirs[name], fixed.get(name)) for name, one in ours.items() if one.parameters
    )


def _layer(before: LayerStatistics, after: LayerStatistics, fixed: str | None) -> LayerChannels:
    """Return the record of one layer."""
    return LayerChannels(
        name=before.name,
        kind=before.kind,
        channels_before=before.output_shape[-1],
        channels_after=after.output_shape[-1],
        parameters_before=before.parameters,
        parameters_after=after.parameters,
        macs_before=before.macs,
        macs_after=after.macs,
        fixed=fixed,
    )


def _memory(graph: LayerGraph) -> int | None:
    """Return the largest sum of values alive, or nothing where a dimension is open."""
    shapes = [tensor.shape for *_, tensor in graph.input_layers]
    shapes += [tensor.shape for step in graph.steps for tensor in step.outputs]
    closed = all(static_size(shape) is not None for shape in shapes)
    return activation_bytes(graph) if closed else None


def _opened(model: Any) -> Any:
    """Return a model, also of a path."""
    return open_path(model) if isinstance(model, (str, os.PathLike)) else model


def _row(layer: LayerChannels) -> tuple[str, ...]:
    """Return the cells of one layer."""
    return (
        layer.name,
        _change(layer.channels_before, layer.channels_after),
        _change(layer.parameters_before, layer.parameters_after),
        _change(layer.macs_before, layer.macs_after),
        _short(f"fixed: {layer.fixed}") if layer.fixed else "",
    )


def _short(text: str) -> str:
    """Return a text of at most so many characters that a row fits a line."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _change(before: int | None, after: int | None) -> str:
    """Return one number, or two with what is left in percent."""
    if before is None or after is None:
        return "open"
    if before == after:
        return f"{before:,}"
    return f"{before:,} → {after:,} ({after / before:.0%})"


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Return rows with columns of equal width; numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if place in (0, 4) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
