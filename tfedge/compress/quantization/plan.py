"""Which layer is fake-quantized how: kernels, and where tensors between layers are rounded."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from tfedge.compress.quantization.rules import (
    ACTIVATIONS,
    FOLDS_NORMALIZATION,
    FOLLOWS,
    FUSES_RELU,
    KERNELS,
    RANGED,
    is_fused_relu,
    kind_of,
    layer_rounding,
)
from tfedge.models.graph import read_graph, tensors_in
from tfedge.models.layers import class_names


@dataclasses.dataclass(frozen=True)
class Treatment:
    """What is done about one layer.

    Attributes:
        reason: Why it stays in float; empty if it does not.
        before: Whether what goes into its activation is rounded.
        output: Whether its output is rounded.
        fixed: The range of its output, where the int8 kernel insists on one.
    """

    reason: str = ""
    before: bool = False
    output: bool = False
    fixed: tuple[float, float] | None = None


class Plan:
    """The treatment of every layer of a model.

    Args:
        model: A plain functional tf_keras model.
        floats: Why layers are to stay in float, by name.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> x = keras.layers.Dense(3, name="hidden")(inputs)
        >>> x = keras.layers.ReLU(name="relu")(x)
        >>> plan = Plan(keras.Model(inputs, keras.layers.LayerNormalization(name="norm")(x)))
        >>> plan["hidden"].output, plan["relu"].output, plan.reasons
        (False, True, {'norm': 'LiteRT has no operator for LayerNormalization, only several'})
    """

    def __init__(self, model: Any, floats: Mapping[str, str] | None = None) -> None:
        graph = read_graph(model)
        self.steps = graph.steps
        self._uses = Counter(step.name for step in graph.steps)
        self._layers = graph.layers()
        self._ends = set(tensors_in(graph.outputs))
        self._makers = {out: step for step in graph.steps for out in step.outputs}
        self._consumers: dict[Any, list[Any]] = defaultdict(list)
        for step in graph.steps:
            for tensor in tensors_in((step.args, step.kwargs)):
                self._consumers[tensor].append(step)
        reasons = {name: self._reason(name) for name in self._layers}
        self._floats = {name: why for name, why in reasons.items() if why} | dict(floats or {})
        for step in self.steps:
            if step.name not in self._floats and (why := self._reason_not_folded(step)):
                self._floats[step.name] = why
        self._treatments = {step.name: self._treatment(step) for step in self.steps}

    def __getitem__(self, name: str) -> Treatment:
        """Return the treatment of a layer."""
        return self._treatments[name]

    @property
    def reasons(self) -> dict[str, str]:
        """Why each layer in float is, by name, in the order of the layers."""
        return {name: one.reason for name, one in self._treatments.items() if one.reason}

    def needs_range(self, tensor: Any) -> bool:
        """Return whether a tensor that no quantized layer made goes into one."""
        maker = self._makers.get(tensor)
        made_in_float = maker is None or maker.name in self._floats
        if maker is not None and _is_recurrent(maker.layer):
            return False  # states share the range of the output, and only the converter sees them
        users = [step.name for step in self._consumers[tensor]]
        used = any(name not in self._floats for name in users)
        return made_in_float and used and _is_float(tensor)

    def uses(self, name: str) -> int:
        """Return how often a layer is called."""
        return self._uses[name]

    def follower(self, step: Any) -> Any:
        """Return the only user of what a step makes, None if there are several or it is shared."""
        users = [user for out in step.outputs for user in self._consumers[out]]
        is_end = any(out in self._ends for out in step.outputs)
        if len(users) != 1 or is_end or self._uses[step.name] > 1:
            return None
        return users[0] if self._uses[users[0].name] == 1 else None

    def _reason(self, name: str) -> str:
        """Return why a layer on its own cannot be quantized, empty if it can."""
        layer = self._layers[name]
        kind = kind_of(layer)
        if kind == "BatchNormalization" or kind in FOLLOWS:
            return ""
        if kind not in KERNELS and kind not in RANGED and kind not in ACTIVATIONS:
            return _why_not(layer)
        if getattr(layer, "data_format", "channels_last") == "channels_first":
            return "LiteRT computes with channels last"
        if layer_rounding(layer) is None:
            function = getattr(layer, "activation", None)
            return f"LiteRT has no integer operator for {_title(function or layer)}"
        steps = [step for step in self.steps if step.name == name]
        dtypes = {one.dtype for step in steps for one in step.outputs}
        return "" if all("float" in one for one in dtypes) else f"it makes {dtypes.pop()}"

    def _reason_not_folded(self, step: Any) -> str:
        """Return why a normalization is not taken in by the layer before it, empty if it is."""
        if kind_of(step.layer) != "BatchNormalization":
            return ""
        before = self._makers.get(tensors_in(step.args)[0])
        folds = before is not None and kind_of(before.layer) in FOLDS_NORMALIZATION
        if before is None or not folds or before.name in self._floats:
            return "no quantized convolution is directly before it"
        linear = getattr(before.layer.activation, "__name__", "") == "linear"
        if not linear or self.follower(before) is not step:
            return f"{before.name} before it has an activation or is used elsewhere too"
        return ""

    def _treatment(self, step: Any) -> Treatment:
        """Return what is done about a layer."""
        kind = kind_of(step.layer)
        if step.name in self._floats:
            return Treatment(reason=self._floats[step.name])
        if kind in FOLLOWS or kind == "Embedding":
            return Treatment()
        rounding = layer_rounding(step.layer)
        if rounding is None or not rounding.fused:
            fixed = None if rounding is None else rounding.fixed
            output = fixed is not None or not self._goes_into_concatenate(step)
            return Treatment(before=kind in KERNELS, output=output, fixed=fixed)
        return Treatment(output=not self._is_rounded_later(step))

    def _goes_into_concatenate(self, step: Any) -> bool:
        """Return whether only a Concatenate uses a tensor: the file gives both one range."""
        after = self.follower(step)
        used = after is not None and after.name not in self._floats
        return used and kind_of(after.layer) == "Concatenate"

    def _is_rounded_later(self, step: Any) -> bool:
        """Return whether the next layer belongs to the same int8 operator, or shares its range."""
        after = self.follower(step)
        if after is None or after.name in self._floats:
            return False
        kind, next_kind = kind_of(step.layer), kind_of(after.layer)
        plain = getattr(getattr(step.layer, "activation", None), "__name__", "linear") == "linear"
        if next_kind == "BatchNormalization":
            return kind in FOLDS_NORMALIZATION
        if is_fused_relu(after.layer):
            return kind in FUSES_RELU and plain
        return next_kind == "Concatenate"


def _why_not(layer: Any) -> str:
    """Return why a layer that is not in the table stays in float."""
    kind = type(layer).__name__
    if kind == "Operation":
        return f"LiteRT's operator for {layer.function.rpartition(':')[2]} is not known here"
    if _is_recurrent(layer):
        return f"the converter builds {kind} from operators that it quantizes itself"
    return f"LiteRT has no operator for {kind}, only several"


def _is_recurrent(layer: Any) -> bool:
    """Return whether a layer loops over timesteps."""
    return not {"RNN", "Bidirectional"}.isdisjoint(class_names(layer))


def _title(activation: Any) -> str:
    """Return the name of an activation function, or the class of a layer."""
    return getattr(activation, "__name__", type(activation).__name__)


def _is_float(tensor: Any) -> bool:
    """Return whether an edge of a graph holds floats."""
    return "float" in tensor.dtype
