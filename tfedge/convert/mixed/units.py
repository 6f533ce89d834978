"""The operators of a float file, gathered into the layers that they compute."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tfedge.models.flavours import is_model
from tfedge.models.layers import kernels_of
from tfedge.runtime.graph import OperatorInfo
from tfedge.runtime.model import TFLiteModel

_KERNEL_AXES = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0, "TRANSPOSE_CONV": 0}
_NO_OUTPUT = ("ReadVariableOp", "resource")


@dataclass(frozen=True)
class Kernel:
    """A stored kernel.

    Args:
        name: Name of its tensor.
        axis: Axis of its output channels.
        size: Number of weights.
    """

    name: str
    axis: int
    size: int


@dataclass(frozen=True)
class Unit:
    """What is kept in float, or not, as one: the operators of a layer.

    Args:
        layer: Path of the layer, ``"outer/inner"`` in nested models; of several that were fused
            the one with a kernel. The name of a tensor where no layer is known.
        fused: The other layers that the same operators compute.
        kinds: Names of the operators, in the order of execution.
        nodes: Names of their first outputs, by which the quantizer knows them.
        kernels: Their kernels.
    """

    layer: str
    fused: tuple[str, ...]
    kinds: tuple[str, ...]
    nodes: tuple[str, ...]
    kernels: tuple[Kernel, ...]

    @property
    def weights(self) -> int:
        """Number of weights in its kernels."""
        return sum(kernel.size for kernel in self.kernels)


def units_of(lite: TFLiteModel, ends: Mapping[str, str], model: Any) -> tuple[Unit, ...]:
    """Return the operators of a float file by layer, in the order of execution.

    Args:
        lite: The float file.
        ends: Which operator of the graph made each output, by name of the output: a file calls
            its outputs otherwise.
        model: The model that the file was made of.
    """
    layers = layer_paths(model)
    names = {tensor.index: ends.get(tensor.name, "") for tensor in lite.outputs}
    named = [names.get(item.outputs[0], item.output) or item.output for item in lite.operators]
    reader = _Reader(layers, named)
    groups: dict[str, list[OperatorInfo]] = {}
    fused: dict[str, list[str]] = {}
    for item, name in zip(lite.operators, named, strict=True):
        owners = reader.owners(name)
        layer = reader.first_with_kernel(owners) if owners else _short(name)
        groups.setdefault(layer, []).append(item)
        fused.setdefault(layer, []).extend(other for other in owners if other != layer)
    return tuple(
        Unit(
            layer=layer,
            fused=tuple(dict.fromkeys(fused[layer])),
            kinds=tuple(item.name for item in items),
            nodes=tuple(item.output for item in items),
            kernels=tuple(dict.fromkeys(_kernels(lite, items))),
        )
        for layer, items in groups.items()
    )


def layer_paths(model: Any) -> dict[str, Any]:
    """Return the layers of a model by path, those of nested models too; none of a SavedModel.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> inner = keras.Sequential([keras.layers.Dense(2, name="head")], name="base")
        >>> list(layer_paths(keras.Sequential([inner])))
        ['base', 'base/head']
    """
    found: dict[str, Any] = {}
    for layer in model.layers if is_model(model) else ():
        found[layer.name] = layer
        inner = layer_paths(layer) if is_model(layer) else {}
        found |= {f"{layer.name}/{path}": part for path, part in inner.items()}
    return found


class _Reader:
    """Reads layers out of the names of tensors.

    Args:
        layers: The layers by path.
        names: All names, from which is learned what tracing appended to layers' names.
    """

    def __init__(self, layers: Mapping[str, Any], names: list[str]):
        self._layers = layers
        self._own: dict[str, list[str]] = {}
        for path in layers:
            self._own.setdefault(path.split("/")[-1], []).append(path)
        scopes = [scope for name in names for scope in re.split("[/;]", name)]
        endings = ["", *(f"_{number}" for number in range(1, 10))]
        self._ending = max(endings, key=lambda ending: sum(self._fits(s, ending) for s in scopes))

    def owners(self, name: str) -> list[str]:
        """Return the layers in a name such as ``net/relu/Relu;net/conv/Conv2D``."""
        parts = [part for part in name.split(";") if not part.endswith(_NO_OUTPUT)]
        paths = [self._path(part.split("/")) for part in parts]
        return list(dict.fromkeys(path for path in paths if path))

    def first_with_kernel(self, owners: list[str]) -> str:
        """Return the first of fused layers that has a kernel; without one, the last to compute."""
        heavy = [path for path in owners if kernels_of(self._layers[path])]
        return heavy[-1] if heavy else owners[0]

    def _path(self, scopes: list[str]) -> str | None:
        """Return the layer of one place in the graph."""
        steps = [self._layer_name(scope) for scope in scopes]
        known = [step for step in steps if step]
        for start in range(len(known)):
            for stop in range(len(known), start, -1):
                if (path := "/".join(known[start:stop])) in self._layers and self._is_leaf(path):
                    return path
        alone = [self._own[step] for step in known[::-1] if len(self._own[step]) == 1]
        return alone[0][0] if alone else None

    def _is_leaf(self, path: str) -> bool:
        """Return whether a path is that of a layer, and not of a nested model."""
        return not is_model(self._layers[path])

    def _layer_name(self, scope: str) -> str | None:
        """Return the layer that a scope was named after."""
        if self._ending and scope.endswith(self._ending):
            scope = scope[: -len(self._ending)]
        while scope not in self._own and re.search(r"_\d+$", scope):
            scope = scope.rpartition("_")[0]
        return scope if scope in self._own else None

    def _fits(self, scope: str, ending: str) -> bool:
        """Return whether a scope is the name of a layer with an ending."""
        return scope.endswith(ending) and scope[: len(scope) - len(ending)] in self._own


def _short(name: str) -> str:
    """Return the name of a tensor without the model's own scope."""
    first = name.split(";")[0]
    return first.split("/", 1)[-1]


def _kernels(lite: TFLiteModel, items: list[OperatorInfo]) -> Iterator[Kernel]:
    """Yield the kernels of some operators."""
    tensors = {tensor.index: tensor for tensor in lite.tensors()}
    for item in items:
        tensor = tensors.get(item.inputs[1]) if item.name in _KERNEL_AXES else None
        if tensor is not None and tensor.constant and tensor.dtype == "float32":
            size = 1
            for length in tensor.shape:
                size *= length
            yield Kernel(tensor.name, _KERNEL_AXES[item.name], size)
