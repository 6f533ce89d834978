"""Adoption: any Keras model comes in, a new functional tf_keras model comes out.

tfmot works on tf_keras only. The layer graph is walked and every layer is called again as its
tf_keras twin. (tf_keras' own ``from_config`` never returns when a node index is wrong.)
"""

from __future__ import annotations

import inspect
import os
import random
from collections.abc import Callable
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.core.rooms import callable_room
from tfedge.models.adoption.counterparts import counterpart
from tfedge.models.adoption.operations import build_operation, is_operation
from tfedge.models.clone import clone
from tfedge.models.edges import Tensor, map_tensors, tensors_in
from tfedge.models.flavours import KERAS3, tf_keras
from tfedge.models.graph import LayerGraph, Step, read_graph
from tfedge.models.weights import copy_weights, finalize, weight_pairs


def adopt(model: Any) -> Any:
    """Return a copy of a model as a functional tf_keras model.

    Names of layers, inputs and outputs, weights, trainable flags, regularizers, dtype policies
    and the structure of inputs and outputs are kept. Nested models are flattened: a nested
    layer keeps its name, or gets the nested model's name before it where it is taken already
    (:func:`tfedge.models.name_map` tells). Operations such as ``x + y`` become layers. Nothing
    of the user's model is shared or changed. The copy is not compiled.

    Shapes of all weights and outputs are checked. Outputs themselves are not compared, because
    that costs two forward passes: with float32 they agree to 1e-5 of the largest output.

    Args:
        model: A Keras 3 or tf_keras model, functional or built Sequential, or the path of a
            ``.keras`` or ``.h5`` file. Layers wrapped by tfmot keep wrapper and state.

    Returns:
        A new ``tf_keras.Model``.

    Raises:
        ModelError: If ``model`` is no Keras model, is subclassed or not built, or holds a layer
            without a known twin; the message names the layer and what to do.

    Example:
        >>> from tfedge.models.flavours import flavour_of, keras3
        >>> layers = keras3().layers
        >>> model = keras3().Sequential([layers.Input((4,)), layers.Dense(2)])
        >>> adopted = adopt(model)
        >>> flavour_of(adopted), adopted.output_shape
        ('tf_keras', (None, 2))
    """
    if isinstance(model, (str, os.PathLike)):
        from tfedge.models.files import load_model

        model = load_model(model)
    graph = read_graph(model)
    state = random.getstate()  # tf_keras draws seeds from it; the user's numbers stay the same
    try:
        return _build(graph)
    finally:
        random.setstate(state)


def _build(graph: LayerGraph) -> Any:
    """Build the tf_keras model of a layer graph and fill in the weights."""
    copies = _Copies(graph)
    edges = {tensor: _input(name, layer) for name, layer, tensor in graph.input_layers}
    for step in graph.steps:
        _check(step, made := tensors_in(_named(step, copies.call, edges)))
        edges.update(zip(step.outputs, made, strict=True))
    inputs, outputs = (map_tensors(part, edges.get) for part in (graph.inputs, graph.outputs))
    model = tf_keras().Model(inputs, outputs, name=graph.name)
    copies.fill()
    return model


class _Copies:
    """The new layers by name: made at their first call, filled with weights at the end."""

    def __init__(self, graph: LayerGraph) -> None:
        """Start with no layers."""
        self._graph = graph
        self._layers: dict[str, Any] = {}

    def call(self, step: Step, edges: dict[Tensor, Any]) -> Any:
        """Call the copy of a step's layer on the copies of its tensors."""
        if is_operation(step.layer):
            masked = any(
                _has_mask(edges[tensor]) for tensor in tensors_in((step.args, step.kwargs))
            )
            built = build_operation(step, masked)
            return built.layer(map_tensors(built.inputs, edges.get))
        args, kwargs = (map_tensors(part, edges.get) for part in (step.args, step.kwargs))
        layer = self._layer(step)
        if self._graph.flavour == KERAS3:
            args, kwargs = _as_keywords(step, args, kwargs, layer)
        return layer(*args, **kwargs)

    def fill(self) -> None:
        """Copy weights and trainable flags."""
        for step in self._graph.steps:
            copy = self._layers.pop(step.name, None)
            if copy is None:
                continue
            if copy.weights or step.layer.weights:
                copy_weights(weight_pairs(step.layer, copy))
                finalize(copy, like=step.layer)
            _set_trainable(step, copy)

    def _layer(self, step: Step) -> Any:
        """Return the copy of a step's layer."""
        if step.name not in self._layers:
            if self._graph.flavour == KERAS3:
                made = counterpart(step.layer, adopt)
            else:
                made = clone(step.layer, adopt)
            made._name = step.name
            self._layers[step.name] = made
        return self._layers[step.name]


def _input(name: str, layer: Any) -> Any:
    """Return a new symbolic input like the user's."""
    config = layer.get_config()
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    kinds = {key: config[key] for key in ("sparse", "ragged") if config.get(key)}
    return tf_keras().Input(
        shape=shape[1:], batch_size=shape[0], dtype=config["dtype"], name=name, **kinds
    )


def _as_keywords(step: Step, args: tuple, kwargs: dict, copy: Any) -> tuple[tuple, dict]:
    """Name all arguments but the first, because their order differs between the two Kerases."""
    names = list(inspect.signature(step.layer.call).parameters)
    given = {**dict(zip(names[1:], args[1:], strict=False)), **kwargs}
    if not args:
        args = (given.pop(names[0]),)
    given = {key: value for key, value in given.items() if value is not None}
    accepted = inspect.signature(copy.call).parameters
    keywords = any(one.kind == one.VAR_KEYWORD for one in accepted.values())
    unknown = [key for key in given if key not in accepted and key != "training" and not keywords]
    if unknown:
        raise ModelError(
            f"The layer {step.name!r} ({type(step.layer).__name__}) is called with {unknown}, "
            f"which its tf_keras twin does not take. Call it without, or register a twin that "
            f"does with tfedge.models.register_layer."
        )
    return args[:1], {key: value for key, value in given.items() if key in accepted or keywords}


def _named(step: Step, call: Callable[[Step, dict], Any], edges: dict[Tensor, Any]) -> Any:
    """Call a layer's copy; where tf_keras refuses, say which layer it was."""
    try:
        return call(step, edges)
    except ModelError:
        raise
    except (TypeError, ValueError, KeyError, NotImplementedError, AttributeError) as error:
        raise ModelError(
            f"The layer {step.name!r} ({type(step.layer).__name__}) cannot be rebuilt in tf_keras: "
            f"{error} Replace it, or register a translator of your own with "
            f"tfedge.models.register_layer."
        ) from error


def _check(step: Step, made: list[Any]) -> None:
    """Raise unless a layer's copy returned tensors of the same number and rank."""
    expected = [tensor.shape for tensor in step.outputs]
    found = [tuple(tensor.shape) for tensor in made]
    same = len(expected) == len(found) and all(map(_compatible, expected, found))
    if not same:
        raise ModelError(
            f"The layer {step.name!r} ({type(step.layer).__name__}) returns shapes {expected}, its "
            f"tf_keras copy {found}. If it is a custom layer, check what was registered for it; "
            f"otherwise this model cannot be adopted."
        )


def _compatible(one: tuple, other: tuple) -> bool:
    """Return whether two shapes agree wherever both are known."""
    return len(one) == len(other) and all(
        a is None or b is None or a == b for a, b in zip(one, other, strict=True)
    )


def _has_mask(tensor: Any) -> bool:
    """Return whether a symbolic tensor carries a mask."""
    return getattr(tensor, "_keras_mask", None) is not None


def _set_trainable(step: Step, copy: Any) -> None:
    """Freeze what is frozen in the user's model, inside wrappers too."""
    copy.trainable = step.trainable
    if step.trainable and hasattr(step.layer, "layer") and hasattr(copy, "layer"):
        copy.layer.trainable = bool(step.layer.layer.trainable)


# The room holds a function and a file of this name; either way, calling it adopts.
callable_room(__name__, adopt)
