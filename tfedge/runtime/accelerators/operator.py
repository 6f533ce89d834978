"""One operator with everything that a check of an accelerator looks at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from tfedge.runtime.accelerators.options import operator_options, operator_versions
from tfedge.runtime.graph import OperatorInfo, TensorInfo
from tfedge.runtime.model import TFLiteModel


class Neighbours(NamedTuple):
    """What lies before and behind an operator in the graph.

    Attributes:
        made: Whether an operator makes its first input.
        alone: Whether no other operator reads that input.
        readers: Name and type of the result of each operator that reads its first output.
    """

    made: bool = False
    alone: bool = True
    readers: tuple[tuple[str, str], ...] = ()


ALONE = Neighbours()


@dataclass(frozen=True)
class Operator:
    """An operator, its tensors, settings and neighbours.

    Attributes:
        info: The operator.
        inputs: Tensors that it reads, optional ones that are left out not among them.
        outputs: Tensors that it writes.
        options: Its settings.
        stored: Values that lie in the file, by index of tensor.
        version: Version of the operator that the file asks for.
        neighbours: What lies before and behind it.
    """

    info: OperatorInfo
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    options: Mapping[str, float]
    stored: Mapping[int, np.ndarray]
    version: int = 1
    neighbours: Neighbours = ALONE

    @property
    def flowing(self) -> tuple[TensorInfo, ...]:
        """Inputs that are computed when the file runs."""
        return tuple(tensor for tensor in self.inputs if not tensor.constant)

    @property
    def constants(self) -> tuple[TensorInfo, ...]:
        """Inputs that lie in the file."""
        return tuple(tensor for tensor in self.inputs if tensor.constant)

    def value(self, place: int) -> np.ndarray | None:
        """Return the value of an input that lies in the file, None if it does not."""
        return self.stored.get(self.inputs[place].index) if place < len(self.inputs) else None


Rule = Callable[[Operator], str]
"""Returns why an operator does not run, or an empty text if it does."""


def operators_of(lite: TFLiteModel) -> tuple[Operator, ...]:
    """Return the operators of a file in the order of execution.

    Weights that DEQUANTIZE or DENSIFY unpacks from the file count as lying in the file.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> [item.info.name for item in operators_of(sample_model())]
        ['MUL']
    """
    tensors = {tensor.index: tensor for tensor in lite.tensors()}
    for item in lite.operators:
        if item.name in ("DEQUANTIZE", "DENSIFY") and tensors[item.inputs[0]].constant:
            (made,) = item.outputs
            tensors[made] = replace(tensors[made], constant=True)
    stored = {tensor.index: value for tensor, value in lite.stored()}
    return tuple(
        Operator(
            info,
            tuple(tensors[index] for index in info.inputs if index in tensors),
            tuple(tensors[index] for index in info.outputs if index in tensors),
            options,
            stored,
            version,
            neighbours,
        )
        for info, options, version, neighbours in zip(
            lite.operators,
            operator_options(lite),
            operator_versions(lite),
            _neighbours(lite, tensors),
            strict=True,
        )
    )


def _neighbours(lite: TFLiteModel, tensors: Mapping[int, TensorInfo]) -> list[Neighbours]:
    """Return what lies before and behind each operator."""
    made: set[int | None] = set()
    readers: dict[int | None, list[OperatorInfo]] = defaultdict(list)
    for one in lite.operators:
        made.update(one.outputs)
        for index in dict.fromkeys(one.inputs):
            readers[index].append(one)
    found = []
    for one in lite.operators:
        first, result = next(iter(one.inputs), None), next(iter(one.outputs), None)
        behind = [other for other in readers[result] if other.outputs]
        kinds = tuple((other.name, tensors[other.outputs[0]].dtype) for other in behind)
        found.append(Neighbours(first in made, len(readers[first]) == 1, kinds))
    return found
