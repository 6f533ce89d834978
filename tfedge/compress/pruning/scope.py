"""Which layers pruning leaves out unless they are named, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.models.edges import tensors_in
from tfedge.models.graph import LayerGraph, Step, read_graph
from tfedge.models.kernels import KernelLayer, kernel_layers
from tfedge.models.layers import class_names, kernels_of
from tfedge.models.wrappers import unwrapped

FIRST, LAST = "first convolution", "last classifier"
CHEAP = 0.1
_BY_KIND = {"Depthwise": "depthwise convolution", "Embedding": "embedding"}
_STOPS = "BatchNormalization"


def left_out(model: Any, layers: list[KernelLayer] | None = None) -> dict[int, str]:
    """Return which layers are pruned only on request.

    - Depthwise kernels hold few weights, and each of their filters sees one channel only.
    - Rows of an embedding are looked up, not multiplied.
    - The first convolution and the last classifier are sensitive. They are left out where that
      is cheap: where they hold at most a tenth of the weights. In a small network that is mostly
      classifier, hardly anything would be saved otherwise.

    A model that has no other kernels is pruned whole.

    Args:
        model: A model of either Keras. Of a subclassed one, which has no graph, the first
            convolution and the last dense layer that it holds are taken.
        layers: Its layers with kernels, if they are known already.

    Returns:
        The reason by ``id`` of the layer (the one inside, if it is wrapped).

    Raises:
        ModelError: If ``model`` is no Keras model, or not built.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> k = keras3().layers
        >>> model = keras3().Sequential([k.Input((8, 8, 3)), k.Conv2D(8, 3, name="stem"),
        ...     k.DepthwiseConv2D(3), k.Conv2D(64, 3), k.GlobalMaxPooling2D(), k.Dense(2)])
        >>> list(left_out(model).values())
        ['depthwise convolution', 'first convolution', 'last classifier']
    """
    layers = kernel_layers(model) if layers is None else layers
    found = {id(layer.inner): reason for layer in layers if (reason := _by_kind(layer.inner))}
    others = [layer for layer in layers if id(layer.inner) not in found]
    if not others:
        return {}
    sizes = {id(layer.inner): _size(layer) for layer in others}
    for reason, chosen in _ends(model, others).items():
        if sum(sizes[one] for one in chosen) <= CHEAP * sum(sizes.values()):
            found.update(dict.fromkeys(chosen, reason))
    return found


def _by_kind(layer: Any) -> str | None:
    """Return why layers of a class are left out, None if they are not."""
    names = class_names(layer)
    return next(
        (text for part, text in _BY_KIND.items() if any(part in name for name in names)), None
    )


def _size(layer: KernelLayer) -> int:
    """Return the number of weights in the kernels of a layer."""
    return sum(int(weight.shape.num_elements()) for weight in layer.variables())


def _ends(model: Any, others: list[KernelLayer]) -> dict[str, set[int]]:
    """Return the first convolutions and the last classifiers, by ``id``."""
    known = {id(layer.inner) for layer in others}
    try:
        graph = read_graph(model)
    except ModelError:
        convolutions = [layer for layer in others if _is_convolution(layer.inner)]
        dense = others[-1:] if _is_dense(others[-1].inner) else []
        return {
            FIRST: {id(one.inner) for one in convolutions[:1]},
            LAST: {id(o.inner) for o in dense},
        }
    first = {id(layer) for layer in _first(graph)} & known
    return {FIRST: first, LAST: ({id(layer) for layer in _last(graph)} & known) - first}


def _first(graph: LayerGraph) -> Iterator[Any]:
    """Yield the convolutions that see an input of the model with nothing learned before."""
    raw = {tensor for *_, tensor in graph.input_layers}
    for step in graph.steps:
        layer = unwrapped(step.layer)
        if not set(tensors_in((step.args, step.kwargs))) <= raw:
            continue
        if not kernels_of(layer):
            raw.update(step.outputs)
        elif _is_convolution(layer):
            yield layer


def _last(graph: LayerGraph) -> Iterator[Any]:
    """Yield the layers that make the model's outputs, activations and reshaping passed over."""
    makers = {tensor: step for step in graph.steps for tensor in step.outputs}
    for output in tensors_in(graph.outputs):
        step: Step | None = makers.get(output)
        while step is not None:
            layer = unwrapped(step.layer)
            if kernels_of(layer):
                if _is_dense(layer) or _is_convolution(layer):
                    yield layer
                break
            inputs = tensors_in((step.args, step.kwargs))
            goes_on = len(inputs) == 1 and _STOPS not in class_names(layer)
            step = makers.get(inputs[0]) if goes_on else None


def _is_convolution(layer: Any) -> bool:
    """Return whether a layer is a plain convolution."""
    names = class_names(layer)
    special = any(part in name for part in ("Transpose", "Separable") for name in names)
    return bool({"Conv", "BaseConv"} & set(names)) and not special


def _is_dense(layer: Any) -> bool:
    """Return whether a layer is dense."""
    return "Dense" in class_names(layer)
