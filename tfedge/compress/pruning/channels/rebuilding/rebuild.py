"""The same model with fewer channels: layers made anew, called as before, nested as before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tfedge.compress.pruning.channels.dependency.trace import Trace
from tfedge.compress.pruning.channels.rebuilding.kept import Kept
from tfedge.compress.pruning.channels.rebuilding.remake import remake
from tfedge.models.edges import Tensor, map_tensors, tensors_in
from tfedge.models.flavours import KERAS3, flavour_of, keras3, tf_keras
from tfedge.models.layers import class_names
from tfedge.models.nodes import (
    functional,
    has_graph,
    inputs_of,
    layer_of,
    nodes_of,
    outputs_of,
    shape_of,
)


class Rebuilt:
    """A new model, and which of its layers stands for which of the old one.

    Args:
        model: The model to rebuild; it is not touched.
        trace: What is known about its channels.
        kept: Which channels stay.
    """

    def __init__(self, model: Any, trace: Trace, kept: Kept) -> None:
        self._trace, self._kept = trace, kept
        self._entries: dict[int, tuple[Tensor, ...]] = {}
        for nested, tensors in trace.graph.entries:
            self._entries.setdefault(id(nested), tensors)
        self.pairs: list[tuple[Any, Any]] = []
        self._made: dict[int, Any] = {}
        self.model = self._copy(model)
        self._train_alike()

    def _copy(self, layer: Any) -> Any:
        """Return the new layer or model for an old one, the same for the same."""
        if id(layer) not in self._made:
            made = self._model(layer) if has_graph(layer) else self._layer(layer)
            self._made[id(layer)] = made
            self.pairs.append((layer, made))
        return self._made[id(layer)]

    def _layer(self, layer: Any) -> Any:
        """Make a layer with the settings that the channels that stay ask for."""
        edits = self._trace.edits.get(id(layer), ())
        return remake(layer, edits, self._kept, self._copy)

    def _model(self, model: Any) -> Any:
        """Make a model of the same kind."""
        if "Sequential" in class_names(model):
            return self._sequential(model)
        graph = functional(model)
        tensors = self._inputs(model, graph)
        for layer, args, kwargs, outputs in nodes_of(graph):
            args, kwargs = self._arguments(args, kwargs, outputs, tensors)
            made = self._copy(layer)(*args, **kwargs)
            tensors.update(zip(map(id, outputs), tensors_in(made), strict=True))
        inputs, outputs = (
            map_tensors(part, lambda tensor: tensors[id(tensor)])
            for part in (inputs_of(graph), outputs_of(graph))
        )
        return _constructor(model)(inputs=inputs, outputs=outputs, name=model.name)

    def _sequential(self, model: Any) -> Any:
        """Make a sequential model, its input first."""
        tensors = self._inputs(model, functional(model))
        first = [layer_of(tensor) for tensor in tensors.values()]
        kind = _keras_of(model).Sequential
        own = type(model) if type(model).__init__ is kind.__init__ else kind
        return own([*first, *map(self._copy, model.layers)], name=model.name)

    def _inputs(self, model: Any, graph: Any) -> dict[int, Any]:
        """Return the new input tensor for each old one, with the width that is left."""
        bound = self._entries.get(id(model), (None,) * len(graph.inputs))
        tensors = {}
        for old, edge in zip(graph.inputs, bound, strict=True):
            ids = None if edge is None else self._trace.ids(edge)
            layer = layer_of(old)
            config = layer.get_config()
            key = "batch_shape" if "batch_shape" in config else "batch_input_shape"
            config[key] = self._kept.shape(ids, shape_of(old))
            tensors[id(old)] = type(layer).from_config(config).output
        return tensors

    def _arguments(self, args: tuple, kwargs: dict, outputs: list, tensors: dict) -> tuple:
        """Return the arguments of a call, in terms of the new tensors."""
        given: dict[int | str, Any] = {**dict(enumerate(args)), **kwargs}
        for (where,), value in self._trace.call_edits.get(id(outputs[0]), ()):
            given[where] = value(self._kept, given[where])
        new = map_tensors(given, lambda tensor: tensors[id(tensor)])
        return [new[place] for place in range(len(args))], {k: new[k] for k in kwargs}

    def _train_alike(self) -> None:
        """Freeze what was frozen, from the outermost model inwards."""
        for old, new in reversed(self.pairs):
            if hasattr(old, "trainable") and old.trainable != new.trainable:
                new.trainable = old.trainable


def _keras_of(model: Any) -> Any:
    """Return the Keras that a model belongs to."""
    return keras3() if flavour_of(model) == KERAS3 else tf_keras()


def _constructor(model: Any) -> Callable[..., Any]:
    """Return the class of a model if it is made as Keras makes its own, else plain Model."""
    kind = type(model)
    home = next(base for base in kind.__mro__ if "__init__" in vars(base))
    own = home.__module__.split(".")[0] in ("keras", "tf_keras")
    return kind if own else _keras_of(model).Model
