"""The conversion itself; runs inside a worker process, where a crash harms nobody."""

from __future__ import annotations

import functools
import gc
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.lite.tools import flatbuffer_utils

from tfedge.convert.calibration.quantizer import Quantizer
from tfedge.convert.folding import folded
from tfedge.convert.table_operators import with_int8_tables
from tfedge.convert.weights import values_by_type, with_few_bits
from tfedge.core.observers import Observer

_INTEGERS = {
    "int8": tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
    "int16x8": tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
}


def ready() -> str:
    """Import TensorFlow and return its version: a worker that has answered is warm."""
    return tf.__version__


def convert_graph(
    graph: np.ndarray, feeds: list[str], fetches: dict[str, str], **settings: Any
) -> tuple[np.ndarray, dict[str, Any]]:
    """Convert a frozen graph; see `convert_folder`."""
    _settle()
    function = _import_graph(graph, feeds, fetches)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(_holder(function), folder, signatures=function)
        content, found = convert_folder(folder, **settings)
    return content, {**found, "ends": _ends(graph, fetches)}


def convert_folder(
    folder: str,
    mode: str,
    input_type: str,
    output_type: str,
    float_fallback: bool,
    samples: dict[str, np.ndarray] | None,
    batch: int,
    observers: Sequence[Observer],
    names: dict[str, str],
    weight_bits: int | None = None,
    sparse: bool = False,
    study: bool = False,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Convert a SavedModel.

    Args:
        folder: Where it lies.
        mode: A name in `tfedge.convert.modes.MODES`.
        input_type: Type of the inputs of an integer file.
        output_type: Type of its outputs.
        float_fallback: Whether an integer file may hold float operators.
        samples: Arrays by input name, to calibrate with.
        batch: How many samples the model takes at once.
        observers: Rules for ranges, to choose from; empty for TensorFlow's own calibrator.
        names: What inputs are to be called in the file, by argument, where the two differ.
        weight_bits: Width of integer weights that are computed in float.
        sparse: Whether weights with many zeros are stored sparsely.
        study: Whether the float file with its ranges is wanted too, as ``"ranged"``.

    Returns:
        The file, as bytes in a uint8 array, and what was found out on the way.
    """
    converter = tf.lite.TFLiteConverter.from_saved_model(folder)
    plain = mode == "float32" or weight_bits
    converter.optimizations = [] if plain else [tf.lite.Optimize.DEFAULT]
    if sparse:
        converter.optimizations.append(tf.lite.Optimize.EXPERIMENTAL_SPARSITY)
    if mode == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if mode == "dynamic":
        # Per-channel dense kernels need FULLY_CONNECTED version 12, which tflite-runtime lacks.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if mode in _INTEGERS:
        converter.inference_input_type = tf.as_dtype(input_type)
        converter.inference_output_type = tf.as_dtype(output_type)
        if samples is not None:
            arguments = {name: argument for argument, name in names.items()}
            samples = {arguments.get(name, name): array for name, array in samples.items()}
            converter.representative_dataset = functools.partial(batches_of, samples, batch)
            converter.target_spec.supported_ops = _operators(mode, float_fallback)
            if observers:
                converter._quantize = Quantizer(converter, samples, observers)
    content = with_int8_tables(converter.convert()) if mode == "int8" else converter.convert()
    found = _found_by(converter._quantize, names, study)
    if weight_bits:
        content = with_few_bits(content, weight_bits)
        found["weights"] = values_by_type(content)
    return np.frombuffer(_renamed(content, names), np.uint8), found


def _found_by(quantizer: Any, names: dict[str, str], study: bool) -> dict[str, Any]:
    """Return what was found out while calibrating, with the float file where it is wanted."""
    found = {"calibration": getattr(quantizer, "findings", None)}
    if study:
        found["ranged"] = np.frombuffer(_renamed(quantizer.ranged, names), np.uint8)
    return found


def _renamed(content: bytes, names: dict[str, str]) -> bytes:
    """Return a file whose inputs bear other names."""
    if not names:
        return content
    file = flatbuffer_utils.convert_bytearray_to_object(bytearray(content))
    for entry in file.signatureDefs[0].inputs:
        name = entry.name.decode() if isinstance(entry.name, bytes) else entry.name
        entry.name = names.get(name, name)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(file))


def _operators(mode: str, float_fallback: bool) -> list[Any]:
    """Return the sets of operators that a calibrated integer file may hold."""
    floats = [tf.lite.OpsSet.TFLITE_BUILTINS] if float_fallback else []
    return [_INTEGERS[mode], *floats]


def _import_graph(graph: np.ndarray, feeds: list[str], fetches: dict[str, str]) -> Any:
    """Return a serialized graph as a function with named inputs and outputs."""
    definition = tf.compat.v1.GraphDef.FromString(graph.tobytes())
    definition = folded(definition, feeds, list(fetches.values()))

    def serve(**tensors: Any) -> dict[str, Any]:
        placed = {name: tensors[_argument(name)] for name in feeds}
        made = tf.graph_util.import_graph_def(definition, placed, list(fetches.values()), name="")
        return dict(zip(fetches, made, strict=True))

    inputs = {node.name: node for node in definition.node if node.op == "Placeholder"}
    specs = {_argument(name): _spec(inputs[_argument(name)]) for name in feeds}
    return tf.function(serve, autograph=False).get_concrete_function(**specs)


def _ends(graph: np.ndarray, fetches: Mapping[str, str]) -> dict[str, str]:
    """Return which operator computes each output; a file calls its outputs otherwise."""
    nodes = {node.name: node for node in tf.compat.v1.GraphDef.FromString(graph.tobytes()).node}
    found = {}
    for name, tensor in fetches.items():
        node = nodes[_argument(tensor)]
        while node.op == "Identity":
            node = nodes[_argument(node.input[0])]
        found[name] = node.name
    return found


def _argument(tensor: str) -> str:
    """Return what the placeholder of a tensor is called."""
    return tensor.partition(":")[0]


def _spec(placeholder: Any) -> tf.TensorSpec:
    """Return shape, dtype and name of a placeholder."""
    shape = tf.TensorShape(placeholder.attr["shape"].shape)
    return tf.TensorSpec(shape, placeholder.attr["dtype"].type, placeholder.name)


@functools.cache
def _settle() -> None:
    """Let the garbage collector, which the converter calls, pass over what TensorFlow imported."""
    gc.freeze()


def _holder(function: Any) -> Any:
    """Return an object that keeps a function alive while it is saved."""
    module: Any = tf.Module()
    module.function = function
    return module


def batches_of(samples: Mapping[str, np.ndarray], size: int) -> Iterator[dict[str, np.ndarray]]:
    """Yield whole batches of named arrays; a rest smaller than a batch is left out."""
    count = len(next(iter(samples.values())))
    for start in range(0, count - size + 1, size):
        yield {name: array[start : start + size] for name, array in samples.items()}
