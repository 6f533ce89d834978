"""Quantization-aware training of any model that can be adopted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfedge.compress.quantization.preparation import prepared
from tfedge.compress.quantization.ranges import calibrate_ranges
from tfedge.compress.quantization.settings import QuantizeSettings, check_steps
from tfedge.core.observers import MinMax, Observer, observer_named
from tfedge.models.training.activation_range import MOVING_AVERAGE
from tfedge.models.training.trainable import TrainableModel


def quantize(
    model: Any,
    *,
    calibration: Any = None,
    preserve: Any = None,
    exclude: Any = (),
    layers: Mapping[Any, Any] | None = None,
    calibration_observer: str | Observer = MinMax.name,
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
        calibration_observer: The rule that makes a range of what calibration saw, a name or an
            object of :mod:`tfedge.core.observers`, as in :func:`tfedge.convert`.
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
    observer_named(calibration_observer)
    check_steps("freeze_batch_norm_after", freeze_batch_norm_after)
    default = QuantizeSettings(observer=observer, freeze_after=freeze_after)
    ready = prepared(model, preserve=preserve, exclude=exclude, layers=layers, default=default)
    qat = ready.wrapped(strict=strict, freeze_batch_norm_after=freeze_batch_norm_after)
    if calibration is not None:
        calibrate_ranges(qat, calibration, observer=calibration_observer)
    return qat
