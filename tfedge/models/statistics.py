"""What a model costs: parameters and multiply-accumulates, layer by layer."""

from __future__ import annotations

import dataclasses
import math
import os
from collections import Counter
from collections.abc import Iterable
from typing import Any

from tfedge.core.errors import ModelError
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
        macs: Multiply-accumulates for one sample, all calls together; None where they depend on
            an open dimension.
    """

    name: str
    kind: str
    output_shape: tuple
    calls: int
    parameters: int
    trainable_parameters: int
    macs: int | None


@dataclasses.dataclass(frozen=True, repr=False)
class ModelStatistics(Record):
    """A whole model.

    Attributes:
        name: Name of the model.
        parameters: Sum over the layers.
        trainable_parameters: Sum over the layers.
        macs: Multiply-accumulates for one sample; None where they depend on an open dimension.
        layers: One record per layer, in call order.
    """

    name: str
    parameters: int
    trainable_parameters: int
    macs: int | None
    layers: tuple[LayerStatistics, ...]

    def __repr__(self) -> str:
        """Return a table with one line per layer that costs something."""
        rows = [("layer", "kind", "parameters", "MACs")]
        costly = (one for one in self.layers if one.parameters or one.macs)
        rows += [(one.name, one.kind, f"{one.parameters:,}", _shown(one.macs)) for one in costly]
        rows.append((self.name, "total", f"{self.parameters:,}", _shown(self.macs)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}"
            for a, b, c, d in rows
        )


def model_statistics(model: Any, *, allow_open: bool = False) -> ModelStatistics:
    """Count parameters and multiply-accumulates, layer by layer.

    Args:
        model: A Keras 3 or tf_keras model, functional or built Sequential, or the path of one.
            Nested models are flattened. Training-time wrappers are looked through.
        allow_open: Leave out, as None, MACs that depend on an open dimension, instead of
            refusing the model.

    Returns:
        Counts for one sample.

    Raises:
        ModelError: If ``model`` has no layer graph, or a count depends on an open dimension and
            may not.

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
    macs: dict[str, int | None] = {}
    calls = Counter(step.name for step in graph.steps)
    last = {}
    for step in graph.steps:
        macs[step.name] = _sum((macs.get(step.name, 0), _macs(step, allow_open)))
        last[step.name] = step
    layers = tuple(_layer(step, calls[name], macs[name]) for name, step in last.items())
    return ModelStatistics(
        name=graph.name,
        parameters=sum(one.parameters for one in layers),
        trainable_parameters=sum(one.trainable_parameters for one in layers),
        macs=_sum(one.macs for one in layers),
        layers=layers,
    )


def macs_of_model(model: Any) -> int:
    """Return the multiply-accumulates of a model for one sample.

    Raises:
        ModelError: As :func:`model_statistics`.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> macs_of_model(keras3().Sequential([layers.Input((8,)), layers.Dense(2)]))
        16
    """
    return sum(macs_of(step) for step in read_graph(model).steps)


def _macs(step: Any, allow_open: bool) -> int | None:
    """Return the multiply-accumulates of a call, or nothing where they may be open and are."""
    try:
        return macs_of(step)
    except ModelError:
        if allow_open:
            return None
        raise


def _sum(counts: Iterable[int | None]) -> int | None:
    """Return the sum, or nothing where a part is not known."""
    found = list(counts)
    return None if None in found else sum(filter(None, found))


def _shown(macs: int | None) -> str:
    """Return a count as text."""
    return "open" if macs is None else f"{macs:,}"


def _layer(step: Any, calls: int, macs: int | None) -> LayerStatistics:
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
