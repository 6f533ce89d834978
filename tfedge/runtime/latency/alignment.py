"""Which kernel of a delegate belongs to which operator of the file.

XNNPACK makes kernels of its own out of the operators that it takes: a 1x1 convolution becomes a
matrix product, an activation after an addition a step of its own. Both lists are in the order of
execution, so they are laid side by side as two texts are.
"""

from __future__ import annotations

from collections.abc import Sequence

_PRODUCTS = ("Convolution", "Fully Connected", "Dynamic Fully Connected", "Batch Matrix")
_KERNELS: dict[str, tuple[str, ...]] = {
    "CONV_2D": _PRODUCTS,
    "DEPTHWISE_CONV_2D": ("Convolution",),
    "TRANSPOSE_CONV": ("Deconvolution",),
    "FULLY_CONNECTED": _PRODUCTS,
    "BATCH_MATMUL": ("Batch Matrix", "Fully Connected"),
    "AVERAGE_POOL_2D": ("Average Pooling", "Global Average", "Mean"),
    "MAX_POOL_2D": ("Max Pooling",),
    "MEAN": ("Mean", "Global Average", "Sum"),
    "MUL": ("Multiply",),
    "SUB": ("Subtract",),
    "DIV": ("Divide",),
    "PAD": ("Constant Pad",),
    "LOGISTIC": ("Sigmoid",),
    "HARD_SWISH": ("HardSwish", "Hard Swish"),
    "RELU": ("Clamp",),
    "RELU6": ("Clamp",),
    "QUANTIZE": ("Convert",),
    "DEQUANTIZE": ("Convert",),
    "CONCATENATION": ("Concatenate",),
    "RESIZE_BILINEAR": ("Resize Bilinear",),
    "RESHAPE": ("Static Reshape", "Copy"),
}
_PREPARES = ("Static Reshape", "Copy", "Convert", "Transpose")


def align(operators: Sequence[str], kernels: Sequence[str]) -> list[int]:
    """Return for each kernel the place of the operator that it works for.

    The pairing with the most kernels whose name fits is taken (dynamic programming, as for the
    longest common subsequence). A kernel that fits none goes to the operator before it, or to the
    one after it if it only prepares its input.

    Args:
        operators: Names of the operators that the delegate took, in order.
        kernels: Names of its kernels, in order.

    Example:
        >>> align(["ADD", "CONV_2D"], ["Add (ND)", "Clamp (NC)", "Fully Connected (NC, F32) GEMM"])
        [0, 0, 1]
    """
    rows, columns = len(operators), len(kernels)
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for row in range(rows - 1, -1, -1):
        for column in range(columns - 1, -1, -1):
            taken = _fits(operators[row], kernels[column])
            best[row][column] = max(
                best[row + 1][column],
                best[row][column + 1],
                best[row + 1][column + 1] + 1 if taken else 0,
            )
    return _filled(_pairs(operators, kernels, best), kernels, rows)


def _pairs(
    operators: Sequence[str], kernels: Sequence[str], best: list[list[int]]
) -> list[int | None]:
    """Return the operator of each kernel on the best path, None for those left over."""
    found: list[int | None] = [None] * len(kernels)
    row = column = 0
    while row < len(operators) and column < len(kernels):
        fits = _fits(operators[row], kernels[column])
        if fits and best[row][column] == best[row + 1][column + 1] + 1:
            found[column] = row
            row, column = row + 1, column + 1
        elif best[row][column] == best[row][column + 1]:
            column += 1
        else:
            row += 1
    return found


def _filled(found: list[int | None], kernels: Sequence[str], operators: int) -> list[int]:
    """Return the pairing with every kernel given to an operator."""
    filled, last = [], 0
    for place, kernel in enumerate(kernels):
        mine = found[place]
        if mine is None and kernel.startswith(_PREPARES):
            mine = next((one for one in found[place:] if one is not None), None)
        last = last if mine is None else mine
        filled.append(min(last, operators - 1))
    return filled


def _fits(operator: str, kernel: str) -> bool:
    """Return whether a kernel's name says that it could do an operator's work."""
    plain = operator.replace("_", " ").title()
    return kernel.startswith(_KERNELS.get(operator, (plain,)))
