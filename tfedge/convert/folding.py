"""Small repairs of a graph before it is converted; runs inside the converter's worker.

What depends on constants alone is computed, products with zero included, and a split of which
some parts are then used by nobody becomes slices. The converter drops such products itself, but
later: its calibrator never sees the unused parts and leaves the whole split in float. It meets
the first step of every unrolled recurrent layer, where gates are multiplied by a state of zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.util import run_graph_optimizations


def folded(definition: Any, feeds: Sequence[str], fetches: Sequence[str]) -> Any:
    """Return an equivalent graph.

    Args:
        definition: A ``GraphDef`` without variables.
        feeds: Names of the input tensors.
        fetches: Names of the output tensors.

    Returns:
        A ``GraphDef`` with the same inputs and outputs; the same one if it splits nothing.
    """
    if not any(node.op == "Split" for node in definition.node):
        return definition
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.optimizers.append("constfold")
    graph = _imported(definition)
    ends = [[graph.get_tensor_by_name(name) for name in names] for names in (feeds, fetches)]
    definition = run_graph_optimizations(definition, *ends, config, graph)
    definition = _needed(_without_zero_products(definition), fetches)
    return _needed(_without_idle_splits(definition, fetches), fetches)


def _needed(definition: Any, fetches: Sequence[str]) -> Any:
    """Return the part of a graph on which its outputs depend, and its inputs."""
    inputs = [node.name for node in definition.node if node.op == "Placeholder"]
    ends = [*inputs, *(name.split(":")[0] for name in fetches)]
    return tf.compat.v1.graph_util.extract_sub_graph(definition, list(dict.fromkeys(ends)))


def _without_zero_products(definition: Any) -> Any:
    """Return the graph with zeros in place of products that a constant factor makes zero."""
    zeros: dict[str, str] = {}
    for operation in _imported(definition).get_operations():
        if operation.type == "Mul":
            factor = next((each for each in operation.inputs if _is_zero(each)), None)
            if factor is not None and factor.shape == operation.outputs[0].shape:
                zeros[operation.name] = factor.op.name
    return _renamed(definition, zeros)


def _is_zero(tensor: Any) -> bool:
    """Return whether a tensor is a constant that holds nothing but zeros."""
    return tensor.op.type == "Const" and not np.any(tf.get_static_value(tensor))


def _renamed(definition: Any, names: dict[str, str]) -> Any:
    """Return the graph with operators that read other tensors."""
    for node in definition.node:
        for place, name in enumerate(node.input):
            node.input[place] = names.get(name, name)
    return definition


def _imported(definition: Any) -> tf.Graph:
    """Return a graph with shapes inferred."""
    graph = tf.Graph()
    with graph.as_default():
        tf.graph_util.import_graph_def(definition, name="")
    return graph


def _without_idle_splits(definition: Any, fetches: Sequence[str]) -> Any:
    """Return the graph with slices in place of splits that have unused parts."""
    graph = _imported(definition)
    slices: dict[str, str] = {}
    for operation in graph.get_operations():
        used = [_is_used(part, fetches) for part in operation.outputs]
        if operation.type == "Split" and not all(used):
            slices |= _slices_of(operation, used, definition)
    return _renamed(definition, slices)


def _is_used(tensor: Any, fetches: Sequence[str]) -> bool:
    """Return whether anything reads a tensor."""
    return bool(tensor.consumers()) or tensor.name in fetches


def _slices_of(operation: Any, used: Sequence[bool], definition: Any) -> dict[str, str]:
    """Add slices for the used parts of a split, and return their names by the parts' names."""
    axis = int(tf.get_static_value(operation.inputs[0]))
    source, found, start = operation.node_def.input[1], {}, 0
    for number, part in enumerate(operation.outputs):
        shape = part.shape.as_list()
        begin = [0] * len(shape)
        begin[axis] = start
        start += shape[axis]
        if used[number]:
            name = f"{operation.name}/part{number}"
            _add_slice(definition, name, source, (begin, shape), part.dtype)
            found[operation.name if number == 0 else f"{operation.name}:{number}"] = name
    return found


def _add_slice(definition: Any, name: str, source: str, bounds: Sequence, dtype: Any) -> None:
    """Add a slice with constant bounds, ``(begin, size)``, to a graph."""
    ends = [f"{name}/begin", f"{name}/size"]
    for end, value in zip(ends, bounds, strict=True):
        node = definition.node.add(op="Const", name=end)
        node.attr["dtype"].type = tf.int32.as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.int32(value)))
    node = definition.node.add(op="Slice", name=name, input=[source, *ends])
    node.attr["T"].type = dtype.as_datatype_enum
    node.attr["Index"].type = tf.int32.as_datatype_enum
