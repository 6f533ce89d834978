"""Where two models part: layers of one matched with tensors of the other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.core.errors import ModelError
from tfedge.core.records import Record
from tfedge.evaluate.difference import sqnr_db
from tfedge.runtime.intermediate import intermediate_outputs
from tfedge.runtime.model import TFLiteModel


@dataclass(frozen=True, repr=False)
class LayerParity(Record):
    """How alike one layer of a model and its tensor in a file are.

    Attributes:
        layer: Name of the layer.
        tensor: Name of the tensor.
        sqnr_db: Signal-to-quantization-noise ratio of the tensor against the layer.
    """

    layer: str
    tensor: str
    sqnr_db: float


def layer_parity(
    reference: Mapping[str, np.ndarray], lite: TFLiteModel, x: Any
) -> tuple[LayerParity, ...]:
    """Compare layers of a model with the tensors of a file that bear their names.

    A file fuses layers: ``relu/Relu;bn/add;conv/Conv2D`` is the output of the last of them.
    Layers that have no tensor of their own are left out. The outputs of a file bear no layer's
    name; each is taken for the layer of its shape that it is most alike.

    Args:
        reference: Outputs of layers by name, in the order of execution, samples first.
        lite: The file.
        x: The samples that gave ``reference``, as `Runner.predict` takes them.

    Returns:
        One record per matched layer, in the order of execution.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> x = np.ones((4, 3))
        >>> [(part.layer, part.sqnr_db) for part in layer_parity({"mul": x / 2}, sample_model(), x)]
        [('mul', inf)]
    """
    tensors = intermediate_outputs(lite, x)
    names = {tensor.index: tensor.name for tensor in lite.tensors()}
    outputs = [names[tensor.index] for tensor in lite.outputs]
    matched = match_layers(reference, tensors, outputs)
    return tuple(
        LayerParity(layer, matched[layer], _ratio(value, tensors[matched[layer]]))
        for layer, value in reference.items()
        if layer in matched
    )


def first_divergence(
    reference: Mapping[str, np.ndarray], lite: TFLiteModel, x: Any, least_db: float = 10.0
) -> LayerParity | None:
    """Return the first layer whose tensor has drifted away from it, or None.

    Args:
        reference: Outputs of layers by name, in the order of execution, samples first.
        lite: The file.
        x: The samples that gave ``reference``.
        least_db: Ratio below which a layer counts as diverged.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> x = np.ones((4, 3))
        >>> first_divergence({"mul": x / 2}, sample_model(), x) is None
        True
        >>> first_divergence({"mul": x}, sample_model(), x).layer
        'mul'
    """
    found = layer_parity(reference, lite, x)
    return next((layer for layer in found if layer.sqnr_db < least_db), None)


def match_layers(
    reference: Mapping[str, np.ndarray],
    tensors: Mapping[str, np.ndarray],
    outputs: Collection[str] = (),
) -> dict[str, str]:
    """Return the name of the tensor that holds each layer's output.

    Args:
        reference: Outputs of layers by name, in the order of execution.
        tensors: Values by name of tensor, in the order of execution.
        outputs: Names of the tensors that are the file's outputs.

    Returns:
        Names of tensors by name of layer, of those layers that have one.

    Example:
        >>> one = np.zeros((1, 4))
        >>> match_layers({"conv": one, "relu": one}, {"net/relu/Relu;net/conv/Conv2D": one})
        {'relu': 'net/relu/Relu;net/conv/Conv2D'}
    """
    suffix, root = traced_suffix(reference, tensors), _root(tensors)
    place = {f"{layer}{suffix}": (order, layer) for order, layer in enumerate(reference)}
    matched = {}
    for name, value in tensors.items():
        if name in reference and _alike(reference[name], value):
            matched[name] = name
            continue
        fitting = (
            next((place[part] for part in parts if _fits(part, place, reference, value)), None)
            for parts in _scopes(name, root)
        )
        if named := [found for found in fitting if found is not None]:
            matched[max(named)[1]] = name
    for name in outputs:
        best = _most_alike(reference, tensors[name]) if name in tensors else None
        if best is not None and not _better(reference[best], tensors, matched.get(best), name):
            matched[best] = name
    return matched


def _most_alike(reference: Mapping[str, np.ndarray], tensor: np.ndarray) -> str | None:
    """Return the layer that a tensor is most alike, among those of its shape."""
    fitting = [layer for layer, value in reference.items() if _alike(value, tensor)]
    return max(fitting, key=lambda layer: _ratio(reference[layer], tensor), default=None)


def _better(
    value: np.ndarray, tensors: Mapping[str, np.ndarray], held: str | None, name: str
) -> bool:
    """Return whether the tensor matched so far is more alike than another."""
    return held is not None and _ratio(value, tensors[held]) > _ratio(value, tensors[name])


def _ratio(value: np.ndarray, tensor: np.ndarray) -> float:
    """Return the SQNR of a tensor against a layer's output."""
    return sqnr_db(value, tensor.reshape(value.shape))


def traced_suffix(reference: Iterable[str], tensors: Iterable[str]) -> str:
    """Return what tracing appended to the names of layers: usually nothing or ``_1``.

    Args:
        reference: Names of layers.
        tensors: Names of tensors.

    Example:
        >>> traced_suffix(["conv", "relu"], ["net_1/conv_1/Conv2D", "net_1/relu_1/Relu"])
        '_1'
    """
    parts = {part for name in tensors for part in _parts(name)}
    endings = ["", *(f"_{number}" for number in range(1, 10))]
    return max(endings, key=lambda ending: sum(f"{name}{ending}" in parts for name in reference))


def _root(names: Iterable[str]) -> str:
    """Return the scope that most names begin with: that of the model."""
    firsts = Counter(part.split("/")[0] for name in names for part in name.split(";"))
    return firsts.most_common(1)[0][0] if firsts else ""


def _scopes(name: str, root: str) -> list[list[str]]:
    """Return the scopes of each operator in a fused name, outermost first and the root last.

    The outermost is the layer; what follows are operators in it, which may be called like layers.
    """
    found = [part.split("/") for part in name.split(";")]
    return [[*parts[1:], root] if parts[0] == root else parts for parts in found]


def _fits(
    part: str, place: Mapping[str, tuple], reference: Mapping[str, np.ndarray], value: np.ndarray
) -> bool:
    """Return whether a scope is a layer whose output has the shape of a tensor."""
    return part in place and _alike(reference[place[part][1]], value)


def _parts(name: str) -> list[str]:
    """Return the scopes in the name of a tensor: ``a/b;c/d`` has four."""
    return re.split(r"[/;]", name)


def _alike(value: np.ndarray, tensor: np.ndarray) -> bool:
    """Return whether shapes agree but for axes of size 1, which 1-D convolutions add."""
    squeezed = [tuple(size for size in shape if size > 1) for shape in (value.shape, tensor.shape)]
    return squeezed[0] == squeezed[1]


def layer_outputs(model: Any, x: Any) -> dict[str, np.ndarray]:
    """Return the outputs of all layers of a functional Keras model, or all tensors of a file.

    Args:
        model: A built Keras 3 or tf_keras model made of layers, or a `TFLiteModel`.
        x: Samples.

    Returns:
        Arrays by name of layer or tensor, in the order of execution.

    Raises:
        ModelError: If the model shows no graph of layers.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> len(layer_outputs(sample_model(), np.ones((4, 3))))
        1
    """
    if isinstance(model, TFLiteModel):
        return intermediate_outputs(model, x)
    kind = next((base for base in type(model).__mro__ if base.__name__ == "Model"), None)
    if kind is None or not getattr(model, "inputs", None):
        raise ModelError(
            f"A {type(model).__name__} shows no graph of layers. Compare with layers=False, or "
            "pass a functional or Sequential model."
        )
    outputs = {layer.name: layer.output for layer in model.layers if _has_one_output(layer)}
    values = kind(model.inputs, list(outputs.values())).predict_on_batch(x)
    return {name: np.asarray(value) for name, value in zip(outputs, values, strict=True)}


def _has_one_output(layer: Any) -> bool:
    """Return whether a layer computes one tensor, in one place of the graph."""
    nodes = getattr(layer, "_inbound_nodes", ())
    single = len(nodes) == 1 and hasattr(layer.output, "shape")
    return single and type(layer).__name__ != "InputLayer"
