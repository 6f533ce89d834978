"""THE table of channels: which rule says how channels pass through a layer or operation."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tfedge.compress.pruning.channels.dependency import rules_attention as attention
from tfedge.compress.pruning.channels.dependency import rules_kernels as kernels
from tfedge.compress.pruning.channels.dependency import rules_norms as norms
from tfedge.compress.pruning.channels.dependency import rules_operations as operations
from tfedge.compress.pruning.channels.dependency import rules_products as products
from tfedge.compress.pruning.channels.dependency import rules_recurrent as recurrent
from tfedge.compress.pruning.channels.dependency import rules_shapes as shapes
from tfedge.compress.pruning.channels.dependency import rules_simple as simple
from tfedge.compress.pruning.channels.dependency import rules_slices as slices
from tfedge.models.channels import registered_channels
from tfedge.models.layers import class_names

Rule = Callable[[Any], Any]


def _rows(rule: Rule, names: str) -> dict[str, Rule]:
    """Return one row for each name."""
    return dict.fromkeys(names.split(), rule)


_LAYERS: dict[str, Rule] = {
    **_rows(kernels.dense, "Dense"),
    **_rows(kernels.einsum_dense, "EinsumDense"),
    **_rows(kernels.conv, "Conv BaseConv"),
    **_rows(kernels.conv_transpose, "BaseConvTranspose Conv1DTranspose Conv2DTranspose"),
    **_rows(kernels.conv_transpose, "Conv3DTranspose"),
    **_rows(kernels.depthwise, "DepthwiseConv BaseDepthwiseConv"),
    **_rows(kernels.separable, "SeparableConv BaseSeparableConv"),
    **_rows(kernels.embedding, "Embedding"),
    **_rows(norms.batch_norm, "BatchNormalization BatchNormalizationBase"),
    **_rows(norms.layer_norm, "LayerNormalization RMSNormalization UnitNormalization"),
    **_rows(norms.group_norm, "GroupNormalization"),
    **_rows(norms.prelu, "PReLU"),
    **_rows(norms.layer_scale, "LayerScale"),
    **_rows(norms.normalization, "Rescaling Normalization"),
    **_rows(recurrent.recurrent, "RNN"),
    **_rows(recurrent.bidirectional, "Bidirectional"),
    **_rows(recurrent.time_distributed, "TimeDistributed"),
    **_rows(attention.multi_head, "MultiHeadAttention"),
    **_rows(attention.grouped_query, "GroupedQueryAttention"),
    **_rows(attention.plain, "Attention"),
    **_rows(attention.additive, "AdditiveAttention"),
    **_rows(simple.same, "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D Identity"),
    **_rows(simple.same, "GaussianNoise GaussianDropout AlphaDropout ActivityRegularization"),
    **_rows(simple.same, "ReLU LeakyReLU ELU ThresholdedReLU StochasticDepth Cast"),
    **_rows(simple.activation, "Activation"),
    **_rows(simple.softmax, "Softmax"),
    **_rows(simple.merge, "Add Subtract Multiply Average Maximum Minimum CustomScaleLayer"),
    **_rows(simple.window, "Pooling1D Pooling2D Pooling3D BasePooling"),
    **_rows(simple.window, "BaseAdaptivePooling AdaptivePooling CenterCrop Resizing"),
    **_rows(simple.window, "ZeroPadding1D ZeroPadding2D ZeroPadding3D"),
    **_rows(simple.window, "UpSampling1D UpSampling2D UpSampling3D"),
    **_rows(simple.window, "Cropping1D Cropping2D Cropping3D"),
    **_rows(simple.global_pooling, "GlobalPooling1D GlobalPooling2D GlobalPooling3D"),
    **_rows(simple.global_pooling, "BaseGlobalPooling"),
    **_rows(shapes.flatten, "Flatten"),
    **_rows(shapes.reshape, "Reshape"),
    **_rows(shapes.permute, "Permute"),
    **_rows(shapes.repeat_vector, "RepeatVector"),
    **_rows(shapes.concatenate, "Concatenate"),
    **_rows(simple.unknown, "ReversibleEmbedding ConvLSTMCell"),
}

_ELEMENTWISE = """
    add addn addv2 sub subtract mul multiply div divide truediv truedivide realdiv dividenonan
    floordiv floordivide mod pow power maximum minimum fmax fmin hypot where squareddifference
    biasadd greater greaterequal less lessequal equal notequal logicaland logicalor logicalnot
    logicalxor clip clipbyvalue abs absolute neg negative reciprocal sign exp exp2 expm1 log
    log1p log2 log10 sqrt rsqrt square cbrt sin cos tan tanh sinh cosh arcsin arccos arctan
    arctan2 erf floor ceil round trunc isfinite isnan isinf nantonum relu relu6 leakyrelu elu
    selu celu gelu silu swish sigmoid sparsesigmoid softplus softsign softshrink sparseplus
    squareplus logsigmoid hardsigmoid hardsilu hardswish hardtanh hardshrink tanhshrink
    threshold dropout oneslike zeroslike stopgradient identity copy
"""
_OPERATIONS: dict[str, Rule] = {
    **_rows(operations.elementwise, _ELEMENTWISE),
    **_rows(operations.cast, "cast saturatecast"),
    **_rows(operations.silent, "shape shapev2"),
    **_rows(operations.reduce, "mean max min sum prod var std amax amin any all variance"),
    **_rows(operations.softmax, "softmax logsoftmax"),
    **_rows(operations.along, "cumsum cumprod roll sort l2normalize flip"),
    **_rows(operations.pad, "pad"),
    **_rows(operations.transpose, "transpose"),
    **_rows(operations.swapaxes, "swapaxes"),
    **_rows(operations.moveaxis, "moveaxis"),
    **_rows(operations.expand_dims, "expanddims"),
    **_rows(operations.squeeze, "squeeze"),
    **_rows(operations.reshape, "reshape"),
    **_rows(operations.concat, "concatenate concat"),
    **_rows(operations.stack, "stack"),
    **_rows(operations.unstack, "unstack"),
    **_rows(slices.get_item, "getitem"),
    **_rows(slices.split, "split"),
    **_rows(products.matmul, "matmul"),
    **_rows(products.einsum, "einsum"),
}


def rule_for(layer: Any) -> Rule:
    """Return the rule of a layer or operation.

    What the user registered comes first. Classes of others that override ``call`` are unknown,
    whatever they descend from.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> rule_for(keras3().layers.Conv1D(2, 3)).__name__
        'conv'
    """
    known = registered_channels(layer)
    if known is not None:
        return functools.partial(norms.registered, rule=known[0], follows=known[1])
    if _is_operation(layer):
        return _OPERATIONS.get(_kind(layer), simple.unknown)
    if not _trusted(layer):
        return simple.unknown
    names = class_names(layer)
    return next((_LAYERS[name] for name in names if name in _LAYERS), simple.unknown)


def _is_operation(layer: Any) -> bool:
    """Return whether this is an operation of Keras 3 or a function of TensorFlow."""
    if type(layer).__module__.startswith("keras.src.ops."):
        return True
    return bool(getattr(layer, "symbol", None)) and "TFOpLambda" in "".join(class_names(layer))


def _kind(layer: Any) -> str:
    """Return the one word that stands for an operation in both Kerases."""
    symbol = getattr(layer, "symbol", None) or type(layer).__name__
    return symbol.split(".")[-1].replace("_", "").lower().removeprefix("reduce")


def _trusted(layer: Any) -> bool:
    """Return whether the layer's call is that of a class of Keras or of tfedge."""
    home = next((kind for kind in type(layer).__mro__ if "call" in vars(kind)), type(layer))
    return home.__module__.split(".")[0] in {"keras", "tf_keras", "tfedge"}
