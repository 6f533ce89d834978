"""What removal is to reach: fewer channels, multiply-accumulates, parameters, bytes, or time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from tfedge.compress.pruning.channels.planning.cost import CostModel
from tfedge.compress.pruning.channels.planning.limits import checked_ratio
from tfedge.compress.pruning.channels.planning.search import Cost
from tfedge.core.errors import ArgumentError

_LEFT: dict[str, tuple[str, Callable[[CostModel], Cost]]] = {
    "ratio": ("channels", lambda cost: cost.channels_left),
    "macs": ("multiply-accumulates", lambda cost: cost.macs_left),
    "parameters": ("parameters", lambda cost: cost.parameters_left),
    "size_bytes": ("bytes of float32 weights", lambda cost: cost.bytes_left),
}


@dataclasses.dataclass(frozen=True)
class Target:
    """One quantity and how much of it is to be left.

    Attributes:
        kind: ``"ratio"``, ``"macs"``, ``"parameters"``, ``"size_bytes"``, ``"latency_ms"``.
        value: What the user asked for: for ``"ratio"`` the fraction that goes, or a dict of such
            by layer; for the others the fraction or the number that stays.
        measure: For a measured target: a function of a model.
    """

    kind: str
    value: Any
    measure: Callable[[Any], float] | None = None

    @property
    def unit(self) -> str:
        """What the quantity is called in messages."""
        if self.measure is not None:
            return "ms" if self.kind == "latency_ms" else "bytes"
        return _LEFT[self.kind][0]

    def cost(self, model: CostModel) -> Cost:
        """Return the quantity that is left as a function of how many units go."""
        return _LEFT[self.kind][1](model)

    def goal(self, whole: float) -> float:
        """Return how much is to be left of the whole."""
        if self.kind == "ratio":
            return (1 - self.value) * whole
        is_fraction = self.kind in ("macs", "parameters") and self.value < 1
        return self.value * whole if is_fraction else self.value


def target_of(
    ratio: Any = None,
    macs: Any = None,
    parameters: Any = None,
    size_bytes: Any = None,
    latency_ms: Any = None,
    measure: Any = None,
) -> Target:
    """Return the one target among the arguments of the user.

    Args:
        ratio: Fraction of the channels that goes, or a dict of such by layer.
        macs: Fraction that stays, or number.
        parameters: Fraction that stays, or number.
        size_bytes: Bytes that stay.
        latency_ms: Milliseconds that stay.
        measure: Function of a model that returns the milliseconds, or the bytes.

    Raises:
        ArgumentError: If there is not exactly one target, or its value makes no sense.

    Example:
        >>> target_of(macs=0.5).goal(1000)
        500.0
    """
    asked: Mapping[str, Any] = {
        "ratio": ratio,
        "macs": macs,
        "parameters": parameters,
        "size_bytes": size_bytes,
        "latency_ms": latency_ms,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise ArgumentError(
            f"One target is needed out of {', '.join(asked)}, found {found}. Another limit can be "
            f"met by pruning the result again."
        )
    [(kind, value)] = given.items()
    _check_measure(kind, measure)
    return Target(kind, _checked(kind, value), measure)


def _checked(kind: str, value: Any) -> Any:
    """Return the value of a target, or say what is wrong."""
    if kind == "ratio":
        return _checked_ratios(value)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not value > 0:
        raise ArgumentError(f"{kind}={value!r} must be a number above 0: what is to be left.")
    if kind in ("macs", "parameters") and isinstance(value, float) and value < 1:
        return value
    if kind in ("macs", "parameters") and (int(value) != value or value == 1):
        raise ArgumentError(
            f"{kind}={value!r} must be a fraction in (0, 1), the part that is to be left, or a "
            f"whole number of {kind}."
        )
    return value


def _checked_ratios(value: Any) -> Any:
    """Return one ratio, or a dict of ratios by layer, or say what is wrong."""
    if not isinstance(value, Mapping):
        return checked_ratio("ratio", value)
    if not value:
        raise ArgumentError("ratio={} names no layer, so nothing would go.")
    shown = {entry: getattr(entry, "__name__", repr(entry)) for entry in value}
    return {entry: checked_ratio(f"ratio[{shown[entry]}]", one) for entry, one in value.items()}


def _check_measure(kind: str, measure: Any) -> None:
    """Raise unless a measured target has a function and an unmeasured one has none."""
    if kind == "latency_ms" and not callable(measure):
        raise ArgumentError(
            "latency_ms needs measure=, a function of a Keras model that returns milliseconds: "
            "for example tfedge.FileLatency('int8', calibration=x), which converts and times it."
        )
    if measure is not None and kind not in ("latency_ms", "size_bytes"):
        raise ArgumentError(
            f"measure= goes with latency_ms or size_bytes; {kind} is counted, not measured."
        )
