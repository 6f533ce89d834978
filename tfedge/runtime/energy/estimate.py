"""Energy of an inference from what it computes and what it moves."""

from __future__ import annotations

from typing import NamedTuple

from tfedge.runtime.costs import operator_bytes, operator_macs, tensor_bytes
from tfedge.runtime.energy.horowitz import (
    DRAM_PJ,
    MAC_PJ,
    SOURCE,
    dram_pj_per_byte,
    mac_type,
    sram_pj_per_byte,
)
from tfedge.runtime.energy.record import OperatorEnergy
from tfedge.runtime.graph import OperatorInfo, TensorInfo
from tfedge.runtime.memory.arena import plan_arena
from tfedge.runtime.model import TFLiteModel

_UJ = 1e-6


class Home(NamedTuple):
    """Where tensors lie: the energy of one byte at least and at most, in pJ, and in words."""

    low: float
    high: float
    text: str


class Estimate(NamedTuple):
    """Energy of one run in µJ, at least and at most, of each operator, and what it supposes."""

    low_uj: float
    high_uj: float
    operators: tuple[OperatorEnergy, ...]
    assumptions: tuple[str, ...]

    @property
    def middle_uj(self) -> float:
        """The middle of the range."""
        return (self.low_uj + self.high_uj) / 2


def estimate_energy(lite: TFLiteModel, sram_bytes: int) -> Estimate:
    """Return the energy of one run: multiply-accumulates and bytes, each at its price.

    ``sum(macs * pj_per_mac + activation_bytes * pj_per_byte + weight_bytes * pj_per_byte)``.

    Args:
        lite: The file.
        sram_bytes: Memory on the chip.

    Raises:
        ModelError: If a tensor has no fixed size.
    """
    tensors = {tensor.index: tensor for tensor in lite.tensors()}
    plan = plan_arena(lite)
    flowing = plan.arena_bytes + plan.state_bytes
    stored = sum(tensor_bytes(tensor) for tensor in tensors.values() if tensor.constant)
    activations, weights = homes(flowing, stored, sram_bytes)
    rows = [_operator(one, tensors, activations, weights) for one in lite.operators]
    operators = tuple(row for row, _ in rows)
    spread = sum(half for _, half in rows)
    middle = sum(row.energy_uj for row in operators)
    return Estimate(
        middle - spread, middle + spread, operators, _assumptions(operators, activations, weights)
    )


def homes(flowing: int, stored: int, sram_bytes: int) -> tuple[Home, Home]:
    """Return where activations and weights lie: all in SRAM, weights in DRAM, or all in DRAM.

    Args:
        flowing: Bytes of the arena of activations.
        stored: Bytes of weights.
        sram_bytes: Memory on the chip.

    Example:
        >>> [home.low for home in homes(20_000, 5_000_000, 1 << 20)]
        [2.5, 162.5]
    """
    low, high = dram_pj_per_byte()
    outside = f"lie in DRAM: {DRAM_PJ[0]:g} to {DRAM_PJ[1]:g} pJ for 64 bits"
    if flowing > sram_bytes:
        text = f"activations ({flowing:,} bytes) are more than the {sram_bytes:,} bytes of SRAM and"
        both = f"{text} {outside}", f"weights ({stored:,} bytes) {outside}"
        return Home(low, high, both[0]), Home(low, high, both[1])
    together = flowing + stored <= sram_bytes
    near = sram_pj_per_byte(flowing + stored if together else flowing)
    inside = f"lie in SRAM: {8 * near:g} pJ for 64 bits"
    first = Home(near, near, f"activations ({flowing:,} bytes) {inside}")
    if together:
        return first, Home(near, near, f"weights ({stored:,} bytes) {inside}")
    beside = f"weights ({stored:,} bytes) do not fit beside them and {outside}"
    return first, Home(low, high, beside)


def _operator(
    one: OperatorInfo, tensors: dict[int, TensorInfo], activations: Home, weights: Home
) -> tuple[OperatorEnergy, float]:
    """Return the energy of one operator, and half the width of its range in µJ."""
    macs, moved = operator_macs(one, tensors), operator_bytes(one, tensors)
    read = (tensors[index] for index in dict.fromkeys(one.inputs) if index in tensors)
    constant = sum(tensor_bytes(tensor) for tensor in read if tensor.constant)
    flow = moved - constant
    low = flow * activations.low + constant * weights.low
    high = flow * activations.high + constant * weights.high
    row = OperatorEnergy(
        index=one.index,
        name=one.name,
        output=one.output,
        numeric_type=one.numeric_type,
        macs=macs,
        activation_bytes=flow,
        weight_bytes=constant,
        compute_uj=_UJ * macs * MAC_PJ[mac_type(one.numeric_type)],
        memory_uj=_UJ * (low + high) / 2,
    )
    return row, _UJ * (high - low) / 2


def _assumptions(
    operators: tuple[OperatorEnergy, ...], activations: Home, weights: Home
) -> tuple[str, ...]:
    """Return what the estimate supposes, one sentence each."""
    used = sorted({mac_type(one.numeric_type) for one in operators if one.macs})
    prices = ", ".join(f"{MAC_PJ[kind]:.3g} pJ in {kind}" for kind in used) or "nothing: none is"
    odd = sorted({one.numeric_type for one in operators if one.macs and _unlisted(one)})
    found = [
        f"Technology: {SOURCE}. A newer process needs less; ratios of two files hold better than "
        "either figure.",
        f"A multiply-accumulate costs {prices}; operators without any cost the bytes they move.",
        f"Memory: {activations.text}; {weights.text}.",
        "Each operator reads inputs and weights once and writes its outputs once. Instructions, "
        "control, leakage and everything beside processor and memory are left out: a "
        "general-purpose processor needs many times as much.",
        "Duty: one inference alone, nothing for the time between; battery_life adds it.",
    ]
    if odd:
        found.append(f"{', '.join(odd)} has no figure and goes by float32.")
    return tuple(found)


def _unlisted(one: OperatorEnergy) -> bool:
    """Return whether a numeric type goes by float32 for want of a figure."""
    return mac_type(one.numeric_type) == "float32" != one.numeric_type
