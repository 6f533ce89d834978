"""A model run call by call, so that every tensor in it can be seen or replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfedge.models.edges import Tensor, map_tensors, tensors_in
from tfedge.models.graph import Cast, LayerGraph, Step
from tfedge.models.nodes import takes_training
from tfedge.models.samples import by_input

Call = Callable[[Step, tuple, dict], Any]


class Flow:
    """The tensors of one batch on their way through a model; what is not needed is let go.

    Args:
        graph: The layer graph, nested models flattened.
        x: A batch: an array, a list in the order of the inputs, or a dict by input name.

    Raises:
        DataError: If the batch does not fit the inputs.
    """

    def __init__(self, graph: LayerGraph, x: Any) -> None:
        self._values = by_input(graph, x)
        self._uses = Counter(tensor for step in graph.steps for tensor in _arguments(step))

    def arguments(self, step: Step) -> tuple[tuple, dict]:
        """Return the arguments of a call with real tensors."""
        args, kwargs = (map_tensors(part, self._values.get) for part in (step.args, step.kwargs))
        return args, kwargs

    def made(self, step: Step, outputs: Any) -> None:
        """Take what a call returned."""
        self._values.update(zip(step.outputs, tf.nest.flatten(outputs), strict=True))
        for tensor in _arguments(step):
            self._uses[tensor] -= 1
            if not self._uses[tensor]:
                self._values.pop(tensor, None)


def run(graph: LayerGraph, x: Any, call: Call) -> None:
    """Run one batch through a model, call by call.

    Args:
        graph: The layer graph, nested models flattened.
        x: A batch: an array, a list in the order of the inputs, or a dict by input name.
        call: Makes each call: gets the step and its arguments with real tensors, and returns
            the outputs. :func:`inference` is the plain one.

    Example:
        >>> import numpy as np
        >>> from tfedge.models.flavours import keras3
        >>> from tfedge.models.graph import read_graph
        >>> model = keras3().Sequential([keras3().Input((2,)), keras3().layers.ReLU(name="relu")])
        >>> def seen(step, args, kwargs):
        ...     print(step.name, args[0].shape)
        ...     return inference(step, args, kwargs)
        >>> run(read_graph(model), np.ones((3, 2), "float32"), seen)
        relu (3, 2)
    """
    flow = Flow(graph, x)
    for step in graph.steps:
        flow.made(step, call(step, *flow.arguments(step)))


def inference(step: Step, args: tuple, kwargs: dict) -> Any:
    """Make one call as in inference."""
    if isinstance(step.layer, Cast):
        return tf.cast(args[0], step.layer.dtype)
    if takes_training(step.layer):
        kwargs = {**kwargs, "training": False}
    return step.layer(*args, **kwargs)


def _arguments(step: Step) -> list[Tensor]:
    """Return the tensors that a call takes."""
    return tensors_in((step.args, step.kwargs))
