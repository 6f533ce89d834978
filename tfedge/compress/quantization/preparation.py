"""A model on its way to fake quantization: plain, lowered, with what is to be done to it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tfedge.compress.quantization.apply import Wrapping
from tfedge.compress.quantization.lowering.lower import lowered
from tfedge.compress.quantization.plan import Plan
from tfedge.compress.quantization.preserve import Kept, centroids_of, what_to_keep
from tfedge.compress.quantization.settings import QuantizeSettings, origin_of, settle
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.adopt import adopt
from tfedge.models.selection import select
from tfedge.models.strip import has_wrappers, strip
from tfedge.models.training.trainable import TrainableModel, trainable
from tfedge.models.wrappers import is_quantized

EXCLUDED = "left out by exclude"


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A float model that computes as the user's, and how it is to be quantized.

    Attributes:
        model: A functional tf_keras model of layers that an int8 file holds, the caller's own.
        settings: Settings of layers, by the name that they had before they were lowered.
        excluded: Names of layers to leave in float.
        kept: What of the kernels' structure is kept, by name of their layer.
    """

    model: Any
    settings: Mapping[str, QuantizeSettings]
    excluded: frozenset[str]
    kept: Mapping[str, Kept]

    def wrapped(
        self, *, strict: bool = False, freeze_batch_norm_after: int | None = None
    ) -> TrainableModel:
        """Return the model with fake quantization around the same layers, ranges not yet set.

        Raises:
            ModelError: If no layer can be quantized, or with ``strict`` one cannot.
        """
        plan = Plan(self.model, dict.fromkeys(self.excluded, EXCLUDED))
        _check(plan, self.model, strict)
        wrapping = Wrapping(self.model, plan, self.settings, self.kept, freeze_batch_norm_after)
        qat = trainable(wrapping.rebuilt())
        _start(qat, self.kept)
        return qat


def prepared(
    model: Any, *, preserve: Any, exclude: Any, layers: Any, default: QuantizeSettings
) -> Prepared:
    """Return a copy of a model, ready to be wrapped.

    Args:
        model: A Keras model of either flavour, or the path of one, pruned or clustered or not.
        preserve: As :func:`tfedge.quantize` takes it.
        exclude: Likewise.
        layers: Likewise; None for none.
        default: Settings that hold for all layers.

    Raises:
        ArgumentError: If a choice matches no layer, or settings are unknown or contradictory.
        ModelError: If the model is quantized already.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> model = keras3().Sequential([layers.Input((4,)), layers.Dense(2, "selu", name="a")])
        >>> plain = {"preserve": None, "exclude": (), "layers": None}
        >>> made = prepared(model, **plain, default=QuantizeSettings()).model
        >>> [layer.name for layer in made.layers[1:]]
        ['a_linear', 'a']
    """
    wrapped = _adopted(model)
    plain = strip(wrapped) if has_wrappers(wrapped) else wrapped
    excluded = select(plain, exclude, "exclude")
    settings = settle(plain, layers or {}, excluded, default)
    made = lowered(plain, leave=excluded)
    if layers:
        _check_heeded(layers, plain, Plan(made, dict.fromkeys(excluded, EXCLUDED)))
    return Prepared(made, settings, frozenset(excluded), what_to_keep(preserve, wrapped, made))


def _adopted(model: Any) -> Any:
    """Return a copy of the model, wrappers included."""
    copy = adopt(getattr(model, "student", model))
    if is_quantized(copy):
        raise ModelError(
            f"{copy.name!r} is quantized already: fake quantization of fake quantization has no "
            f"int8 file. Go on with fit, or quantize the float model again."
        )
    return copy


def _check_heeded(layers: Mapping[Any, Any], model: Any, plan: Plan) -> None:
    """Raise if settings are given to layers none of which is quantized."""
    for choice in layers:
        names = select(model, choice, "layers")
        steps = [step.name for step in plan.steps if origin_of(step.name, names)]
        reasons = [plan.reasons.get(name) for name in steps]
        if steps and all(reasons):
            raise ArgumentError(
                f"layers[{choice!r}] has settings for {steps[0]!r}, which stays in float: "
                f"{reasons[0]}. None of them would be heeded: take them out."
            )


def _check(plan: Plan, model: Any, strict: bool) -> None:
    """Raise if nothing can be quantized, or if not all can that must."""
    reasons = plan.reasons
    if all(step.name in reasons for step in plan.steps):
        raise ModelError(
            f"{model.name!r} has no layer that can be quantized: {len(reasons)} layers are left "
            f"out or have no integer operator. Convert it after training instead: "
            f"tfedge.convert(model, quantize='int8', calibration=...)."
        )
    left = {name: why for name, why in reasons.items() if why != EXCLUDED}
    if strict and left:
        lines = "\n".join(f"  {name}: {why}" for name, why in left.items())
        raise ModelError(
            f"strict=True: {len(left)} layers of {model.name!r} would stay in float:\n{lines}\n"
            f"An integer-only accelerator could not train with what it will compute. Replace "
            f"them, name them in exclude, or leave strict out."
        )


def _start(qat: Any, kept: Mapping[str, Any]) -> None:
    """Set masks, shared values and kernel ranges from the kernels."""
    for layer in qat.layers:
        for kernel, scheme, state in getattr(layer, "_weight_vars", ()):
            if scheme.clusters is not None:
                state["centroids"].assign(centroids_of(kernel.numpy(), kept[layer.name]))
            scheme.start(kernel, state)
