"""A model as a plain graph that another process can convert.

The TensorFlow converter spends most of its time in saving and tracing Keras models. One
concrete function with its variables frozen into constants holds all that it needs. Recurrent
layers are the exception: freezing inlines the composite functions from which the converter
fuses LSTM operators, so models with them travel as a SavedModel.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

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
    definition, constants = _without_variables(function)
    names = sorted(function.structured_outputs)
    try:
        content = definition.SerializeToString()
    except ValueError as error:
        raise ConversionError(f"The graph cannot be handed to the converter: {error}") from error
    return FrozenGraph(
        graph=np.frombuffer(content, np.uint8),
        feeds=[tensor.name for tensor in function.inputs if tensor.name not in constants],
        fetches=dict(zip(names, [tensor.name for tensor in function.outputs], strict=True)),
    )


def _without_variables(function: Any) -> tuple[Any, set[str]]:
    """Return a function's ``GraphDef`` with constants for variables, and which inputs these were.

    ``convert_variables_to_constants_v2`` would also build two graphs around it, which hang in
    cycles until the garbage collector comes, and take functions out of the user's context.
    """
    data = convert_to_constants._FunctionConverterDataInEager(
        func=function, lower_control_flow=False, aggressive_inlining=False
    )
    definition, places = convert_to_constants._replace_variables_by_constants(data)
    captured = function.graph.internal_captures
    return _with_own_names(definition), {captured[place].name for place in places}


def _with_own_names(definition: Any) -> Any:
    """Return a ``GraphDef`` whose functions are called as no function of another process is.

    Grouped convolutions are functions of their own. TensorFlow ends their names with a number
    that counts up in each process, and the converter's process makes functions of the same kind:
    one that meets a name which is taken already is refused.
    """
    functions = definition.library.function
    names = {each.signature.name: f"{each.signature.name}_frozen" for each in functions}
    for node in itertools.chain(definition.node, *(each.node_def for each in functions)):
        for attribute in node.attr.values():
            for called in (attribute.func, *attribute.list.func):
                if called.name in names:
                    called.name = names[called.name]
    for each in functions:
        each.signature.name = names[each.signature.name]
    return definition


def save(signature: Signature, folder: str) -> None:
    """Write a model as a SavedModel that keeps its composite functions.

    Args:
        signature: The function to save, as ``serving_default``.
        folder: Where to write.
    """
    module: Any = tf.Module()
    module.kept = list(signature.variables)
    tf.saved_model.save(module, folder, signatures=signature.trace())
