"""The calls that a Keras model recorded, read alike from both Kerases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.models.edges import tensors_in
from tfedge.models.flavours import flavour_of


def has_graph(layer: Any) -> bool:
    """Return whether a layer is a model whose layers can be walked."""
    return _functional_or_none(layer) is not None


def functional(model: Any) -> Any:
    """Return the functional model that holds the nodes, or say why there is none."""
    graph = _functional_or_none(model)
    if graph is not None:
        return graph
    name, kind = getattr(model, "name", "model"), type(model).__name__
    if flavour_of(model) and kind == "Sequential":
        raise ModelError(
            f"The Sequential model {name!r} is not built: its layers have no input shape, so "
            f"there is no graph to copy. Add an Input layer or call model.build(input_shape)."
        )
    raise ModelError(
        f"The model {name!r} is subclassed ({kind} defines its own call): Keras keeps no layer "
        f"graph of it, so it cannot be rebuilt layer by layer. Write it as a functional model, "
        f"tf.keras.Model(inputs, outputs), and copy the weights into that."
    )


def _functional_or_none(model: Any) -> Any:
    """Return the object with nodes: the model itself, or what a Sequential holds inside."""
    kinds: dict[str, Any] = {kind.__name__: kind for kind in reversed(type(model).__mro__)}
    if "Functional" not in kinds and "Sequential" not in kinds:
        return None
    if "Sequential" in kinds and kinds["Sequential"].__module__.startswith("keras."):
        return model._functional if type(model).call is kinds["Sequential"].call else None
    base = kinds.get("Sequential", kinds.get("Functional"))
    own_call = getattr(type(model), "call", None) is getattr(base, "call", None)
    return model if own_call and getattr(model, "_nodes_by_depth", None) else None


def nodes_of(graph: Any) -> Iterator[tuple[Any, tuple, dict, list]]:
    """Yield (layer, args, kwargs, outputs) of every call, inputs first."""
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if node.is_input:
                continue
            if hasattr(node, "operation"):
                args, kwargs = node.arguments.args, node.arguments.kwargs
                kwargs = _without_default_training(node.operation, kwargs)
                yield node.operation, args, _without_own_masks(args, kwargs), node.outputs
            else:
                outputs = tensors_in(node.outputs)
                yield node.layer, tuple(node.call_args), dict(node.call_kwargs), outputs


def _without_default_training(layer: Any, kwargs: dict) -> dict:
    """Leave out ``training`` where Keras 3 only wrote down the default of the layer's call.

    Kept, it would tell a Dropout of the copy never to drop, not even in ``fit``.
    """
    signature = getattr(layer, "_call_signature", None)
    parameter = signature.parameters.get("training") if signature else None
    if parameter is None or kwargs.get("training") is not parameter.default:
        return kwargs
    return {key: value for key, value in kwargs.items() if key != "training"}


def _without_own_masks(args: tuple, kwargs: dict) -> dict:
    """Leave out masks that Keras 3 took from the inputs by itself: tf_keras does so too."""
    carried = {
        id(getattr(tensor, "_keras_mask", None))
        for tensor in tensors_in((args, {k: v for k, v in kwargs.items() if "mask" not in k}))
    }
    own = {
        key
        for key, value in kwargs.items()
        if key.endswith("mask") and (found := tensors_in(value)) and _ids(found) <= carried
    }
    return {key: value for key, value in kwargs.items() if key not in own}


def _ids(tensors: list) -> set[int]:
    """Return the identities of tensors."""
    return {id(tensor) for tensor in tensors}


def shape_of(tensor: Any) -> tuple:
    """Return the shape of a symbolic tensor, None where it is open."""
    if getattr(tensor.shape, "rank", 0) is None:
        raise ModelError(
            f"The tensor {tensor.name!r} of {layer_of(tensor).name!r} has an unknown number of "
            f"dimensions. Give it a fixed one, for example with a Reshape layer."
        )
    return tuple(tensor.shape)


def dtype_of(tensor: Any) -> str:
    """Return the dtype of a symbolic tensor as text."""
    return str(getattr(tensor.dtype, "name", tensor.dtype))


def layer_of(tensor: Any) -> Any:
    """Return the layer that made a symbolic tensor."""
    return tensor._keras_history[0]


def inputs_of(graph: Any) -> Any:
    """Return the inputs in the structure that the user gave."""
    return graph._inputs_struct if hasattr(graph, "_inputs_struct") else graph._nested_inputs


def outputs_of(graph: Any) -> Any:
    """Return the outputs in the structure that the user gave."""
    return graph._outputs_struct if hasattr(graph, "_outputs_struct") else graph._nested_outputs


def takes_training(layer: Any) -> bool:
    """Return whether a layer behaves differently in training."""
    if hasattr(layer, "_call_has_context_arg"):
        return bool(layer._call_has_context_arg.get("training", False))
    spec = getattr(layer, "_call_spec", None)
    return bool(spec is not None and spec.expects_training_arg)
