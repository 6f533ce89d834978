"""How wide, and with which strides: what all architectures of the zoo decide alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfedge.core.checks import whole_number
from tfedge.core.errors import ArgumentError

LEAST_MAP = 3


def rounded(channels: float, round_to: int = 8) -> int:
    """Return the multiple of ``round_to`` that is nearest to a number of channels.

    At least one multiple is left, and no more than a tenth is lost by rounding down.

    Args:
        channels: Channels of the paper times the width.
        round_to: Divisor of the result; vector units like 8.

    Example:
        >>> [rounded(32 * width) for width in (0.35, 0.5, 1.4)], rounded(11, round_to=8)
        ([16, 16, 48], 16)

    Reference:
        Sandler et al., "MobileNetV2", CVPR 2018, arXiv:1801.04381; the rule of its published code.
    """
    nearest = max(round_to, int(channels + round_to / 2) // round_to * round_to)
    return nearest if nearest >= 0.9 * channels else nearest + round_to


def adapted_strides(sides: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Return the strides of a network for an input of these sides.

    Networks for large images halve the map five times. From a small image nothing would be left,
    so strides become 1, from the first on, until the last map has 3 values or more on its shorter
    side.

    Args:
        sides: Height and width of the input, or its length.
        strides: Strides of the paper, in order.

    Example:
        >>> adapted_strides((96, 96), [2, 2, 2, 2, 2]), adapted_strides((28, 28), [2, 2, 2, 2, 2])
        ([2, 2, 2, 2, 2], [1, 1, 2, 2, 2])
    """
    adapted = list(strides)
    for place, stride in enumerate(strides):
        if _side_after(min(sides), adapted) >= LEAST_MAP:
            break
        adapted[place] = min(stride, 1)
    return adapted


def checked_shape(input_shape: Any, axes: Sequence[str], least: int = LEAST_MAP) -> tuple[int, ...]:
    """Return the shape of one sample, if a network can be built for it.

    Args:
        input_shape: Sizes without the batch.
        axes: What the axes are called; all but the last, the channels, have a least size.
        least: That size.

    Raises:
        ArgumentError: If the rank or a size is wrong; says the least size.

    Example:
        >>> checked_shape((28, 28, 1), ("height", "width", "channels"))
        (28, 28, 1)
    """
    shape = tuple(input_shape) if isinstance(input_shape, (tuple, list)) else (input_shape,)
    wanted = f"({', '.join(axes)}{',' if len(axes) == 1 else ''})"
    if len(shape) != len(axes):
        raise ArgumentError(
            f"input_shape={input_shape!r} must be {wanted}: {len(axes)} sizes, without the batch."
        )
    for place, (axis, size) in enumerate(zip(axes, shape, strict=True)):
        floor = least if place < len(axes) - 1 else 1
        whole = hasattr(size, "__index__") and not isinstance(size, bool)
        if not whole or int(size) < floor:
            raise ArgumentError(
                f"input_shape={input_shape!r} must be {wanted}, and its {axis} a whole number of "
                f"at least {floor}, found {size!r}. Memory and operations of a file are known for "
                f"fixed sizes only."
            )
    return tuple(map(int, shape))


def check_settings(width: Any, classes: Any = 1, round_to: Any = 1, dropout: Any = 0.0) -> None:
    """Raise unless the settings that architectures share make sense.

    Raises:
        ArgumentError: If one of them does not; names it.

    Example:
        >>> check_settings(0.25, classes=10, round_to=8)
    """
    whole_number("classes", classes)
    whole_number("round_to", round_to)
    number = isinstance(width, (int, float)) and not isinstance(width, bool)
    if not number or not 0 < width < float("inf"):
        raise ArgumentError(
            f"width={width!r} must be a number above 0: what the channels of the paper are "
            f"multiplied by."
        )
    if not isinstance(dropout, (int, float)) or not 0 <= dropout < 1:
        raise ArgumentError(f"dropout={dropout!r} must be a number in [0, 1).")


def _side_after(side: int, strides: Sequence[int]) -> int:
    """Return the side of a map after padded strides."""
    for stride in strides:
        side = -(-side // stride)
    return side
