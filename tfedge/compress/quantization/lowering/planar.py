"""Convolutions along one axis, brought to where int8 knows them: the plane.

An int8 file has no one-dimensional convolution: TensorFlow Lite itself computes ``Conv1D`` as a
``Conv2D`` of height one. tfmot quantizes ``Conv2D`` only. So a stack of one-dimensional layers
is lifted to the plane as a whole, its kernels and normalizations fold as usual, and its
tensors get ranges.

Two more go there, from vectors and series alike: a Dense layer before a BatchNormalization, which
only a convolution can take in, and what scales each channel (:mod:`.affine`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from tfedge.compress.quantization.lowering.affine import SCALINGS
from tfedge.compress.quantization.lowering.twins import CONVOLUTIONS, POOLING, has_twin, twin_of
from tfedge.compress.quantization.plan import Plan
from tfedge.models.flavours import tf_keras
from tfedge.models.graph import map_tensors, read_graph, tensors_in


def lift_to_plane(model: Any, leave: Collection[str] = ()) -> Any:
    """Return a model whose one-dimensional convolutions are two-dimensional ones.

    Args:
        model: A functional tf_keras model that belongs to the caller.
        leave: Names of layers to leave as they are.

    Returns:
        The model rebuilt, with the same names, inputs and outputs; or ``model`` itself if it
        has nothing to lift. Layers that are used more than once, that get a mask, or that
        have kernel constraints stay as they are.

    Example:
        >>> keras = tf_keras()
        >>> inputs = keras.Input((8, 3))
        >>> x = keras.layers.Conv1D(4, 3, name="conv")(inputs)
        >>> model = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(x))
        >>> [type(layer).__name__ for layer in lift_to_plane(model).layers][1:]
        ['Reshape', 'Conv2D', 'GlobalAveragePooling2D']
    """
    lift = _Lift(model, leave)
    return lift.rebuilt() if lift.has_work() else model


class _Lift:
    """Replays a graph, each tensor flat or in the plane as its consumers need it."""

    def __init__(self, model: Any, leave: Collection[str]) -> None:
        """Read the graph and bind the inputs."""
        self._model = model
        self._leave = leave
        self._graph = read_graph(model)
        self._uses = Counter(step.name for step in self._graph.steps)
        self._ends = set(tensors_in(self._graph.outputs))
        self._starts = _starts(Plan(model, dict.fromkeys(leave, "left")), set(leave))
        ends = (tensor for _, _, tensor in self._graph.input_layers)
        self._flat: dict[Any, Any] = dict(zip(ends, model.inputs, strict=True))
        self._plane: dict[Any, Any] = {}
        self._names: dict[Any, str] = {}

    def has_work(self) -> bool:
        """Return whether there is a layer to lift."""
        return bool(self._starts)

    def rebuilt(self) -> Any:
        """Return the new model."""
        for step in self._graph.steps:
            if self._is_lifted(step):
                self._call_in_plane(step)
            else:
                self._call_flat(step)
        inputs, outputs = (
            map_tensors(part, self._as_flat) for part in (self._graph.inputs, self._graph.outputs)
        )
        return tf_keras().Model(inputs, outputs, name=self._model.name)

    def _is_lifted(self, step: Any) -> bool:
        """Return whether a step is computed in the plane."""
        if step.name in self._leave or self._uses[step.name] > 1 or not has_twin(step.layer):
            return False
        kind, inputs = type(step.layer).__name__, tensors_in(step.args)
        if step.name in self._starts:
            return getattr(self._as_flat(inputs[0]), "_keras_mask", None) is None
        ends = kind not in POOLING and not self._ends.isdisjoint(step.outputs)
        return not ends and all(tensor in self._plane for tensor in inputs)

    def _call_in_plane(self, step: Any) -> None:
        """Call the twin of a step's layer on planar tensors."""
        (out,) = step.outputs
        pooled = type(step.layer).__name__ in POOLING
        last = out in self._ends and not pooled
        self._names[out] = step.name if last else f"{step.name}_flat"
        made = map_tensors(step.args[0], self._as_plane)
        for layer in twin_of(step.layer, f"{step.name}_plane" if last else step.name):
            made = layer(made)
        (self._flat if pooled else self._plane)[out] = made

    def _call_flat(self, step: Any) -> None:
        """Call a step's own layer."""
        args, kwargs = (map_tensors(part, self._as_flat) for part in (step.args, step.kwargs))
        made = step.layer(*args, **kwargs)
        flat = made if isinstance(made, (list, tuple)) else [made]
        self._flat.update(zip(step.outputs, flat, strict=True))

    def _as_flat(self, tensor: Any) -> Any:
        """Return a tensor of shape (samples, length, channels) or (samples, channels)."""
        if tensor not in self._flat:
            made = self._plane[tensor]
            shape = (-1, made.shape[-1])[len(tensor.shape) == 2 :]
            self._flat[tensor] = tf_keras().layers.Reshape(shape, name=self._names[tensor])(made)
        return self._flat[tensor]

    def _as_plane(self, tensor: Any) -> Any:
        """Return a tensor of shape (samples, 1, length, channels), reshaped once."""
        if tensor not in self._plane:
            made = self._flat[tensor]
            name = f"{made._keras_history.layer.name}_plane"
            reshape = tf_keras().layers.Reshape((1, -1, made.shape[-1]), name=name)
            self._plane[tensor] = reshape(made)
        return self._plane[tensor]


def _starts(plan: Plan, leave: set[str]) -> set[str]:
    """Return the names of the layers that are lifted; others only follow them."""
    return {
        step.name
        for step in plan.steps
        if step.name not in leave and len(step.outputs[0].shape) < 4 and _starts_here(step, plan)
    }


def _starts_here(step: Any, plan: Plan) -> bool:
    """Return whether a layer is better off in the plane."""
    kind, after = type(step.layer).__name__, plan.follower(step)
    if not has_twin(step.layer):
        return False
    if kind == "Dense":
        linear = step.layer.activation.__name__ == "linear"
        return linear and after is not None and type(after.layer).__name__ == "BatchNormalization"
    return kind in CONVOLUTIONS | SCALINGS | {"BatchNormalization"}
