"""What a model costs: parameters and multiply-accumulates, layer by layer."""

from __future__ import annotations

import dataclasses
import math
import os
from collections import Counter
from typing import Any

from tfedge.core.records import Record
from tfedge.models.graph import read_graph
from tfedge.models.macs import macs_of
from tfedge.models.wrappers import unwrapped


@dataclasses.dataclass(frozen=True, repr=False)
class LayerStatistics(Record):
    """One layer: a layer that is called twice has its parameters once and its MACs twice.

    Attributes:
        name: Flat name of the layer.
        kind: Class of the layer; of a wrapped layer the class inside.
        output_shape: Shape of the first output of the last call, None where it is open.
        calls: How often the layer is called.
        parameters: Number of weights' values, helpers of training-time wrappers left out.
        trainable_parameters: How many of them are trained.
        macs: Multiply-accumulates for one sample, all calls together.
    """

    name: str
    kind: str
    output_shape: tuple
    calls: int
    parameters: int
    trainable_parameters: int
    macs: int


@dataclasses.dataclass(frozen=True, repr=False)
class ModelStatistics(Record):
    """A whole model.

    Attributes:
        name: Name of the model.
        parameters: Sum over the layers.
        trainable_parameters: Sum over the layers.
        macs: Multiply-accumulates for one sample.
        layers: One record per layer, in call order.
    """

    name: str
    parameters: int
    trainable_parameters: int
    macs: int
    layers: tuple[LayerStatistics, ...]

    def __repr__(self) -> str:
        """Return a table with one line per layer that costs something."""
        rows = [("layer", "kind", "parameters", "MACs")]
        costly = (one for one in self.layers if one.parameters or one.macs)
        rows += [(one.name, one.kind, f"{one.parameters:,}", f"{one.macs:,}") for one in costly]
        rows.append((self.name, "total", f"{self.parameters:,}", f"{self.macs:,}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}"
            for a, b, c, d in rows
        )


def model_statistics(model: Any) -> ModelStatistics:
    """Count parameters and multiply-accumulates, layer by layer.

    Args:
        model: A Keras 3 or tf_keras model, functional or built Sequential, or the path of one.
            Nested models are flattened. Training-time wrappers are looked through.

    Returns:
        Counts for one sample.

    Raises:
        ModelError: If ``model`` has no layer graph, or a count depends on an open dimension.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> inputs = layers.Input((8, 8, 3))
        >>> x = layers.Conv2D(4, 3, padding="same", name="conv")(inputs)
        >>> x = layers.Dense(10, name="head")(layers.Flatten()(x))
        >>> model_statistics(keras3().Model(inputs, x, name="tiny"))
        layer  kind    parameters   MACs
        conv   Conv2D         112  6,912
        head   Dense        2,570  2,560
        tiny   total        2,682  9,472
    """
    if isinstance(model, (str, os.PathLike)):
        from tfedge.models.files import load_model

        model = load_model(model)
    graph = read_graph(model)
    macs: Counter[str] = Counter()
    calls = Counter(step.name for step in graph.steps)
    last = {}
    for step in graph.steps:
        macs[step.name] += macs_of(step)
        last[step.name] = step
    layers = tuple(_layer(step, calls[name], macs[name]) for name, step in last.items())
    return ModelStatistics(
        name=graph.name,
        parameters=sum(one.parameters for one in layers),
        trainable_parameters=sum(one.trainable_parameters for one in layers),
        macs=sum(one.macs for one in layers),
        layers=layers,
    )


def _layer(step: Any, calls: int, macs: int) -> LayerStatistics:
    """Return the record of one layer."""
    layer = unwrapped(step.layer)
    trained = getattr(layer, "trainable_weights", []) if step.trainable else []
    return LayerStatistics(
        name=step.name,
        kind=type(layer).__name__,
        output_shape=step.outputs[0].shape,
        calls=calls,
        parameters=_values(getattr(layer, "weights", [])),
        trainable_parameters=_values(trained),
        macs=macs,
    )


def _values(weights: list[Any]) -> int:
    """Return the number of values in a list of weights."""
    return sum(math.prod(int(side) for side in weight.shape) for weight in weights)
