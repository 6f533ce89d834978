"""One operator with everything that a check of an accelerator looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tfedge.runtime.accelerators.options import operator_options
from tfedge.runtime.graph import OperatorInfo, TensorInfo
from tfedge.runtime.model import TFLiteModel


@dataclass(frozen=True)
class Operator:
    """An operator, its tensors and settings.

    Attributes:
        info: The operator.
        inputs: Tensors that it reads, optional ones that are left out not among them.
        outputs: Tensors that it writes.
        options: Its settings.
        stored: Values that lie in the file, by index of tensor.
    """

    info: OperatorInfo
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    options: Mapping[str, float]
    stored: Mapping[int, np.ndarray]

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
        )
        for info, options in zip(lite.operators, operator_options(lite), strict=True)
    )
