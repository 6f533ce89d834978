"""How exactly a model in integer training computes what its file does, operator by operator."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.core.records import Record
from tfedge.evaluate.layers import layer_outputs, match_layers
from tfedge.models.graph import read_graph
from tfedge.models.running import inference, run
from tfedge.runtime.intermediate import intermediate_outputs
from tfedge.runtime.model import TFLiteModel

_ROUNDING = 1e-2
"""Fraction of a step that float arithmetic may be off."""


@dataclasses.dataclass(frozen=True, repr=False)
class LayerSteps(Record):
    """How far one layer of a model is from its tensor in the file, given the same inputs.

    Attributes:
        layer: Name of the layer.
        tensor: Name of the tensor.
        exact: Fraction of values that are the same integer.
        within_one_step: Fraction of values that are the same integer or the next.
        largest_steps: Largest difference, in steps of the tensor.
    """

    layer: str
    tensor: str
    exact: float
    within_one_step: float
    largest_steps: float


def steps_apart(model: Any, lite: TFLiteModel, x: Any) -> tuple[LayerSteps, ...]:
    """Compare each layer of a QAT model with its int8 operators on the same inputs.

    Differences of one step are unavoidable: integer kernels multiply and round in another order
    than floats. Through a deep network they add up, and plain comparison of layers no longer tells
    a fault from chance. Here every layer gets the values that the file computed before it, so what
    is found at a layer is its own.

    Args:
        model: A model from :func:`tfedge.quantize`.
        lite: What :func:`tfedge.convert` made of it, of mode ``"int8"``.
        x: Samples, as the file takes them; a few are enough.

    Returns:
        One record for each layer whose output is rounded and is a tensor of the file, in the order
        of execution.

    Example:
        >>> import tfedge
        >>> from tfedge.models.flavours import keras3
        >>> x = np.random.default_rng(0).random((16, 4), "float32")
        >>> model = keras3().Sequential([keras3().Input((4,)), keras3().layers.Dense(3, name="d")])
        >>> qat = tfedge.quantize(model, calibration=x)
        >>> [found] = steps_apart(qat, tfedge.convert(qat, "int8"), x)
        >>> found.layer, found.within_one_step
        ('d', 1.0)
    """
    reference, tensors = layer_outputs(model, x), _results(lite, x)
    scales = {tensor.name: tensor.scale for tensor in lite.tensors()}
    names = match_layers(reference, tensors, [tensor.name for tensor in lite.outputs])
    found = []

    def call(step: Any, args: tuple, kwargs: dict) -> Any:
        """Run a layer, note how far off it is, and go on with what the file has."""
        outputs = inference(step, args, kwargs)
        name = names.get(step.name)
        if name is None or scales.get(name) is None:
            return outputs
        value = tensors[name].reshape(outputs.shape)
        if getattr(step.layer, "output_range", None) is not None:
            found.append(_record(step.name, name, np.abs(outputs - value) / scales[name]))
        return tf.constant(value)

    run(read_graph(model), x, call)
    return tuple(found)


def _results(lite: TFLiteModel, x: Any) -> dict[str, np.ndarray]:
    """Return what operators of a file make, by name, copies of it with other scales left out."""
    copies = {out for one in lite.operators if one.name == "QUANTIZE" for out in one.outputs}
    copies -= {tensor.index for tensor in lite.outputs}
    names = {tensor.name for tensor in lite.tensors() if tensor.index in copies}
    found = intermediate_outputs(lite, x)
    return {name: value for name, value in found.items() if name not in names}


def _record(layer: str, tensor: str, steps: np.ndarray) -> LayerSteps:
    """Return how far apart two tensors are."""
    exact, close = (float(np.mean(steps <= whole + _ROUNDING)) for whole in (0, 1))
    return LayerSteps(layer, tensor, exact, close, float(steps.max()))
