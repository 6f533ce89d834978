"""What became of each layer: operators of the file beside layers of the original."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfedge.compress.clustering.report import unique_weights
from tfedge.compress.pruning.report import sparsity
from tfedge.core.openers import open_path
from tfedge.evaluate.layers import LayerParity, layer_outputs, layer_parity, traced_suffix
from tfedge.models.statistics import LayerStatistics
from tfedge.report.findings import LayerRow
from tfedge.runtime.costs import operator_macs, tensor_bytes
from tfedge.runtime.graph import OperatorInfo, TensorInfo
from tfedge.runtime.model import TFLiteModel


def parity_of_layers(model: Any, lite: TFLiteModel, x: Any) -> tuple[LayerParity, ...]:
    """Return the SQNR of each layer that has a tensor in the file.

    Args:
        model: A Keras model whose layers have the shapes of the file's, a path, or a file.
        lite: The file.
        x: A few samples.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> found = parity_of_layers(sample_model(), sample_model(), np.ones((2, 3)))
        >>> [row.sqnr_db for row in found]
        [inf]
    """
    opened = open_path(model) if hasattr(model, "__fspath__") or isinstance(model, str) else model
    return layer_parity(layer_outputs(opened, x), lite, x)


class Known(NamedTuple):
    """What is known of layers and operators beside the file itself.

    Attributes:
        original: Layers of the original, empty without one.
        parity: SQNR of layers, by tensor.
        live_bytes: Activations in memory at each operator, empty if not planned.
    """

    original: Sequence[LayerStatistics] = ()
    parity: Sequence[LayerParity] = ()
    live_bytes: Sequence[int] = ()


def layer_rows(lite: TFLiteModel, known: Known | None = None) -> tuple[LayerRow, ...]:
    """Return one row for each operator of the file, then layers that none of them names.

    A file keeps the names of layers in those of its tensors, also of layers that were fused.

    Args:
        lite: The file.
        known: What was measured besides.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> [(row.operator, row.layers, row.macs) for row in layer_rows(sample_model())]
        [('MUL', (), 0)]
    """
    known = known or Known()
    found = _Values.of(lite, known)
    names = [layer.name for layer in known.original]
    owners = _owners(lite, found.tensors, names, known.parity)
    layers = {layer.name: layer for layer in known.original}
    rows = []
    for place, item in enumerate(lite.operators):
        mine = [layers[name] for name, owner in owners.items() if owner == place]
        live = known.live_bytes[place] if known.live_bytes else None
        rows.append(_row(item, mine, live, found))
    lost = [layer for layer in known.original if layer.name not in owners and layer.parameters]
    return (*rows, *(_lost(layer) for layer in lost))


class _Values(NamedTuple):
    """What the rows look up: tensors by index, kernels by name, ratios by tensor."""

    tensors: Mapping[int, TensorInfo]
    unique: Mapping[str, int]
    sparsity: Mapping[str, float]
    sqnr_db: Mapping[str, float]

    @classmethod
    def of(cls, lite: TFLiteModel, known: Known) -> _Values:
        """Read a file."""
        return cls(
            {tensor.index: tensor for tensor in lite.tensors()},
            {row.name: row.unique for row in unique_weights(lite).kernels},
            {row.name: row.sparsity for row in sparsity(lite).layers},
            {row.tensor: row.sqnr_db for row in known.parity},
        )


def _row(
    item: OperatorInfo, layers: Sequence[LayerStatistics], live_bytes: int | None, found: _Values
) -> LayerRow:
    """Return the row of one operator."""
    constants = _constants(item, found.tensors)
    kernel = next((one.name for one in constants if one.name in found.unique), "")
    shape = item.output_shapes[0] if item.output_shapes else ()
    return LayerRow(
        index=item.index,
        layers=tuple(layer.name for layer in layers),
        operator=item.name,
        numeric_type=item.numeric_type,
        output_shape=shape,
        **_before(layers),
        channels=shape[-1] if shape else None,
        parameters=sum(math.prod(one.shape) for one in constants),
        macs=operator_macs(item, found.tensors),
        weight_bytes=sum(tensor_bytes(one) for one in constants),
        live_bytes=live_bytes,
        sparsity=found.sparsity.get(kernel),
        unique=found.unique.get(kernel),
        sqnr_db=found.sqnr_db.get(item.output),
    )


def _constants(item: OperatorInfo, tensors: Mapping[int, TensorInfo]) -> list[TensorInfo]:
    """Return the constants of numbers that an operator computes with; shapes do not count."""
    found = [tensors[index] for index in dict.fromkeys(item.inputs) if index in tensors]
    weights = [one for one in found if one.constant and np.dtype(one.dtype).kind in "fiu"]
    return [one for one in weights if one.scale is not None or np.dtype(one.dtype).kind == "f"]


def _owners(
    lite: TFLiteModel,
    tensors: Mapping[int, TensorInfo],
    names: Sequence[str],
    parity: Sequence[LayerParity],
) -> dict[str, int]:
    """Return which operator computes each layer: one with constants goes before one without."""
    places: dict[str, list[tuple[bool, int]]] = {}
    matched = {row.tensor: row.layer for row in parity}
    ending = traced_suffix(names, [tensor.name for tensor in tensors.values()])
    for place, item in enumerate(lite.operators):
        constants = _constants(item, tensors)
        texts = [item.output, *(one.name for one in constants)]
        parts = {part for text in texts for part in re.split(r"[/;]", text)}
        for name in names:
            if f"{name}{ending}" in parts or matched.get(item.output) == name:
                places.setdefault(name, []).append((not constants, place))
    return {name: min(places[name])[1] for name in names if name in places}


def _before(layers: Sequence[LayerStatistics]) -> dict[str, int | None]:
    """Return what the layers of an operator were in the original."""
    if not layers:
        return {"channels_before": None, "parameters_before": None, "macs_before": None}
    widths = [layer.output_shape[-1] for layer in layers if layer.output_shape]
    return {
        "channels_before": widths[-1] if widths else None,
        "parameters_before": sum(layer.parameters for layer in layers),
        "macs_before": sum(layer.macs or 0 for layer in layers),
    }


def _lost(layer: LayerStatistics) -> LayerRow:
    """Return the row of a layer that the file does not name."""
    empty: dict[str, Any] = dict.fromkeys(("channels", "live_bytes", "sparsity", "unique"))
    return LayerRow(
        index=None,
        layers=(layer.name,),
        operator="",
        numeric_type="",
        output_shape=(),
        **_before([layer]),
        **empty,
        parameters=0,
        macs=0,
        weight_bytes=0,
        sqnr_db=None,
    )
