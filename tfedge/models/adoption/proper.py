"""Which tf_keras layer computes what an operation computes, if there is one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from tfedge.models.adoption.activations import hard_sigmoid_sixth, hard_silu
from tfedge.models.adoption.templates import constant
from tfedge.models.edges import Tensor, static_size, tensors_in
from tfedge.models.flavours import tf_keras


@dataclasses.dataclass(frozen=True)
class Request:
    """An operation in the words of Keras 3: kind, operands, options, and what comes out."""

    kind: str
    operands: list[Any]
    options: dict[str, Any]
    name: str
    outputs: tuple[Tensor, ...]

    @property
    def tensors(self) -> list[Tensor]:
        """The operands that are tensors."""
        return tensors_in(self.operands)

    def option(self, key: str, default: Any = None) -> Any:
        """Return an option, or ``default`` where it was left out."""
        return self.options.get(key, default)


Made = tuple[Any, Any] | None

_MERGES = frozenset({"Add", "Subtract", "Multiply", "Maximum", "Minimum"})
_ACTIVATIONS: dict[str, Any] = {
    "Elu": "elu", "Exp": "exponential", "HardSigmoid": hard_sigmoid_sixth, "HardSilu": hard_silu,
    "LogSoftmax": "log_softmax", "Mish": "mish", "Selu": "selu", "Sigmoid": "sigmoid",
    "Silu": "swish", "Softplus": "softplus", "Softsign": "softsign", "Tanh": "tanh",
}  # fmt: skip
_RESHAPES = frozenset({"Reshape", "ExpandDims", "Squeeze"})


def make(request: Request) -> Made:
    """Return ``(layer, inputs)``, or None if no layer of tf_keras computes exactly this."""
    if len(request.outputs) != 1 or not request.tensors:
        return None
    if request.kind in _MERGES or request.kind in ("Divide", "TrueDivide"):
        return _arithmetic(request)
    if request.kind in _RESHAPES:
        return _reshape(request)
    if request.kind in _ACTIVATIONS:
        return _activation(request)
    maker = _MAKERS.get(request.kind)
    return maker(request) if maker is not None else None


def _layer(request: Request, kind: str, **settings: Any) -> Any:
    """Make a layer under the operation's name, in the dtype of its output."""
    target = getattr(tf_keras().layers, kind)
    return target(name=request.name, dtype=request.outputs[0].dtype, **settings)


def _arithmetic(request: Request) -> Made:
    """Two tensors: a merge layer. A tensor and a constant: Rescaling, or ReLU for a maximum."""
    if len(request.operands) != 2:
        return None
    tensors = request.tensors
    if len(tensors) == 2:
        return _merge(request, tensors) if request.kind in _MERGES else None
    first = tensors[0] is request.operands[0]
    number = constant(request.operands[1 if first else 0])
    if number is None or not _real(request) or tensors[0].dtype != request.outputs[0].dtype:
        return None
    if request.kind == "Maximum" and number.ndim == 0 and number == 0:
        return _layer(request, "ReLU"), tensors[0]
    return _rescale(request, tensors[0], number, first)


def _merge(request: Request, tensors: list[Tensor]) -> Made:
    """tf_keras merges broadcast like NumPy only among equal ranks, and need equal dtypes."""
    out = request.outputs[0]
    ranks = {len(tensor.shape) for tensor in tensors}
    batches = {tensor.shape[0] if tensor.shape else 0 for tensor in tensors}
    same_dtype = {tensor.dtype for tensor in tensors} == {out.dtype}
    if len(ranks) != 1 or ranks == {0} or not same_dtype or len(batches) != 1:
        return None
    return _layer(request, request.kind), tensors


def _rescale(request: Request, tensor: Tensor, number: np.ndarray, first: bool) -> Made:
    """Return ``x * scale + offset`` for a sum, difference, product or quotient."""
    if number.ndim > 1 or number.ndim >= len(tensor.shape):
        return None
    if number.ndim == 1 and number.size not in (1, tensor.shape[-1]):
        return None
    value = number.astype("float64")
    pairs = {
        ("Add", True): (1.0, value), ("Add", False): (1.0, value),
        ("Subtract", True): (1.0, -value), ("Subtract", False): (-1.0, value),
        ("Multiply", True): (value, 0.0), ("Multiply", False): (value, 0.0),
    }  # fmt: skip
    if request.kind in ("Divide", "TrueDivide") and first and np.all(value != 0):
        pairs[request.kind, True] = (1.0 / value, 0.0)
    pair = pairs.get((request.kind, first))
    if pair is None:
        return None
    scale, offset = (np.asarray(part).tolist() for part in pair)
    return _layer(request, "Rescaling", scale=scale, offset=offset), tensor


def _negative(request: Request) -> Made:
    """Return ``-x`` as a Rescaling."""
    return (
        (_layer(request, "Rescaling", scale=-1.0), request.tensors[0]) if _real(request) else None
    )


def _sum_of_many(request: Request) -> Made:
    """``tf.add_n`` is an Add of many."""
    return _merge(dataclasses.replace(request, kind="Add"), request.tensors)


def _reshape(request: Request) -> Made:
    """A Reshape layer keeps the batch: both sides must hold the same values per sample."""
    tensor, out = request.tensors[0], request.outputs[0]
    if len(request.tensors) != 1 or not tensor.shape or not out.shape:
        return None
    size = static_size(tensor.shape)
    if size is None or size != static_size(out.shape) or tensor.shape[0] != out.shape[0]:
        return None
    return _layer(request, "Reshape", target_shape=out.shape[1:]), tensor


def _transpose(request: Request) -> Made:
    """A Permute layer keeps the batch in front."""
    tensor = request.tensors[0]
    rank = len(tensor.shape)
    axes = constant(request.option("axes"))
    if axes is None or axes.size < 2 or axes[0] != 0:
        return None
    return _layer(request, "Permute", dims=tuple(int(axis) % rank for axis in axes[1:])), tensor


def _concatenate(request: Request) -> Made:
    """Join along any axis but the batch."""
    tensors = request.tensors
    axis = request.option("axis", 0)
    rank = len(tensors[0].shape)
    if (
        not isinstance(axis, int)
        or len(tensors) < 2
        or axis % rank == 0
        or len({tensor.dtype for tensor in tensors}) != 1
    ):
        return None
    return _layer(request, "Concatenate", axis=int(axis)), tensors


def _pool(prefix: str) -> Callable[[Request], Made]:
    """Return a maker of global pooling: a reduction over all axes of space."""

    def maker(request: Request) -> Made:
        """Make GlobalAveragePooling or GlobalMaxPooling of the right rank."""
        tensor = request.tensors[0]
        rank = len(tensor.shape)
        axis = constant(request.option("axis"))
        axes = [] if axis is None else sorted(a % rank for a in axis.ravel().tolist())
        formats = {
            "channels_last": list(range(1, rank - 1)),
            "channels_first": list(range(2, rank)),
        }
        found = [name for name, space in formats.items() if axes == space]
        if not found or not 3 <= rank <= 5 or not _real(request):
            return None
        keep = bool(request.option("keepdims", False))
        kind = f"Global{prefix}Pooling{rank - 2}D"
        return _layer(request, kind, data_format=found[0], keepdims=keep), tensor

    return maker


def _activation(request: Request) -> Made:
    """An Activation layer; operations with other than the default options stay operations."""
    plain = {"Elu": ("alpha", 1.0), "LogSoftmax": ("axis", -1), "Silu": ("beta", 1.0)}
    key, default = plain.get(request.kind, ("name", None))
    if not _real(request) or request.option(key, default) != default:
        return None
    function = _ACTIVATIONS[request.kind]
    return _layer(request, "Activation", activation=function), request.tensors[0]


def _relu(limit: float | None) -> Callable[[Request], Made]:
    """Return a maker of a ReLU layer."""
    return lambda request: (_layer(request, "ReLU", max_value=limit), request.tensors[0])


def _leaky_relu(request: Request) -> Made:
    """The slope has another name in tf_keras."""
    slope = float(request.option("negative_slope", 0.2))
    return _layer(request, "LeakyReLU", alpha=slope), request.tensors[0]


def _softmax(request: Request) -> Made:
    """Softmax over one axis."""
    axis = request.option("axis", -1)
    if not isinstance(axis, int):
        return None
    return _layer(request, "Softmax", axis=axis), request.tensors[0]


def _gelu(request: Request) -> Made:
    """tf_keras names the exact gelu only."""
    if request.option("approximate", False) or not _real(request):
        return None
    return _layer(request, "Activation", activation="gelu"), request.tensors[0]


def _clip(request: Request) -> Made:
    """Clipping from zero up is a ReLU with a limit."""
    low, high = constant(request.option("x_min")), constant(request.option("x_max"))
    if low is None or high is None or low.ndim or high.ndim or low != 0 or not _real(request):
        return None
    return _layer(request, "ReLU", max_value=float(high)), request.tensors[0]


def _pad(request: Request) -> Made:
    """Zeros around space only, channels last."""
    tensor, widths = request.tensors[0], constant(request.option("pad_width"))
    zeros = not request.option("constant_values", 0) and len(request.tensors) == 1
    plain = str(request.option("mode", "constant")).lower() == "constant" and zeros
    rank = len(tensor.shape)
    if not plain or widths is None or widths.shape != (rank, 2) or not 3 <= rank <= 5:
        return None
    if widths[0].any() or widths[-1].any():
        return None
    space = tuple((int(low), int(high)) for low, high in widths[1:-1])
    padding = space[0] if rank == 3 else space
    return _layer(request, f"ZeroPadding{rank - 2}D", padding=padding), tensor


def _local_pool(prefix: str) -> Callable[[Request], Made]:
    """Return a maker of a pooling layer."""

    def maker(request: Request) -> Made:
        """Make MaxPooling or AveragePooling of the right rank."""
        tensor = request.tensors[0]
        kind = f"{prefix}Pooling{len(tensor.shape) - 2}D"
        keys = ("pool_size", "strides", "padding", "data_format")
        settings = {key: request.option(key) for key in keys if request.option(key) is not None}
        return _layer(request, kind, **settings), tensor

    return maker


def _real(request: Request) -> bool:
    """Return whether the operation works on floating point numbers."""
    return "float" in request.outputs[0].dtype


_MAKERS: dict[str, Callable[[Request], Made]] = {
    "AddN": _sum_of_many,
    "AveragePool": _local_pool("Average"),
    "Clip": _clip,
    "Concatenate": _concatenate,
    "Gelu": _gelu,
    "LeakyRelu": _leaky_relu,
    "Max": _pool("Max"),
    "MaxPool": _local_pool("Max"),
    "Mean": _pool("Average"),
    "Negative": _negative,
    "Pad": _pad,
    "Relu": _relu(None),
    "Relu6": _relu(6.0),
    "Softmax": _softmax,
    "Transpose": _transpose,
}
