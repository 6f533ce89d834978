"""The layer graph of a Keras model as plain data: nested models flattened, names settled.

Both Kerases are read into the same records, so that what copies, counts or releases a model
walks one kind of graph. Nothing is built and nothing of the user's model is touched.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.models.flavours import flavour_of


@dataclasses.dataclass(frozen=True)
class Tensor:
    """One edge of the graph: ``index`` tells it apart; ``shape`` has None where it is open."""

    index: int
    shape: tuple
    dtype: str


@dataclasses.dataclass(frozen=True, eq=False)
class Cast:
    """A conversion that Keras makes silently where a nested model takes another dtype."""

    name: str
    dtype: str


@dataclasses.dataclass(frozen=True)
class Step:
    """One call of a layer: arguments hold :class:`Tensor` where tensors go in."""

    layer: Any
    name: str
    args: tuple
    kwargs: dict[str, Any]
    outputs: tuple[Tensor, ...]
    trainable: bool


@dataclasses.dataclass(frozen=True)
class LayerGraph:
    """A model as a list of calls in an order in which they can run.

    Attributes:
        name: Name of the model.
        flavour: ``"keras3"`` or ``"tf_keras"``.
        inputs: Structure (tensor, list or dict) of :class:`Tensor`, as the user gave it.
        outputs: Structure of :class:`Tensor`.
        input_layers: ``(flat name, input layer, tensor)`` in the model's input order.
        steps: The calls.
        names: ``"outer/inner"`` path of every layer to its flat name.
    """

    name: str
    flavour: str
    inputs: Any
    outputs: Any
    input_layers: tuple[tuple[str, Any, Tensor], ...]
    steps: tuple[Step, ...]
    names: dict[str, str]

    def layers(self) -> dict[str, Any]:
        """Return the user's layers by flat name, each once, in call order."""
        return {step.name: step.layer for step in self.steps}


def read_graph(model: Any) -> LayerGraph:
    """Read a functional or built sequential model.

    Args:
        model: A Keras 3 or tf_keras model with a layer graph.

    Returns:
        The graph, nested models flattened. A nested layer keeps its name; where that is taken,
        the name of the nested model goes before it.

    Raises:
        ModelError: If ``model`` is no Keras model, is not built, or is subclassed.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="head")])
        >>> outer = keras.Sequential([keras.Input((4,)), inner, keras.layers.ReLU(name="relu")])
        >>> [step.name for step in read_graph(outer).steps]
        ['head', 'relu']
    """
    reader = _Reader(model)
    reader.read(model, path=(), training=None, trainable=True)
    graph = functional(model)
    return LayerGraph(
        name=str(model.name),
        flavour=flavour_of(model),
        inputs=map_tensors(_inputs_of(graph), reader.known),
        outputs=(outputs := map_tensors(_outputs_of(graph), reader.known)),
        input_layers=tuple(
            (reader.name_of(_layer_of(x), ()), _layer_of(x), reader.known(x)) for x in graph.inputs
        ),
        steps=_needed(reader.steps, tensors_in(outputs)),
        names=reader.names,
    )


def has_graph(layer: Any) -> bool:
    """Return whether a layer is a model whose layers can be walked."""
    return _functional_or_none(layer) is not None


def functional(model: Any) -> Any:
    """Return the functional model that holds the nodes, or say why there is none."""
    graph = _functional_or_none(model)
    if graph is not None:
        return graph
    name, kind = getattr(model, "name", "model"), type(model).__name__
    if flavour_of(model) and kind == "Sequential":
        raise ModelError(
            f"The Sequential model {name!r} is not built: its layers have no input shape, so "
            f"there is no graph to copy. Add an Input layer or call model.build(input_shape)."
        )
    raise ModelError(
        f"The model {name!r} is subclassed ({kind} defines its own call): Keras keeps no layer "
        f"graph of it, so it cannot be rebuilt layer by layer. Write it as a functional model, "
        f"tf.keras.Model(inputs, outputs), and copy the weights into that."
    )


def map_tensors(structure: Any, function: Callable[[Any], Any]) -> Any:
    """Return a copy of lists, tuples, dicts and slices with every tensor replaced."""
    if is_tensor(structure):
        return function(structure)
    if isinstance(structure, dict):
        return {key: map_tensors(value, function) for key, value in structure.items()}
    if isinstance(structure, tuple) and hasattr(structure, "_fields"):
        return type(structure)(*(map_tensors(value, function) for value in structure))
    if isinstance(structure, (list, tuple)):
        kind = tuple if isinstance(structure, tuple) else list
        return kind(map_tensors(value, function) for value in structure)
    if isinstance(structure, slice):
        parts = (structure.start, structure.stop, structure.step)
        return slice(*(map_tensors(part, function) for part in parts))
    return structure


def tensors_in(structure: Any) -> list[Any]:
    """Return the tensors of a structure in order; dict values by sorted key, as Keras does."""
    found: list[Any] = []
    ordered = dict(sorted(structure.items())) if isinstance(structure, dict) else structure
    map_tensors(ordered, found.append)
    return found


def is_tensor(value: Any) -> bool:
    """Return whether a value is an edge: a symbolic tensor of either Keras, or a Tensor."""
    if isinstance(value, Tensor):
        return True
    return any(kind.__name__ == "KerasTensor" for kind in type(value).__mro__)


class _Reader:
    """Collects the steps of a model and of the models nested in it."""

    def __init__(self, model: Any) -> None:
        """Give the layers of the outermost model the first right to their names."""
        self.steps: list[Step] = []
        self.names: dict[str, str] = {}
        self._tensors: dict[int, Tensor] = {}
        self._flat: dict[int, str] = {}
        self._taken: set[str] = set()
        self._count = itertools.count()
        self._casts: list[Cast] = []
        graph = functional(model)
        for layer in [_layer_of(x) for x in graph.inputs] + [node[0] for node in _nodes(graph)]:
            if not has_graph(layer):
                self.name_of(layer, ())

    def read(self, model: Any, path: tuple, training: bool | None, trainable: bool) -> None:
        """Append the calls of ``model``, whose inputs are known, or are its own at the top."""
        graph = functional(model)
        trainable = trainable and bool(model.trainable)
        for tensor in graph.inputs:
            if not path:
                self._add(tensor)
        for layer, args, kwargs, outputs in _nodes(graph):
            here = map_tensors(args, self.known), map_tensors(kwargs, self.known)
            if has_graph(layer):
                inner = (*path, str(layer.name))
                self._enter(layer, inner, *here, training, trainable, outputs)
            else:
                self._call(layer, path, *here, training, trainable, outputs)

    def name_of(self, layer: Any, path: tuple) -> str:
        """Return the flat name of a layer, settled at its first call."""
        if id(layer) not in self._flat:
            own = _valid_name(str(layer.name))
            name = own
            for outer in reversed(path):
                if name in self._taken:
                    name = f"{_valid_name(outer)}_{name}"
            number = 1
            base = name
            while name in self._taken:
                name, number = f"{base}_{number}", number + 1
            self._taken.add(name)
            self._flat[id(layer)] = name
        self.names.setdefault("/".join((*path, str(layer.name))), self._flat[id(layer)])
        return self._flat[id(layer)]

    def known(self, tensor: Any) -> Tensor:
        """Return the edge that a symbolic tensor stands for."""
        return self._tensors[id(tensor)]

    def _add(self, tensor: Any) -> Tensor:
        """Make a new edge for a symbolic tensor."""
        edge = Tensor(next(self._count), tuple(tensor.shape), _dtype_of(tensor))
        self._tensors[id(tensor)] = edge
        return edge

    def _call(self, layer, path, args, kwargs, training, trainable, outputs) -> None:
        """Append one call of a plain layer."""
        if training is not None and kwargs.get("training") is None and _takes_training(layer):
            kwargs["training"] = training
        own = trainable and bool(getattr(layer, "trainable", True))
        edges = tuple(self._add(tensor) for tensor in outputs)
        self.steps.append(Step(layer, self.name_of(layer, path), args, kwargs, edges, own))

    def _enter(self, model, path, args, kwargs, training, trainable, outputs) -> None:
        """Walk through a nested model with its inputs bound to what it is called on."""
        if tensors_in(kwargs.get("mask")):
            raise ModelError(
                f"The nested model {'/'.join(path)!r} is called with an explicit mask, which "
                f"cannot be kept when it is flattened. Let a Masking or Embedding layer make it."
            )
        if kwargs.get("training") is not None:
            training = bool(kwargs["training"])
        graph = functional(model)
        given = _matched(graph, [*args, *kwargs.get("inputs", ())], path)
        for inner, edge in zip(graph.inputs, given, strict=True):
            self._tensors[id(inner)] = self._conform(edge, inner, path)
        self.read(model, path, training, trainable)
        inside = [self.known(tensor) for tensor in graph.outputs]
        for tensor, edge in zip(outputs, inside, strict=True):
            self._tensors[id(tensor)] = edge

    def _conform(self, edge: Tensor, inner: Any, path: tuple) -> Tensor:
        """Return the edge as the nested model's input would take it in: cast where Keras casts."""
        dtype = _dtype_of(inner)
        if len(edge.shape) != len(inner.shape):
            raise ModelError(
                f"The nested model {'/'.join(path)!r} expects shape {tuple(inner.shape)} and is "
                f"called on {edge.shape}; Keras reshapes that silently. Put a Reshape before it."
            )
        if dtype == edge.dtype or ("float" in dtype and "float" in edge.dtype):
            return edge
        cast = Cast(f"{path[-1]}_cast", dtype)
        self._casts.append(cast)
        made = Tensor(next(self._count), edge.shape, dtype)
        name = self.name_of(cast, path[:-1])
        self.steps.append(Step(cast, name, (edge,), {}, (made,), trainable=True))
        return made


def _matched(graph: Any, args: list, path: tuple) -> list[Tensor]:
    """Return the arguments of a nested call in the order of the model's inputs."""
    given = args[0] if len(args) == 1 else args
    names = [_layer_of(tensor).name for tensor in graph.inputs]
    if isinstance(given, dict) and set(names) == set(given):
        return [given[name] for name in names]
    found = tensors_in(given)
    if len(found) != len(names):
        raise ModelError(
            f"The nested model {'/'.join(path)!r} has {len(names)} inputs and is called on "
            f"{len(found)} tensors. Call it on all of them."
        )
    return found


def _functional_or_none(model: Any) -> Any:
    """Return the object with nodes: the model itself, or what a Sequential holds inside."""
    kinds: dict[str, Any] = {kind.__name__: kind for kind in reversed(type(model).__mro__)}
    if "Functional" not in kinds and "Sequential" not in kinds:
        return None
    if "Sequential" in kinds and kinds["Sequential"].__module__.startswith("keras."):
        return model._functional if type(model).call is kinds["Sequential"].call else None
    base = kinds.get("Sequential", kinds.get("Functional"))
    own_call = getattr(type(model), "call", None) is getattr(base, "call", None)
    return model if own_call and getattr(model, "_nodes_by_depth", None) else None


def _nodes(graph: Any) -> Iterator[tuple[Any, tuple, dict, list]]:
    """Yield (layer, args, kwargs, outputs) of every call, inputs first."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if node.is_input:
                continue
            if hasattr(node, "operation"):
                args, kwargs = node.arguments.args, node.arguments.kwargs
                kwargs = _without_default_training(node.operation, kwargs)
                yield node.operation, args, _without_own_masks(args, kwargs), node.outputs
            else:
                outputs = tensors_in(node.outputs)
                yield node.layer, tuple(node.call_args), dict(node.call_kwargs), outputs


def _without_default_training(layer: Any, kwargs: dict) -> dict:
    """Leave out ``training`` where Keras 3 only wrote down the default of the layer's call.

    Kept, it would tell a Dropout of the copy never to drop, not even in ``fit``.
    """
    signature = getattr(layer, "_call_signature", None)
    parameter = signature.parameters.get("training") if signature else None
    if parameter is None or kwargs.get("training") is not parameter.default:
        return kwargs
    return {key: value for key, value in kwargs.items() if key != "training"}


def _without_own_masks(args: tuple, kwargs: dict) -> dict:
    """Leave out masks that Keras 3 took from the inputs by itself: tf_keras does so too."""
    carried = {
        id(getattr(tensor, "_keras_mask", None))
        for tensor in tensors_in((args, {k: v for k, v in kwargs.items() if "mask" not in k}))
    }
    own = {
        key
        for key, value in kwargs.items()
        if key.endswith("mask") and (found := tensors_in(value)) and _ids(found) <= carried
    }
    return {key: value for key, value in kwargs.items() if key not in own}


def _ids(tensors: list) -> set[int]:
    """Return the identities of tensors."""
    return {id(tensor) for tensor in tensors}


def _needed(steps: list[Step], outputs: list[Tensor]) -> tuple[Step, ...]:
    """Return the steps that the outputs depend on, in order."""
    wanted = set(outputs)
    kept = []
    for step in reversed(steps):
        if wanted.intersection(step.outputs):
            kept.append(step)
            wanted.update(tensors_in((step.args, step.kwargs)))
    return tuple(reversed(kept))


def _dtype_of(tensor: Any) -> str:
    """Return the dtype of a symbolic tensor as text."""
    return str(getattr(tensor.dtype, "name", tensor.dtype))


def _layer_of(tensor: Any) -> Any:
    """Return the layer that made a symbolic tensor."""
    return tensor._keras_history[0]


def _inputs_of(graph: Any) -> Any:
    """Return the inputs in the structure that the user gave."""
    return graph._inputs_struct if hasattr(graph, "_inputs_struct") else graph._nested_inputs


def _outputs_of(graph: Any) -> Any:
    """Return the outputs in the structure that the user gave."""
    return graph._outputs_struct if hasattr(graph, "_outputs_struct") else graph._nested_outputs


def _takes_training(layer: Any) -> bool:
    """Return whether a layer behaves differently in training."""
    if hasattr(layer, "_call_has_context_arg"):
        return bool(layer._call_has_context_arg.get("training", False))
    spec = getattr(layer, "_call_spec", None)
    return bool(spec is not None and spec.expects_training_arg)


def _valid_name(name: str) -> str:
    """Return a layer name that TensorFlow takes as a scope name."""
    name = re.sub(r"[^A-Za-z0-9_.\\/>-]", "_", name)
    return name if re.match(r"[A-Za-z0-9.]", name) else f"layer{name}"


def static_size(shape: tuple) -> int | None:
    """Return the number of values of one sample, or None if a dimension is open."""
    dims = shape[1:]
    return None if any(dim is None for dim in dims) else math.prod(dims)
