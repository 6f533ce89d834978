"""What a model takes: name, shape and dtype of every input, and how they are handed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfedge.core.errors import ModelError
from tfedge.models.flavours import KERAS3, flavour_of, is_model

_SERVING = "serving_default"


def input_specs(model: Any) -> list[tf.TensorSpec]:
    """Return one spec per input, open axes as None, batch axis included.

    Args:
        model: A Keras model of either flavour, or a loaded SavedModel. A subclassed Keras model
            knows its inputs once it was called.

    Raises:
        ModelError: If it is none of these, or not built.
    """
    if not is_model(model):
        named = serving_function(model).structured_input_signature[1]
        return [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in named.items()]
    tensors = getattr(model, "inputs", None)
    if not tensors:
        return tf.nest.flatten(_called_with(model))
    names = getattr(model, "input_names", None) or [tensor.name for tensor in tensors]
    return [
        tf.TensorSpec(tuple(tensor.shape), tensor.dtype, name)
        for name, tensor in zip(names, tensors, strict=True)
    ]


def packed(model: Any, tensors: list[Any]) -> Any:
    """Return flat tensors in the structure that a Keras model takes.

    Args:
        model: A Keras model of either flavour.
        tensors: One per input, in the order of `input_specs`.
    """
    structure = getattr(model, "_inputs_struct", getattr(model, "_nested_inputs", None))
    if structure is None and not getattr(model, "inputs", None):
        structure = _called_with(model)
    if isinstance(structure, (dict, list, tuple)):
        return tf.nest.pack_sequence_as(structure, tensors)
    return tensors[0] if len(tensors) == 1 else tensors


def serving_function(model: Any) -> Any:
    """Return the serving function of a loaded SavedModel.

    Raises:
        ModelError: If it has none.
    """
    signatures = getattr(model, "signatures", None) or {}
    if not signatures:
        raise ModelError(
            f"{type(model).__name__} is neither a Keras model nor a SavedModel with a signature. "
            "Pass a Keras 3 or tf_keras model, or a path to .keras, .h5 or a SavedModel."
        )
    return signatures.get(_SERVING) or next(iter(signatures.values()))


def _called_with(model: Any) -> Any:
    """Return specs of what a model without a graph was called with, in their structure."""
    if flavour_of(model) == KERAS3:
        shapes = (model.get_build_config() or {}).get("input_shape") if model.built else None
        specs = None if shapes is None else _specs_of(shapes, "args_0")
    else:
        called = model.save_spec() if model.built else None
        specs = called[0][0] if called else None
    if specs is None:
        raise ModelError(
            f"{model.name!r} ({type(model).__name__}) does not know its inputs: it is not built. "
            "Call it once on real data, or give a Sequential model an Input."
        )
    return specs


def _specs_of(shapes: Any, name: str) -> Any:
    """Return float32 specs for shapes in their structure, batch axis open."""
    if isinstance(shapes, Mapping):
        return {key: _specs_of(shape, key) for key, shape in shapes.items()}
    if any(isinstance(size, (tuple, list)) for size in shapes):
        return [_specs_of(shape, f"{name}_{number}") for number, shape in enumerate(shapes)]
    return tf.TensorSpec((None, *shapes[1:]), tf.float32, name)
