"""Quantization-aware training, by tfmot, of any model that can be adopted."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.compress.quantization.annotate import reasons_for_float
from tfedge.compress.quantization.planar import lift_to_plane
from tfedge.compress.quantization.ranges import calibrate_ranges, set_kernel_ranges
from tfedge.compress.quantization.scheme import Scheme
from tfedge.compress.quantization.separable import split_separable
from tfedge.core.checks import one_of
from tfedge.core.errors import ModelError
from tfedge.models.adopt import adopt
from tfedge.models.flavours import tf_keras, tfmot
from tfedge.models.selection import select
from tfedge.models.strip import strip
from tfedge.models.training.scope import training_scope
from tfedge.models.training.trainable import TrainableModel, trainable
from tfedge.models.wrappers import is_pruned, is_quantized

ENOUGH_ZEROS = 0.1
"""Fraction of zeros in some kernel from which a model counts as pruned."""


def quantize(
    model: Any, *, preserve: Any = None, exclude: Any = (), calibration: Any = None
) -> TrainableModel:
    """Return a copy of a model that computes as its int8 file will, and can be trained so.

    tfmot's fake quantization is put around every layer that its default 8-bit scheme knows.
    Pruning and clustering wrappers are taken off first, separable convolutions are split, and
    convolutions along one axis are brought to the plane. The other layers stay in float
    (:func:`~tfedge.compress.quantization.report.quantization_of` lists them).

    Kernel ranges are set from the kernels. tfmot's activation ranges start at ±6 (inputs: at 0)
    and follow the data by a moving average of 0.999, so they are wrong for the first thousands
    of steps. With ``calibration`` they are set from data, and the model is accurate before the
    first step.

    Args:
        model: A Keras model of either flavour, or the path of one, pruned or not.
        preserve: ``("sparsity",)`` keeps the zeros of the kernels while training, ``()`` lets
            them go. Default: kept if the model is wrapped for pruning, or if a kernel has at
            least 10 % zeros.
        exclude: Layers to leave in float: names, regular expressions, classes.
        calibration: Typical inputs for the ranges, in any form that
            :func:`tfedge.core.data.batches` reads. Labels are ignored. A few hundred samples do.

    Returns:
        A new tf_keras model, a :class:`~tfedge.models.training.trainable.TrainableModel`.

    Raises:
        ArgumentError: If ``preserve`` or ``exclude`` holds something unknown.
        ModelError: If the model is quantized already, or no layer can be quantized.
        CalibrationError: If the calibration data do not fit or give no finite range.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> head = keras.layers.Dense(4, activation="relu", name="head")
        >>> model = keras.Sequential([keras.Input((8,)), head])
        >>> qat = quantize(model, calibration=np.random.rand(32, 8))
        >>> type(qat.get_layer("head")).__name__
        'QuantizeWrapperV2'

    Reference:
        Jacob et al., CVPR 2018, arXiv:1712.05877, section 3.
    """
    plain, pruned = _plain(model)
    keep_zeros = _keeps_zeros(preserve, plain, pruned)
    excluded = select(plain, exclude, "exclude")
    plain = split_separable(lift_to_plane(plain, leave=excluded), leave=excluded)
    floats = {*reasons_for_float(plain), *excluded}
    qat = trainable(_tidied(_applied(plain, floats, keep_zeros)))
    set_kernel_ranges(qat)
    if calibration is not None:
        calibrate_ranges(qat, calibration)
    return qat


def _plain(model: Any) -> tuple[Any, bool]:
    """Return the model without wrappers, and whether it was wrapped for pruning."""
    copy = adopt(model)
    if is_quantized(copy):
        raise ModelError(
            f"{copy.name!r} is quantized already: fake quantization of fake quantization has no "
            f"int8 file. Go on with fit, or quantize the float model again."
        )
    return strip(copy), is_pruned(copy)


def _keeps_zeros(preserve: Any, model: Any, pruned: bool) -> bool:
    """Return whether zeros are to be kept."""
    if preserve is None:
        return pruned or any(_zeros(weight) >= ENOUGH_ZEROS for weight in model.trainable_weights)
    names = [preserve] if isinstance(preserve, str) else list(preserve)
    for name in names:
        one_of("preserve", name, ["sparsity"])
    return bool(names)


def _zeros(weight: Any) -> float:
    """Return the fraction of zeros in a kernel; biases do not count."""
    return float(np.mean(weight.numpy() == 0)) if len(weight.shape) > 1 else 0.0


def _applied(model: Any, floats: set[str], keep_zeros: bool) -> Any:
    """Return the model with tfmot's fake quantization around all but the ``floats``."""
    annotate = tfmot().quantization.keras.quantize_annotate_layer
    kept = {layer.name for layer in model.layers} - floats

    def annotated(layer: Any) -> Any:
        """Return the layer, marked if it is to be quantized."""
        return annotate(layer) if layer.name in kept else layer

    if kept <= {layer.name for layer in model._input_layers}:
        raise ModelError(
            f"{model.name!r} has no layer that can be quantized: {len(floats)} layers are left "
            f"out or unknown to tfmot's 8-bit scheme. Convert it after training instead: "
            f"tfedge.convert(model, quantize='int8', calibration=...)."
        )
    marked = tf_keras().models.clone_model(model, clone_function=annotated)
    with training_scope():
        return tfmot().quantization.keras.quantize_apply(
            marked, Scheme(keep_zeros=keep_zeros), quantized_layer_name_prefix=""
        )


def _tidied(model: Any) -> Any:
    """Let each wrapper list its weights once, as it does when a file is loaded.

    tfmot lists the weights of layers that were built before twice, so that a ``.keras`` file of
    such a model could not be loaded.
    """
    for layer in model.layers:
        if hasattr(layer, "_weight_vars"):
            layer._trainable_weights[:] = [weight for weight, *_ in layer._weight_vars]
    return model
