"""Where zeros may lie in a kernel: single weights, N of M, blocks. Written as short text."""

from __future__ import annotations

import dataclasses
import re

from tfedge.core.errors import ArgumentError, ModelError

ELEMENT = "element"
_N_OF_M = re.compile(r"(\d+):(\d+)")
_BLOCK = re.compile(r"(\d+|\*)(x(\d+|\*))*")


@dataclasses.dataclass(frozen=True)
class Pattern:
    """A pattern of zeros, as :func:`parse_pattern` reads it.

    Attributes:
        text: How users write it.
        n: Weights that stay in each group of ``m``; 0 if the pattern is not N of M.
        m: Size of a group along the input channels; 0 if the pattern is not N of M.
        block: Sides of a block along the last axes of a kernel, 0 for a whole axis; empty if
            the pattern has no blocks.
    """

    text: str = ELEMENT
    n: int = 0
    m: int = 0
    block: tuple[int, ...] = ()

    @property
    def sparsity(self) -> float | None:
        """Fraction of zeros that the pattern itself fixes, None if any is possible."""
        return 1 - self.n / self.m if self.m else None

    def block_in(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the sides of a block in a kernel: one number per axis, none above the axis.

        Args:
            shape: Shape of the kernel. Axes before those that the pattern names have side 1;
                sides for axes that the kernel lacks are left out.

        Example:
            >>> parse_pattern("*x*x4x1").block_in((3, 3, 16, 32))
            (3, 3, 4, 1)
            >>> parse_pattern("*x*x4x1").block_in((16, 32))
            (4, 1)
        """
        sides = self.block[-len(shape) :]
        sides = (1,) * (len(shape) - len(sides)) + sides
        return tuple(min(side or axis, axis) for side, axis in zip(sides, shape, strict=True))


def parse_pattern(text: str) -> Pattern:
    """Read a pattern.

    Args:
        text: ``"element"``: any weight. ``"2:4"``: of each 4 consecutive input channels at most
            2 weights stay (N:M as the hardware counts it: weights that stay, of how many).
            ``"4x1"``: blocks of 4 by 1 along the last axes of a kernel, which are input and
            output channels; more sides for more axes, ``*`` for a whole one: ``"*x*x1x1"`` are
            the two-dimensional filters of a convolution, ``"*x*x*x1"`` its output channels.

    Raises:
        ArgumentError: If the text is none of these, or N is not below M.

    Example:
        >>> parse_pattern("2:4").sparsity
        0.5
        >>> parse_pattern("4x*").block
        (4, 0)
    """
    if text == ELEMENT:
        return Pattern()
    if isinstance(text, str) and (found := _N_OF_M.fullmatch(text)):
        n, m = map(int, found.groups())
        if 0 < n < m:
            return Pattern(text, n, m)
    elif isinstance(text, str) and _BLOCK.fullmatch(text):
        block = tuple(0 if side == "*" else int(side) for side in text.split("x"))
        if "0" not in text.split("x"):
            return Pattern(text, block=block)
    raise ArgumentError(
        f"pattern={text!r} is not known. Write 'element', N:M with 0 < N < M such as '2:4' (at "
        f"most 2 of 4 stay), or the sides of a block such as '4x1' or '*x*x4x1'."
    )


def check_fits(pattern: Pattern, name: str, shape: tuple[int, ...], axis: int | None) -> None:
    """Raise unless a kernel has room for a pattern.

    Args:
        pattern: The pattern.
        name: Name of the layer, for the message.
        shape: Shape of its kernel.
        axis: The axis of its input channels; None if each output sees one of them only.

    Raises:
        ModelError: If an N:M group does not fit; names the layer and its shape.

    Example:
        >>> check_fits(parse_pattern("2:4"), "head", (16, 10), -2)
    """
    if pattern.m and (axis is None or shape[axis] < pattern.m):
        found = "no axis that outputs sum over" if axis is None else f"{shape[axis]} input channels"
        raise ModelError(
            f"pattern={pattern.text!r} needs groups of {pattern.m} input channels, and the kernel "
            f"of {name!r} with shape {shape} has {found}. Leave the layer out: "
            f"exclude=[{name!r}]."
        )
