"""A model as a plain graph that another process can convert.

The TensorFlow converter spends most of its time in saving and tracing Keras models. One
concrete function with its variables frozen into constants holds all that it needs. Recurrent
layers are the exception: freezing inlines the composite functions from which the converter
fuses LSTM operators, so models with them travel as a SavedModel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tfedge.convert.signature import Signature
from tfedge.core.errors import ConversionError


@dataclass(frozen=True)
class FrozenGraph:
    """A graph without variables.

    Args:
        graph: Serialized ``GraphDef``, as bytes in a uint8 array.
        feeds: Tensor names of the inputs.
        fetches: Tensor names of the outputs, by output name.
    """

    graph: np.ndarray
    feeds: list[str]
    fetches: dict[str, str]


def freeze(signature: Signature) -> FrozenGraph:
    """Trace a model and fold its variables into constants.

    Args:
        signature: The function to trace.

    Raises:
        ConversionError: If the graph is over the 2 GB that protocol buffers can hold.
    """
    function = signature.trace()
    frozen = convert_variables_to_constants_v2(function, lower_control_flow=False)
    names = sorted(function.structured_outputs)
    definition = frozen.graph.as_graph_def()
    try:
        content = definition.SerializeToString()
    except ValueError as error:
        raise ConversionError(f"The graph cannot be handed to the converter: {error}") from error
    return FrozenGraph(
        graph=np.frombuffer(content, np.uint8),
        feeds=[tensor.name for tensor in frozen.inputs],
        fetches=dict(zip(names, [tensor.name for tensor in frozen.outputs], strict=True)),
    )


def save(signature: Signature, folder: str) -> None:
    """Write a model as a SavedModel that keeps its composite functions.

    Args:
        signature: The function to save, as ``serving_default``.
        folder: Where to write.
    """
    module: Any = tf.Module()
    module.kept = list(signature.variables)
    tf.saved_model.save(module, folder, signatures=signature.trace())
