"""What a file can be made of: the vocabulary of ``tfedge.convert(quantize=…)``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tfedge.convert.weights import require_quantizer
from tfedge.core.checks import one_of
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.flavours import is_model
from tfedge.models.wrappers import is_quantized


@dataclass(frozen=True)
class Mode:
    """How numbers are kept in a file.

    Args:
        name: The word that users say.
        summary: One line about it.
        calibrated: Whether activation ranges must be known: from data, or from training (QAT).
        agreement: Share of equal predictions under which parity counts as poor.
        sqnr_db: Signal to quantization noise ratio under which parity counts as poor, in dB.
        border: Types that inputs and outputs may have, the usual one first.
        weight_bits: Width of weights that are stored in integers and computed in float.
    """

    name: str
    summary: str
    calibrated: bool
    agreement: float
    sqnr_db: float
    border: tuple[str, ...] = ("float32",)
    weight_bits: int | None = None


MODES = {
    mode.name: mode
    for mode in (
        Mode("float32", "weights and activations in 32-bit float", False, 0.999, 50.0),
        Mode("float16", "weights in 16-bit float, computed in 32-bit float", False, 0.99, 40.0),
        Mode("dynamic", "weights in 8-bit integers, activations in float", False, 0.95, 15.0),
        Mode(
            "int8",
            "weights, activations, inputs and outputs in 8-bit integers",
            True,
            0.95,
            10.0,
            ("int8", "uint8", "float32"),
        ),
        Mode(
            "int16x8",
            "weights in 8-bit integers; activations, inputs and outputs in 16-bit integers",
            True,
            0.95,
            15.0,
            ("int16", "float32"),
        ),
        Mode(
            "int8_weights",
            "weights in 8-bit integers, computed in float",
            False,
            0.97,
            20.0,
            weight_bits=8,
        ),
        Mode(
            "int4_weights",
            "weights in 4-bit integers, computed in float",
            False,
            0.9,
            10.0,
            weight_bits=4,
        ),
    )
}

INPUT_OUTPUT_TYPES = ("int8", "uint8", "int16", "float32")


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


def check_mode(mode: Mode, model: Any) -> None:
    """Raise unless a model can become such a file.

    Raises:
        ModelError: If 16-bit activations are asked of a model that was trained with 8 bits.
        MissingPackageError: If the mode needs a package that is not installed.
    """
    if mode.weight_bits:
        require_quantizer(mode.name)
    if mode.name == "int16x8" and is_model(model) and is_quantized(model):
        raise ModelError(
            f"{model.name!r} was trained with fake quantization to 8 bits, which an int16x8 file "
            "cannot keep. Use quantize='int8', or convert the model from before tfedge.quantize."
        )


def border_type(mode: Mode, setting: str, value: str | None) -> str:
    """Return the type of inputs or outputs of a mode's files.

    Args:
        mode: The mode.
        setting: Name of the setting, for messages.
        value: The type asked for, None for the mode's usual one.

    Raises:
        ArgumentError: If the mode's files cannot have it.

    Example:
        >>> border_type(mode_named("int8"), "input_type", None)
        'int8'
    """
    if value is None:
        return mode.border[0]
    one_of(setting, value, INPUT_OUTPUT_TYPES)
    if value not in mode.border:
        kept = "activations in float" if not mode.calibrated else f"them in {mode.border[0]}"
        fitting = [other.name for other in MODES.values() if value in other.border]
        raise ArgumentError(
            f"{setting}={value!r} asks for {value} at the border of the file, and "
            f"quantize={mode.name!r} keeps {kept}. Use quantize={fitting[0]!r}, or leave "
            f"{setting} out."
        )
    return value


def border_types(mode: Mode, input_type: str | None, output_type: str | None) -> tuple[str, str]:
    """Return the types of inputs and outputs of a mode's files, as `border_type` does each.

    Example:
        >>> border_types(mode_named("int8"), None, "float32")
        ('int8', 'float32')
    """
    return (
        border_type(mode, "input_type", input_type),
        border_type(mode, "output_type", output_type),
    )
