"""Stages of inverted residuals, as tables describe them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfedge.models.zoo.blocks import conv, inverted_residual
from tfedge.models.zoo.widths import adapted_strides, rounded

Stage = tuple[int, int, int, int, int]
"""Expansion, channels, blocks, stride of the first block, side of the kernels."""


def inverted_stages(
    inputs: Any, stages: Sequence[Stage], stem: int, width: float, round_to: int
) -> Any:
    """Return what a stem and stages of inverted residuals make of an image.

    Args:
        inputs: Input tensor.
        stages: The table.
        stem: Channels of the first convolution, which is not widened.
        width: What the channels of the stages are multiplied by.
        round_to: Channels are multiples of it.
    """
    strides = adapted_strides(inputs.shape[1:3], [2, *(stage[3] for stage in stages)])
    x = conv(inputs, stem, 3, strides[0], "relu6", name="stem")
    for number, (stage, first) in enumerate(zip(stages, strides[1:], strict=True), 1):
        expansion, channels, blocks, _, size = stage
        filters = rounded(channels * width, round_to)
        for block in range(blocks):
            stride = 1 if block else first
            expanded = expansion * x.shape[-1]
            name = f"stage{number}_block{block + 1}"
            x = inverted_residual(x, expanded, filters, size, stride, name=name)
    return x
