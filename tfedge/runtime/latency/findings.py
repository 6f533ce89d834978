"""What slows a file down, in words."""

from __future__ import annotations

from collections.abc import Sequence

from tfedge.runtime.graph import OperatorInfo
from tfedge.runtime.latency.compare import LatencyRatio
from tfedge.runtime.latency.profile_record import OperatorProfile
from tfedge.runtime.model import TFLiteModel

OFF, FLOAT = "not delegated", "float in an integer file"
_INTEGERS = ("int8", "uint8", "int16x8", "int4")
_SHAPES = ("int32", "int64")
_WORTH, _NEAR = 0.02, 0.25


def flags(lite: TFLiteModel, operator: OperatorInfo, delegated: bool) -> tuple[str, ...]:
    """Return what is worth a look about an operator.

    Args:
        lite: Its file.
        operator: The operator.
        delegated: Whether the delegate runs it.
    """
    integer_file = any(one.numeric_type in _INTEGERS for one in lite.operators)
    marks = {
        OFF: not delegated and operator.numeric_type not in _SHAPES,
        FLOAT: integer_file and operator.computes_in_float,
    }
    return tuple(mark for mark, holds in marks.items() if holds)


def findings(
    operators: Sequence[OperatorProfile],
    runtime: str,
    accounted: float,
    ratio: LatencyRatio | None,
) -> tuple[str, ...]:
    """Return what slows a file down, one sentence each.

    Args:
        operators: What was measured of each.
        runtime: Which interpreter ran.
        accounted: Time of the operators over that of a whole run.
        ratio: How the file's latency compares with another file's.
    """
    said = [*_slower(ratio), *_off(operators), *_undelegated_integers(operators, runtime)]
    said += _floats(operators)
    if abs(accounted - 1) > _NEAR:
        said.append(
            f"the operators add up to {accounted:.0%} of a whole run: shares are rough"
            + ("" if accounted > 1 else ", or the rest is spent between operators")
        )
    return tuple(said)


def _slower(ratio: LatencyRatio | None) -> list[str]:
    """Say that the file is slower than the other."""
    if ratio is None or ratio.ratio_low <= 1:
        return []
    return [
        f"it takes {ratio.ratio:.1f} times as long as {ratio.second.model!r} on this machine and "
        "runtime; the reasons that are known follow, if any"
    ]


def _off(operators: Sequence[OperatorProfile]) -> list[str]:
    """Say what runs off the delegate and takes time."""
    off = [one for one in operators if OFF in one.flags]
    share = sum(one.share for one in off)
    if share < _WORTH:
        return []
    names = ", ".join(dict.fromkeys(f"{one.name} {one.numeric_type}" for one in off))
    return [
        f"{len(off)} of {len(operators)} operators with {share:.0%} of the time run off the "
        f"delegate, on the runtime's plain kernels: {names}"
    ]


def _undelegated_integers(operators: Sequence[OperatorProfile], runtime: str) -> list[str]:
    """Say which kinds of integers the delegate of a runtime leaves alone."""
    off = {one.numeric_type for one in operators if one.macs and OFF in one.flags}
    on = {one.numeric_type for one in operators if one.macs and one.delegated}
    said = []
    if runtime == "tflite-runtime" and "int8" in off - on:
        said.append(
            "the delegate of tflite-runtime takes no int8 operators, that of LiteRT does: an int8 "
            "file can be slower than float32 on tflite-runtime and faster on LiteRT"
        )
    if "int16x8" in off - on:
        said.append("int16x8 operators have no delegate kernels on any runtime: int8 is faster")
    return said


def _floats(operators: Sequence[OperatorProfile]) -> list[str]:
    """Say what computes in float in an integer file."""
    floats = [one for one in operators if FLOAT in one.flags]
    if not floats:
        return []
    share = sum(one.share for one in floats)
    names = ", ".join(dict.fromkeys(f"{one.name} {one.numeric_type}" for one in floats))
    return [f"{len(floats)} operators of an integer file compute in float ({share:.0%}): {names}"]
