"""Quantization-aware training of any model that can be adopted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfedge.compress.quantization.apply import Wrapping
from tfedge.compress.quantization.lower import lowered
from tfedge.compress.quantization.plan import Plan
from tfedge.compress.quantization.preserve import centroids_of, what_to_keep
from tfedge.compress.quantization.ranges import calibrate_ranges
from tfedge.compress.quantization.settings import QuantizeSettings, check_steps, settle
from tfedge.core.errors import ModelError
from tfedge.models.adopt import adopt
from tfedge.models.selection import select
from tfedge.models.strip import has_wrappers, strip
from tfedge.models.training.activation_range import MOVING_AVERAGE
from tfedge.models.training.trainable import TrainableModel, trainable
from tfedge.models.wrappers import is_quantized

EXCLUDED = "left out by exclude"


def quantize(
    model: Any,
    *,
    calibration: Any = None,
    preserve: Any = None,
    exclude: Any = (),
    layers: Mapping[Any, Any] | None = None,
    observer: str = MOVING_AVERAGE,
    freeze_after: int | None = None,
    freeze_batch_norm_after: int | None = None,
    strict: bool = False,
) -> TrainableModel:
    """Return a copy of a model that computes as its int8 file will, and can be trained so.

    Every layer that LiteRT has integers for is wrapped in fake quantization. Pruning and
    clustering wrappers are taken off first, and layers become what an int8 file makes of them:
    separable convolutions are split, convolutions along one axis are brought to the plane, what
    scales channels becomes a depthwise convolution, activations without integers are layers of
    their own. The other layers stay in float
    (:func:`~tfedge.compress.quantization.report.quantization_of` lists them and says why);
    :func:`tfedge.convert` quantizes those from calibration data where it can.

    Kernel ranges are set from the kernels. Activation ranges are set from ``calibration``, so
    that the model is accurate before the first step, or else from the first batch of training.

    Args:
        model: A Keras model of either flavour, or the path of one, pruned or clustered or not.
        calibration: Typical inputs for the ranges, in any form that
            :func:`tfedge.core.data.batches` reads. Labels are ignored. A few hundred samples do.
        preserve: ``"sparsity"`` keeps the zeros of the kernels while training, ``"clusters"``
            their distinct values (the values train, and weights may change to another),
            a tuple both, ``()`` neither. Default: what there is. Zeros are, if the model is
            wrapped for pruning, or if a kernel has at least 10 % zeros; clusters are, if it
            is wrapped for clustering, or if most kernels have few values.
        exclude: Layers to leave in float: names, regular expressions, classes.
        layers: Settings of single layers: a choice as in ``exclude`` (a tuple for several) to
            a :class:`tfedge.QuantizeSettings`, or a dict of its fields.
        observer: How activation ranges go on in training: ``"moving_average"`` of the extremes of
            each batch, or ``"learned"`` by gradient (LSQ).
        freeze_after: Number of training steps after which activation ranges stay.
        freeze_batch_norm_after: Number of training steps after which normalizations use their
            moving statistics, as the file does.
        strict: Whether to refuse a model if a layer would stay in float that is not excluded.

    Returns:
        A new tf_keras model, a :class:`~tfedge.models.training.trainable.TrainableModel`.

    Raises:
        ArgumentError: If a choice matches no layer, or settings are unknown or contradictory.
        ModelError: If the model is quantized already, no layer can be quantized, or with
            ``strict=True`` one cannot.
        CalibrationError: If the calibration data do not fit or give no finite range.

    Example:
        >>> import numpy as np
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> head = keras.layers.Dense(4, activation="relu", name="head")
        >>> model = keras.Sequential([keras.Input((8,)), head])
        >>> qat = quantize(model, calibration=np.random.rand(32, 8))
        >>> type(qat.get_layer("head")).__name__
        'Quantized'

    Reference:
        Jacob et al., CVPR 2018, arXiv:1712.05877, section 3; Esser et al., ICLR 2020,
        arXiv:1902.08153.
    """
    check_steps("freeze_batch_norm_after", freeze_batch_norm_after)
    default = QuantizeSettings(observer=observer, freeze_after=freeze_after)
    wrapped = _adopted(model)
    plain = strip(wrapped) if has_wrappers(wrapped) else wrapped
    excluded = select(plain, exclude, "exclude")
    settings = settle(plain, layers or {}, excluded, default)
    made = lowered(plain, leave=excluded)
    kept = what_to_keep(preserve, wrapped, made)
    plan = Plan(made, dict.fromkeys(excluded, EXCLUDED))
    _check(plan, made, strict)
    wrapping = Wrapping(made, plan, settings, kept, freeze_batch_norm_after)
    qat = trainable(wrapping.rebuilt())
    _start(qat, kept)
    if calibration is not None:
        calibrate_ranges(qat, calibration)
    return qat


def _adopted(model: Any) -> Any:
    """Return a copy of the model, wrappers included."""
    copy = adopt(getattr(model, "student", model))
    if is_quantized(copy):
        raise ModelError(
            f"{copy.name!r} is quantized already: fake quantization of fake quantization has no "
            f"int8 file. Go on with fit, or quantize the float model again."
        )
    return copy


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
