"""What an int8 operator does after the product with its kernel: scale, shift, cut off."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.compress.quantization.rules import is_fused_relu, kind_of
from tfedge.models.edges import tensors_in
from tfedge.models.graph import LayerGraph, Step
from tfedge.models.training.quantized import Quantized

_ALL = float(np.finfo("float32").max)
_ENDS = {"relu": (0.0, _ALL), "relu6": (0.0, 6.0)}

After = tuple[np.ndarray, np.ndarray, np.ndarray]


def after_product(graph: LayerGraph, step: Step) -> After:
    """Return what becomes of the product of a wrapped layer until it is rounded.

    Args:
        graph: The graph of a fake-quantized model.
        step: The call of a layer with a kernel.

    Returns:
        Scale and shift of each channel, and the smallest and largest value, all float32. An
        activation before which values are rounded does not count.

    Example:
        >>> import tfedge
        >>> from tfedge.models.flavours import keras3
        >>> from tfedge.models.graph import read_graph
        >>> layers = keras3().layers
        >>> steps = [layers.Input((4, 4, 1)), layers.Conv2D(1, 3, bias_initializer="ones"),
        ...          layers.BatchNormalization(epsilon=3.0), layers.ReLU(6.0)]
        >>> graph = read_graph(tfedge.quantize(keras3().Sequential(steps)))
        >>> scale, shift, ends = after_product(graph, graph.steps[1])
        >>> float(scale[0]), float(shift[0]), ends.tolist()
        (0.5, 0.5, [0.0, 6.0])
    """
    layer, channels = step.layer.layer, int(step.outputs[0].shape[-1])
    scale, shift = np.ones(channels), np.zeros(channels)
    if layer.bias is not None:
        shift = np.asarray(layer.bias, np.float64)
    ends = (-_ALL, _ALL) if step.layer.before else _ends_of(layer)
    here: Step | None = step
    while here is not None and (here := _same_operator(graph, here)) is not None:
        if is_fused_relu(here.layer.layer):
            ends = _ends_of(here.layer.layer)
            break
        if kind_of(here.layer.layer) != "BatchNormalization":
            break
        factor, offset = _affine(here.layer.layer)
        scale, shift = scale * factor, shift * factor + offset
    made = (np.asarray(part, "float32") for part in (scale, shift, ends))
    return tuple(made)  # type: ignore[return-value]


def _same_operator(graph: LayerGraph, step: Step) -> Step | None:
    """Return the call that goes on with what a step makes before it is rounded, if one does."""
    users = [one for one in graph.steps if step.outputs[0] in tensors_in((one.args, one.kwargs))]
    rounds = step.layer.before is not None or step.layer.output_range is not None
    if rounds or len(users) != 1 or not isinstance(users[0].layer, Quantized):
        return None
    return users[0]


def _ends_of(layer: Any) -> tuple[float, float]:
    """Return the smallest and largest value that an activation makes."""
    if kind_of(layer) == "ReLU":
        return 0.0, _ALL if layer.max_value is None else float(layer.max_value)
    return _ENDS.get(getattr(layer.activation, "__name__", ""), (-_ALL, _ALL))


def _affine(norm: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the scale and shift of a normalization in inference."""
    scale = 1 / np.sqrt(np.asarray(norm.moving_variance, np.float64) + norm.epsilon)
    if norm.gamma is not None:
        scale = scale * np.asarray(norm.gamma)
    offset = 0.0 if norm.beta is None else np.asarray(norm.beta, np.float64)
    return scale, offset - scale * np.asarray(norm.moving_mean)
