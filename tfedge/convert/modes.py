"""What a file can be made of: the vocabulary of ``tfedge.convert(quantize=…)``."""

from __future__ import annotations

from dataclasses import dataclass

from tfedge.core.checks import one_of
from tfedge.core.errors import ArgumentError


@dataclass(frozen=True)
class Mode:
    """How numbers are kept in a file.

    Args:
        name: The word that users say.
        summary: One line about it.
        calibrated: Whether activation ranges must be known: from data, or from training (QAT).
        agreement: Share of equal predictions under which parity counts as poor.
        sqnr_db: Signal to quantization noise ratio under which parity counts as poor, in dB.
    """

    name: str
    summary: str
    calibrated: bool
    agreement: float
    sqnr_db: float


MODES = {
    mode.name: mode
    for mode in (
        Mode("float32", "weights and activations in 32-bit float", False, 0.999, 50.0),
        Mode("float16", "weights in 16-bit float, computed in 32-bit float", False, 0.99, 40.0),
        Mode("dynamic", "weights in 8-bit integers, activations in float", False, 0.95, 15.0),
        Mode(
            "int8", "weights, activations, inputs and outputs in 8-bit integers", True, 0.95, 10.0
        ),
    )
}

INPUT_OUTPUT_TYPES = ("int8", "uint8", "float32")


def mode_named(name: str | None) -> Mode:
    """Return a mode by name; None is ``"float32"``.

    Raises:
        ArgumentError: If there is no such mode.

    Example:
        >>> mode_named("int8").calibrated
        True
    """
    name = name or "float32"
    one_of("quantize", name, list(MODES))
    return MODES[name]


def check_types(mode: Mode, input_type: str, output_type: str) -> None:
    """Raise unless the types of inputs and outputs fit the mode."""
    for name, value in (("input_type", input_type), ("output_type", output_type)):
        one_of(name, value, INPUT_OUTPUT_TYPES)
        if value != "float32" and not mode.calibrated:
            raise ArgumentError(
                f"{name}={value!r} asks for integers at the border of the file, and "
                f"quantize={mode.name!r} keeps activations in float. Use quantize='int8', or leave "
                f"{name} out."
            )
