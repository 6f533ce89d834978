"""A fake-quantized model beside the float one: what each kernel gets, and what it is to make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.compress.quantization.rounding.adaround import Task, made
from tfedge.compress.quantization.rounding.fused import after_product
from tfedge.compress.quantization.rounding.windows import PRODUCTS, Windows
from tfedge.compress.quantization.rules import kind_of
from tfedge.models.graph import Step, read_graph
from tfedge.models.nodes import takes_training
from tfedge.models.running import Flow, inference
from tfedge.models.training.quantized import Quantized, QuantizeLayer
from tfedge.models.training.stand_in import stand_in

_MOST_ROWS, _MOST_BYTES = 1 << 15, 1 << 28
"""How much is kept of what a kernel is multiplied with: that of some positions of each sample."""


class Reconstruction:
    """Samples on their way through a model in two forms, rounded so far and exact.

    Args:
        model: A fake-quantized model, its ranges set.
        batches: Inputs, each a list of tensors in the order of the model.
        seed: Seed of the choice of positions.

    Example:
        >>> import tfedge
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> model = keras3().Sequential([layers.Input((4,)), layers.Dense(2, name="head")])
        >>> x = np.random.default_rng(0).random((8, 4), "float32")
        >>> for step, task in Reconstruction(tfedge.quantize(model, calibration=x), [[x]], 0):
        ...     print(step.name, task.rows.shape, task.target.shape)
        head (8, 1, 4) (8, 2)
    """

    def __init__(self, model: Any, batches: Sequence[Any], seed: int) -> None:
        self._graph = read_graph(model)
        self._exact = [Flow(self._graph, inputs) for inputs in batches]
        self._rounded = [Flow(self._graph, inputs) for inputs in batches]
        self.samples = sum(len(inputs[0]) for inputs in batches)
        self._kernels = {
            id(kernel): scheme.structured(kernel, state)
            for step in self._graph.steps
            for kernel, scheme, state in _kernels(step.layer)
        }
        self._rng = np.random.default_rng(seed)
        uses = Counter(step.name for step in self._graph.steps)
        self.steps = [one for one in self._graph.steps if uses[one.name] == 1 and _fits(one.layer)]

    def __iter__(self) -> Iterator[tuple[Step, Task]]:
        """Yield each call of a kernel with what it is to make; it may be changed before it runs."""
        for step in self._graph.steps:
            if step in self.steps:
                yield step, self._task(step)
            for flow in self._exact:
                flow.made(step, self._exactly(step, *flow.arguments(step)))
            for flow in self._rounded:
                flow.made(step, inference(step, *flow.arguments(step)))

    def _task(self, step: Step) -> Task:
        """Return what a layer gets and is to make."""
        windows = Windows(step.layer.layer)
        weights = windows.matrices(self._kernels[id(step.layer._weight_vars[0][0])])
        after = Task(None, None, *map(tf.constant, after_product(self._graph, step)))
        bytes_of_row = 4 * int(np.prod(weights.shape[:2]))
        most = max(min(_MOST_ROWS, _MOST_BYTES // bytes_of_row) // self.samples, 1)
        rows, target = [], []
        for exact, rounded in zip(self._exact, self._rounded, strict=True):
            (x, *_), (found, *_) = exact.arguments(step)[0], rounded.arguments(step)[0]
            places = windows.places(x.shape, most, self._rng)
            rows.append(windows.rows(found, places))
            target.append(made(after, windows.rows(x, places), weights))
        return after._replace(rows=tf.concat(rows, 0), target=tf.concat(target, 0))

    def _exactly(self, step: Step, args: tuple, kwargs: dict) -> Any:
        """Make one call in float, with the kernel as it was at first."""
        layer = step.layer
        if isinstance(layer, QuantizeLayer):
            return args[0]
        if not isinstance(layer, Quantized):
            return inference(step, args, kwargs)
        if takes_training(layer.layer):
            kwargs = {**kwargs, "training": False}
        values = {one.path: self._kernels[id(kernel)] for kernel, one, _ in _kernels(layer)}
        with stand_in(layer.layer, values):
            return layer.layer(*args, **kwargs)


def _kernels(layer: Any) -> list[Any]:
    """Return the kernels of a wrapper, with their schemes and variables."""
    return list(layer._weight_vars) if isinstance(layer, Quantized) else []


def _fits(layer: Any) -> bool:
    """Return whether the weights of a layer may be rounded one by one."""
    return bool(_kernels(layer)) and (
        kind_of(layer.layer) in PRODUCTS
        and all(scheme.clusters is None for _, scheme, _ in _kernels(layer))
        and getattr(layer.layer, "output_padding", None) is None
    )
