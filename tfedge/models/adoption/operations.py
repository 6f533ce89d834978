"""Operations of a graph (``x + y``, ``keras.ops.mean``, ``tf.concat``) as tf_keras layers.

Where tf_keras has a layer that computes the same, that layer is made: other rooms know what to
do with Add, Multiply or GlobalAveragePooling2D. Everything else becomes an
:class:`~tfedge.models.adoption.operation.Operation`.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.models.adoption import proper
from tfedge.models.adoption.operation import Operation
from tfedge.models.adoption.proper import Request
from tfedge.models.adoption.templates import encode
from tfedge.models.edges import Tensor
from tfedge.models.graph import Cast, Step

_TF_NAMES = {
    "__operators__.add": "Add", "math.add": "Add", "math.subtract": "Subtract",
    "math.multiply": "Multiply", "math.divide": "Divide", "math.truediv": "Divide",
    "math.maximum": "Maximum", "math.minimum": "Minimum", "math.negative": "Negative",
    "math.add_n": "AddN", "concat": "Concatenate", "reshape": "Reshape",
    "expand_dims": "Reshape", "squeeze": "Reshape", "transpose": "Transpose",
    "math.reduce_mean": "Mean", "math.reduce_max": "Max", "nn.relu": "Relu", "nn.relu6": "Relu6",
    "nn.leaky_relu": "LeakyRelu", "nn.elu": "Elu", "nn.selu": "Selu", "nn.gelu": "Gelu",
    "nn.silu": "Silu", "nn.swish": "Silu", "nn.softmax": "Softmax", "nn.softplus": "Softplus",
    "math.sigmoid": "Sigmoid", "math.softplus": "Softplus", "math.tanh": "Tanh",
    "math.exp": "Exp", "clip_by_value": "Clip", "pad": "Pad",
}  # fmt: skip
_TF_OPTIONS = {
    "perm": "axes", "alpha": "negative_slope", "paddings": "pad_width",
    "clip_value_min": "x_min", "clip_value_max": "x_max",
}  # fmt: skip
_OPERANDS = frozenset(
    [
        "x",
        "y",
        "x1",
        "x2",
        "values",
        "value",
        "a",
        "t",
        "tensor",
        "input",
        "inputs",
        "input_tensor",
        "features",
        "logits",
    ]
)


@dataclasses.dataclass(frozen=True)
class Built:
    """A layer and the tensors, as the graph knows them, that it is called on."""

    layer: Any
    inputs: Any


def is_operation(layer: Any) -> bool:
    """Return whether a step's layer is an operation rather than a layer with a class of its own."""
    if isinstance(layer, Cast):
        return True
    names = {kind.__name__ for kind in type(layer).__mro__}
    if type(layer).__module__.startswith("keras.src.ops."):
        return "Layer" not in names
    return "TFOpLambda" in names and bool(getattr(layer, "symbol", None))


def build_operation(step: Step, masked: bool) -> Built:
    """Return the layer that does what an operation does.

    Args:
        step: The call of the operation.
        masked: Whether a mask comes in. Operations end a mask, layers pass it on, so that only
            an Operation computes the same then.

    Raises:
        ModelError: If the operation's arguments cannot be kept in a layer's config.
    """
    if isinstance(step.layer, Cast):
        return _cast(step)
    is_keras3 = hasattr(step.layer, "symbolic_call")
    request = _from_keras3(step) if is_keras3 else _from_tensorflow(step)
    built = None if masked or request is None else proper.make(request)
    if built is not None:
        return Built(*built)
    return _keras3_operation(step) if is_keras3 else _tensorflow_operation(step)


def _from_keras3(step: Step) -> Request:
    """Return what a Keras 3 operation asks for."""
    values = [*step.args, *step.kwargs.values()]
    options = {**_settings(step.layer), **step.kwargs}
    return Request(type(step.layer).__name__, values, options, step.name, step.outputs)


def _from_tensorflow(step: Step) -> Request | None:
    """Return what a TensorFlow function asks for, in the words of Keras 3."""
    kind = _TF_NAMES.get(step.layer.symbol.removeprefix("compat.v1."))
    if kind is None:
        return None
    bound = inspect.signature(step.layer.function).bind(*step.args, **step.kwargs)
    given = {key: value for key, value in bound.arguments.items() if value is not None}
    values = [value for key, value in given.items() if key in _OPERANDS]
    options = {_TF_OPTIONS.get(key, key): v for key, v in given.items() if key not in _OPERANDS}
    return Request(kind, values, options, step.name, step.outputs)


def _keras3_operation(step: Step) -> Built:
    """Return an Operation that runs a Keras 3 operation."""
    kind = type(step.layer)
    return _operation(step, f"{kind.__module__}:{kind.__qualname__}", _settings(step.layer))


def _tensorflow_operation(step: Step) -> Built:
    """Return an Operation that runs a TensorFlow function."""
    return _operation(step, f"tf:{step.layer.symbol}", {})


def _operation(step: Step, function: str, settings: dict) -> Built:
    """Return an Operation with the arguments of a step."""
    inputs: list[Tensor] = []

    def place_of(tensor: Tensor) -> int:
        """Number the tensors in the order in which they are met."""
        if tensor not in inputs:
            inputs.append(tensor)
        return inputs.index(tensor)

    args = encode([_unsliced(arg) for arg in step.args], place_of)
    kwargs = {key: _unsliced(value) for key, value in step.kwargs.items() if key != "name"}
    layer = Operation(
        function,
        settings=encode(settings, place_of),
        args=args,
        kwargs=encode(kwargs, place_of),
        name=step.name,
    )
    return Built(layer, inputs[0] if len(inputs) == 1 else inputs)


def _settings(operation: Any) -> dict[str, Any]:
    """Return the constructor arguments of a Keras 3 operation."""
    try:
        config = operation.get_config()
    except NotImplementedError as error:
        raise ModelError(
            f"The operation {operation.name!r} ({type(operation).__name__}) has no config, so it "
            f"cannot be copied. Put the computation into a layer and register that layer with "
            f"tfedge.models.register_layer."
        ) from error
    accepted = set(inspect.signature(type(operation)).parameters) - {"name"}
    return {key: value for key, value in config.items() if key in accepted}


def _unsliced(value: Any) -> Any:
    """Return slices that tf_keras wrote as dicts as slices again."""
    if isinstance(value, dict) and set(value) == {"start", "stop", "step"}:
        return slice(value["start"], value["stop"], value["step"])
    if isinstance(value, (list, tuple)):
        return type(value)([_unsliced(item) for item in value])
    return value


def _cast(step: Step) -> Built:
    """Return the conversion at the door of a nested model."""
    args = [{"tensor": 0}, step.layer.dtype]
    return Built(Operation("tf:cast", args=args, name=step.name), step.args[0])
