"""The layer graph of a Keras model as plain data: nested models flattened, names settled.

Both Kerases are read into the same records, so that what copies, counts or releases a model
walks one kind of graph. Nothing is built and nothing of the user's model is touched.
"""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.models.edges import Tensor, map_tensors, tensors_in
from tfedge.models.flavours import TF_KERAS, flavour_of
from tfedge.models.names import Names
from tfedge.models.nodes import (
    dtype_of,
    functional,
    has_graph,
    inputs_of,
    layer_of,
    nodes_of,
    outputs_of,
    shape_of,
    takes_training,
)


@dataclasses.dataclass(frozen=True, eq=False)
class Cast:
    """A conversion that Keras makes silently where a nested model takes another dtype."""

    name: str
    dtype: str


@dataclasses.dataclass(frozen=True)
class Step:
    """One call of a layer: arguments hold :class:`Tensor` where tensors go in.

    ``key`` is the identity of the first tensor that the call made in the user's model; a call in
    a nested model that is used twice is two steps with one key.
    """

    layer: Any
    name: str
    args: tuple
    kwargs: dict[str, Any]
    outputs: tuple[Tensor, ...]
    trainable: bool
    key: int | None = None


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
        entries: ``(nested model, what it is called on)`` of every call of a nested model.
    """

    name: str
    flavour: str
    inputs: Any
    outputs: Any
    input_layers: tuple[tuple[str, Any, Tensor], ...]
    steps: tuple[Step, ...]
    names: dict[str, str]
    entries: tuple[tuple[Any, tuple[Tensor, ...]], ...] = ()

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
        inputs=map_tensors(inputs_of(graph), reader.known),
        outputs=(outputs := map_tensors(outputs_of(graph), reader.known)),
        input_layers=tuple(
            (reader.names.of(layer_of(x), ()), layer_of(x), reader.known(x)) for x in graph.inputs
        ),
        steps=_needed(reader.steps, tensors_in(outputs)),
        names=reader.names.paths,
        entries=tuple(reader.entries),
    )


def name_map(model: Any) -> dict[str, str]:
    """Return what each layer of a model is called after adoption.

    Args:
        model: A Keras 3 or tf_keras model with a layer graph.

    Returns:
        ``{"outer/inner": flat name}`` for every layer; inputs and operations too.

    Raises:
        ModelError: As :func:`read_graph`.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="d")])
        >>> inner.name = "base"
        >>> outer = keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(2, name="d")])
        >>> {path: name for path, name in name_map(outer).items() if path.endswith("d")}
        {'d': 'd', 'base/d': 'base_d'}
    """
    return read_graph(model).names


class _Reader:
    """Collects the steps of a model and of the models nested in it."""

    def __init__(self, model: Any) -> None:
        """Give the layers of the outermost model the first right to their names."""
        self.steps: list[Step] = []
        self.entries: list[tuple[Any, tuple[Tensor, ...]]] = []
        self.names = Names()
        self._tensors: dict[int, Tensor] = {}
        self._count = itertools.count()
        graph = functional(model)
        for layer in [layer_of(x) for x in graph.inputs] + [node[0] for node in nodes_of(graph)]:
            if not has_graph(layer):
                self.names.of(layer, ())

    def read(self, model: Any, path: tuple, training: bool | None, trainable: bool) -> None:
        """Append the calls of ``model``, whose inputs are known, or are its own at the top."""
        graph = functional(model)
        if not path or flavour_of(model) == TF_KERAS:  # Keras 3 asks each variable instead
            trainable = trainable and bool(model.trainable)
        for tensor in graph.inputs:
            if not path:
                self._add(tensor)
        for layer, args, kwargs, outputs in nodes_of(graph):
            here = map_tensors(args, self.known), map_tensors(kwargs, self.known)
            if has_graph(layer):
                inner = (*path, str(layer.name))
                self._enter(layer, inner, *here, training, trainable, outputs)
            else:
                self._call(layer, path, *here, training, trainable, outputs)

    def known(self, tensor: Any) -> Tensor:
        """Return the edge that a symbolic tensor stands for."""
        return self._tensors[id(tensor)]

    def _add(self, tensor: Any) -> Tensor:
        """Make a new edge for a symbolic tensor."""
        edge = Tensor(next(self._count), shape_of(tensor), dtype_of(tensor))
        self._tensors[id(tensor)] = edge
        return edge

    def _call(self, layer, path, args, kwargs, training, trainable, outputs) -> None:
        """Append one call of a plain layer."""
        if training is not None and kwargs.get("training") is None and takes_training(layer):
            kwargs["training"] = training
        own = trainable and bool(getattr(layer, "trainable", True))
        edges = tuple(self._add(tensor) for tensor in outputs)
        name, key = self.names.of(layer, path), id(outputs[0]) if outputs else None
        self.steps.append(Step(layer, name, args, kwargs, edges, own, key))

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
        bound = [
            self._conform(e, inner, path) for e, inner in zip(given, graph.inputs, strict=True)
        ]
        self.entries.append((model, tuple(bound)))
        self._tensors.update({id(t): edge for t, edge in zip(graph.inputs, bound, strict=True)})
        self.read(model, path, training, trainable)
        inside = [self.known(tensor) for tensor in graph.outputs]
        for tensor, edge in zip(outputs, inside, strict=True):
            self._tensors[id(tensor)] = edge

    def _conform(self, edge: Tensor, inner: Any, path: tuple) -> Tensor:
        """Return the edge as the nested model's input would take it in: cast where Keras casts."""
        dtype = dtype_of(inner)
        if len(edge.shape) != len(inner.shape):
            raise ModelError(
                f"The nested model {'/'.join(path)!r} expects shape {tuple(inner.shape)} and is "
                f"called on {edge.shape}; Keras reshapes that silently. Put a Reshape before it."
            )
        if dtype == edge.dtype or ("float" in dtype and "float" in edge.dtype):
            return edge
        cast = Cast(f"{path[-1]}_cast", dtype)
        made = Tensor(next(self._count), edge.shape, dtype)
        name = self.names.of(cast, path[:-1])
        self.steps.append(Step(cast, name, (edge,), {}, (made,), trainable=True))
        return made


def _matched(graph: Any, args: list, path: tuple) -> list[Tensor]:
    """Return the arguments of a nested call in the order of the model's inputs."""
    given = args[0] if len(args) == 1 else args
    names = [layer_of(tensor).name for tensor in graph.inputs]
    if isinstance(given, dict) and set(names) == set(given):
        return [given[name] for name in names]
    found = tensors_in(given)
    if len(found) != len(names):
        raise ModelError(
            f"The nested model {'/'.join(path)!r} has {len(names)} inputs and is called on "
            f"{len(found)} tensors. Call it on all of them."
        )
    return found


def _needed(steps: list[Step], outputs: list[Tensor]) -> tuple[Step, ...]:
    """Return the steps that the outputs depend on, in order."""
    wanted = set(outputs)
    kept = []
    for step in reversed(steps):
        if wanted.intersection(step.outputs):
            kept.append(step)
            wanted.update(tensors_in((step.args, step.kwargs)))
    return tuple(reversed(kept))
