"""One operator with everything that a check of an accelerator looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
            _neighbours(info, lite.operators, tensors),
        )
        for info, options, version in zip(
            lite.operators, operator_options(lite), operator_versions(lite), strict=True
        )
    )


def _neighbours(
    info: OperatorInfo, others: Sequence[OperatorInfo], tensors: Mapping[int, TensorInfo]
) -> Neighbours:
    """Return what lies before and behind an operator."""
    first, result = next(iter(info.inputs), None), next(iter(info.outputs), None)
    readers = [other for other in others if result in other.inputs]
    return Neighbours(
        any(first in other.outputs for other in others),
        sum(first in other.inputs for other in others) == 1,
        tuple((other.name, tensors[other.outputs[0]].dtype) for other in readers if other.outputs),
    )
