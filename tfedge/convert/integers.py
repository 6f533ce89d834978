"""Whether an integer file is one: every operator that stayed in float, and why that matters."""

from __future__ import annotations

from tfedge.core.errors import ConversionError
from tfedge.runtime.graph import OperatorInfo
from tfedge.runtime.model import TFLiteModel

_LISTED = 20


def require_integers(lite: TFLiteModel, *, calibrated: bool) -> None:
    """Raise if an operator of an integer file computes in float.

    Args:
        lite: The file.
        calibrated: Whether calibration data was given.

    Raises:
        ConversionError: With one line per operator that stayed in float.
    """
    left = lite.float_operators
    if not left:
        return
    reason = _no_kernel if calibrated else _no_range
    lines = [f"  #{item.index} {item.name}  {_place(item, lite)}: {reason(item)}" for item in left]
    if len(lines) > _LISTED:
        lines[_LISTED:] = [f"  … and {len(lines) - _LISTED} more"]
    listing = "\n".join(lines)
    advice = (
        "Replace these layers"
        if calibrated
        else "Give calibration data, so that the ranges of these operators are known"
    )
    raise ConversionError(
        f"full-integer conversion of {lite.name!r} left {len(left)} of {len(lite.operators)} "
        f"operators in float:\n{listing}\nAn integer-only accelerator cannot run this file. "
        f"{advice}, or accept a mixed model with float_fallback=True."
    )


def _place(item: OperatorInfo, lite: TFLiteModel) -> str:
    """Return where an operator sits: the converter drops the names of tensors it returns."""
    if "PartitionedCall" not in item.output:
        return repr(item.output)
    returned = [tensor.name for tensor in lite.outputs if tensor.shape in item.output_shapes]
    return f"at output {', '.join(map(repr, returned))}"


def _no_kernel(item: OperatorInfo) -> str:
    """Say why a calibrated operator is in float."""
    return f"the converter has no integer form of {item.name} here"


def _no_range(item: OperatorInfo) -> str:
    """Say why an operator without calibration is in float."""
    return "nothing tells the range of its values"
