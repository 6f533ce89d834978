"""A plan, carried out: the model rebuilt with wrappers around its layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfedge.compress.quantization.plan import Plan, Treatment
from tfedge.compress.quantization.preserve import Kept
from tfedge.compress.quantization.rules import CONSTANTS, KERNELS, kind_of
from tfedge.compress.quantization.settings import QuantizeSettings, origin_of
from tfedge.core.errors import ArgumentError
from tfedge.models.adopt import adopt
from tfedge.models.clone import clone
from tfedge.models.flavours import tf_keras
from tfedge.models.graph import map_tensors, read_graph, tensors_in
from tfedge.models.training.activation_range import ALL_VALUES, Range
from tfedge.models.training.kernel_scheme import KernelScheme
from tfedge.models.training.quantized import Quantized, QuantizeLayer
from tfedge.models.weights import copy_weights, finalize, weight_pairs

_ONE_GRID = (
    "layers asks for per_channel in {0!r}, whose weights share their values over all channels: "
    "with a range for each channel one value would become several. Leave per_channel out for it, "
    "or do not preserve the clusters."
)


class Wrapping:
    """Rebuilds a model with fake quantization.

    Args:
        model: A plain functional tf_keras model, whose layers go into the wrappers.
        plan: What is done about each layer.
        settings: How, by the name that a layer had before it was lowered.
        kept: What of the kernels' structure is kept, likewise.
        freeze_batch_norm_after: Number of training steps after which normalizations use their
            moving statistics; None for never.
    """

    def __init__(
        self,
        model: Any,
        plan: Plan,
        settings: Mapping[str, QuantizeSettings],
        kept: Mapping[str, Kept],
        freeze_batch_norm_after: int | None,
    ) -> None:
        self._model, self._plan, self._settings, self._kept = model, plan, settings, kept
        self._norm_steps = freeze_batch_norm_after
        self._graph = read_graph(model)
        self._layers: dict[str, Any] = {}
        self._copied: list[tuple[Any, Any]] = []
        self._edges: dict[Any, Any] = {}

    def rebuilt(self) -> Any:
        """Return the new model."""
        for name, layer, tensor in self._graph.input_layers:
            self._add(tensor, _input(name, layer), name)
        for step in self._graph.steps:
            args, kwargs = (map_tensors(part, self._read) for part in (step.args, step.kwargs))
            made = tensors_in(self._layer(step)(*args, **kwargs))
            for number, (tensor, value) in enumerate(zip(step.outputs, made, strict=True)):
                self._add(tensor, value, f"{step.name}_{number}" if number else step.name)
        inputs = [self._edges[tensor][0] for _, _, tensor in self._graph.input_layers]
        outputs = map_tensors(self._graph.outputs, lambda tensor: self._edges[tensor][0])
        model = tf_keras().Model(self._inputs(inputs), outputs, name=self._graph.name)
        for layer, copy in self._copied:
            copy_weights(weight_pairs(layer, copy))
            finalize(copy, like=layer)
        return model

    def _inputs(self, inputs: list[Any]) -> Any:
        """Return the inputs in the structure of the model."""
        places = iter(inputs)
        return map_tensors(self._graph.inputs, lambda _: next(places))

    def _add(self, tensor: Any, value: Any, name: str) -> None:
        """Keep what an edge has become: as it is, and rounded for quantized layers."""
        rounded = value
        if self._plan.needs_range(tensor):
            is_input = any(tensor is one for _, _, one in self._graph.input_layers)
            settings = self._setting(name)
            one = Range(ALL_VALUES) if is_input else settings.range_of()
            rounded = QuantizeLayer(one, name=f"{name}_range")(value)
        self._edges[tensor] = (value, rounded)

    def _read(self, tensor: Any) -> Any:
        """Return the tensor that goes into a layer."""
        return self._edges[tensor][1]

    def _layer(self, step: Any) -> Any:
        """Return what is called in place of a layer."""
        if step.name not in self._layers:
            treatment = self._plan[step.name]
            made = self._fresh(step) if treatment.reason else self._wrapped(step, treatment)
            self._layers[step.name] = made
        return self._layers[step.name]

    def _fresh(self, step: Any) -> Any:
        """Return a copy of a layer in float, which belongs to no other graph."""
        copy = clone(step.layer, adopt)
        copy._name = step.name
        copy.trainable = step.layer.trainable
        self._copied.append((step.layer, copy))
        return copy

    def _wrapped(self, step: Any, treatment: Treatment) -> Any:
        """Return a layer in its wrapper."""
        settings = self._setting(step.name)
        is_norm = kind_of(step.layer) == "BatchNormalization"
        return Quantized(
            step.layer,
            kernels=self._kernels(step.layer, settings),
            before=settings.range_of() if treatment.before else None,
            output=settings.range_of(treatment.fixed) if treatment.output else None,
            freeze_after=self._norm_steps if is_norm else None,
        )

    def _kernels(self, layer: Any, settings: QuantizeSettings) -> list[KernelScheme]:
        """Return how the kernel of a layer is quantized, if it has one."""
        if kind_of(layer) not in KERNELS:
            return []
        path, axes = KERNELS[kind_of(layer)]
        rank = len(getattr(layer, path).shape)
        kept = self._kept.get(layer.name, Kept())
        if settings.per_channel and not axes:
            axes = (rank - 1,)
        one_grid = kept.clusters is not None and kept.cluster_axis is None
        if settings.per_channel and one_grid:
            raise ArgumentError(_ONE_GRID.format(layer.name))
        common = bool(axes) and (one_grid or settings.per_channel is False)
        axis = None if kept.cluster_axis is None else kept.cluster_axis % rank
        bits = settings.weight_bits or 8
        constant = kind_of(layer) in CONSTANTS
        return [KernelScheme(path, axes, bits, common, kept.zeros, kept.clusters, axis, constant)]

    def _setting(self, name: str) -> QuantizeSettings:
        """Return the settings of a layer, or of the one from which it was lowered."""
        origin = origin_of(name, self._settings)
        return self._settings[origin] if origin else QuantizeSettings()


def _input(name: str, layer: Any) -> Any:
    """Return a new symbolic input like that of a tf_keras model."""
    config = layer.get_config()
    shape = config["batch_input_shape"]
    return tf_keras().Input(shape[1:], batch_size=shape[0], dtype=config["dtype"], name=name)
