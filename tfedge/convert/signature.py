"""What goes into a model and what comes out: names, shapes and dtypes, settled before tracing.

The names are those that the TensorFlow converter gives: inputs by their own names; outputs
``output_0`` … for Keras 3, by layer for tf_keras, by key where a model returns a dict.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import tensorflow as tf

from tfedge.convert.inputs import input_specs, packed, serving_function
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.flavours import KERAS3, flavour_of, is_model


@dataclass(frozen=True)
class Signature:
    """A function of tensors with named inputs and outputs.

    Args:
        inputs: One spec per input, batch axis included, named.
        call: Takes the tensors in that order, returns any nest of tensors.
        output_names: Names of the outputs in flattened order; None to number them.
        variables: What ``call`` reads.
    """

    inputs: tuple[tf.TensorSpec, ...]
    call: Callable[..., Any]
    output_names: tuple[str, ...] | None
    variables: Sequence[Any]

    def predict(self, x: Mapping[str, Any]) -> Any:
        """Return outputs for arrays by input name: one array, or arrays by output name."""
        tensors = [tf.convert_to_tensor(x[spec.name], spec.dtype) for spec in self.inputs]
        named = self._named(tf.nest.flatten(self.call(*tensors)))
        return {name: tensor.numpy() for name, tensor in named.items()}

    def computed_by(self, copy: Any) -> Signature:
        """Return the same signature, computed by a rewritten copy of the Keras model."""
        return replace(self, call=_caller(copy), variables=copy.variables)

    def _named(self, flat: list[Any]) -> dict[str, Any]:
        """Return flattened outputs by name."""
        names = self.output_names or [f"output_{number}" for number in range(len(flat))]
        return dict(zip(names, flat, strict=True))

    def arguments(self) -> dict[str, str]:
        """Return what each input is called while TensorFlow handles it: names Python can use.

        They sort as the inputs do, because the converter orders inputs by name.
        """
        names = sorted(spec.name for spec in self.inputs)
        if all(_is_plain(name) for name in names):
            return {name: name for name in names}
        return {name: f"input_{place:03}" for place, name in enumerate(names)}

    def trace(self) -> Any:
        """Return the concrete function of `arguments`; its outputs are a dict by output name."""
        arguments = self.arguments()

        def serve(**named: Any) -> dict[str, Any]:
            tensors = [named[arguments[spec.name]] for spec in self.inputs]
            named_outputs = self._named(tf.nest.flatten(self.call(*tensors)))
            return {name: tf.identity(tensor) for name, tensor in named_outputs.items()}

        specs = [tf.TensorSpec(s.shape, s.dtype, arguments[s.name]) for s in self.inputs]
        function = tf.function(serve, autograph=False)
        return function.get_concrete_function(**{spec.name: spec for spec in specs})


def _is_plain(name: str) -> bool:
    """Return whether TensorFlow can take a name for an argument of a function."""
    return name.isidentifier() and not keyword.iskeyword(name) and name != "self"


def signature_of(
    model: Any,
    batch_size: int | None,
    input_shapes: Any = None,
    samples: Mapping[str, Any] | None = None,
) -> Signature:
    """Return the signature of a model, with every axis but a free batch fixed.

    Args:
        model: A Keras 3 or tf_keras model, or a loaded SavedModel.
        batch_size: Size of the first axis; None leaves it free.
        input_shapes: Shapes without the batch axis, for inputs whose shape is open: one tuple, or
            tuples by input name.
        samples: Arrays by input name, from which open shapes are taken otherwise.

    Raises:
        ModelError: If the model is not built, or an axis stays open.
        ArgumentError: If ``input_shapes`` names an input that does not exist.
    """
    if not is_model(model):
        return _saved_signature(model, batch_size, input_shapes)
    specs = input_specs(model)
    specs = _closed(specs, _by_name(input_shapes, specs), samples or {}, model.name)
    return Signature(
        inputs=tuple(_with_batch(spec, batch_size) for spec in specs),
        call=_caller(model),
        output_names=_output_names(model),
        variables=model.variables,
    )


def _output_names(model: Any) -> tuple[str, ...] | None:
    """Return the names of a Keras model's outputs, None to number them."""
    if flavour_of(model) != KERAS3:
        return tuple(model.output_names) if getattr(model, "output_names", None) else None
    structure = getattr(model, "_outputs_struct", None)
    return tuple(sorted(structure)) if isinstance(structure, dict) else None


def _caller(model: Any) -> Callable[..., Any]:
    """Return a function that hands flat tensors to a Keras model as it takes them."""
    return lambda *tensors: model(packed(model, list(tensors)), training=False)


def _by_name(shapes: Any, specs: Sequence[tf.TensorSpec]) -> dict[str, tuple]:
    """Return the user's shapes by input name."""
    if shapes is None:
        return {}
    names = [spec.name for spec in specs]
    if not isinstance(shapes, Mapping):
        shapes = {names[0]: shapes}
    unknown = set(shapes) - set(names)
    if unknown:
        raise ArgumentError(
            f"input_shapes names {sorted(unknown)}; the model's inputs are {names}."
        )
    return {name: tuple(shape) for name, shape in shapes.items()}


def _closed(
    specs: Sequence[tf.TensorSpec], shapes: Mapping, samples: Mapping, model_name: str
) -> list[tf.TensorSpec]:
    """Return specs whose open axes are filled from the user's shapes or from samples."""
    closed = []
    for spec in specs:
        shape = list(spec.shape)[1:]
        given = shapes.get(spec.name)
        if given is None and spec.name in samples:
            given = samples[spec.name].shape[1:]
        if None in shape and given is None:
            raise ModelError(
                f"Input {spec.name!r} of {model_name!r} has the open shape {tuple(shape)}, and a "
                "file for a device has fixed shapes. Give them without the batch axis: "
                f"input_shapes={{{spec.name!r}: (…)}}."
            )
        closed.append(
            tf.TensorSpec([None, *_merged(shape, given, spec.name)], spec.dtype, spec.name)
        )
    return closed


def _merged(shape: list, given: tuple | None, name: str) -> list:
    """Return the model's shape with open axes taken from ``given``, which must agree."""
    if given is None:
        return shape
    if len(given) != len(shape) or any(
        a not in (None, b) for a, b in zip(shape, given, strict=True)
    ):
        raise ArgumentError(
            f"Input {name!r} takes samples of shape {tuple(shape)} (None is open); {given} was "
            "given."
        )
    return list(given)


def _with_batch(spec: tf.TensorSpec, batch_size: int | None) -> tf.TensorSpec:
    """Return a spec with the size of its first axis settled."""
    return tf.TensorSpec([batch_size, *spec.shape[1:]], spec.dtype, spec.name)


def _saved_signature(model: Any, batch_size: int | None, input_shapes: Any) -> Signature:
    """Return the signature of a loaded SavedModel."""
    function, specs = serving_function(model), input_specs(model)
    names = [spec.name for spec in specs]
    closed = _closed(specs, _by_name(input_shapes, specs), {}, "the SavedModel")

    def call(*tensors: Any) -> Any:
        return function(**dict(zip(names, tensors, strict=True)))

    return Signature(
        inputs=tuple(_with_batch(spec, batch_size) for spec in closed),
        call=call,
        output_names=tuple(sorted(function.structured_outputs)),
        variables=getattr(model, "variables", ()),
    )
