"""Whether a file fits a device: flash, RAM, operators and numeric types."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tfedge.core.checks import whole_number
from tfedge.core.errors import ArgumentError
from tfedge.runtime.accelerators.check import AcceleratorCheck, check
from tfedge.runtime.graph import CONVERSIONS, OperatorInfo
from tfedge.runtime.memory.device import PASS_A_DEVICE, Device, as_device, list_devices
from tfedge.runtime.memory.fit_record import FitCheck, FitRecord, FitTable
from tfedge.runtime.memory.memory import memory
from tfedge.runtime.memory.record import MemoryRecord
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.opening import opened_file

_COMPUTED = ("int8", "int16", "float16", "float32")
_REASONS = 3


def fits(
    model: Any,
    device: Any = None,
    *,
    program_flash_bytes: int = 0,
    program_ram_bytes: int = 0,
) -> FitRecord | FitTable:
    """Return whether a file fits a device, and by how much.

    For a microcontroller the file must fit into flash, its arena into one piece of RAM, and
    tflite-micro must have its operators. With the extra ``micro`` the arena is the real one;
    without it, only what is planned for activations and states is counted, and the note says so.
    Computers and phones run LiteRT, which has every operator; their RAM must hold file and
    activations. An Edge TPU must run every operator and hold all weights.

    Args:
        model: A `TFLiteModel`, or the path or bytes of a ``.tflite`` file.
        device: A `tfedge.devices.Device` or the name of one that is known, a list of these, or
            None for every device that is known.
        program_flash_bytes: Flash that the program around the file takes.
        program_ram_bytes: RAM that it takes.

    Returns:
        A :class:`FitRecord`, true where everything fits; for several devices a
        :class:`FitTable`.

    Raises:
        ArgumentError: If no device is called so.
        ModelError: If the file cannot be read.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> record = fits(sample_model(), "Raspberry Pi Pico")
        >>> record.fits, record["flash"].margin
        (True, 2096216)
        >>> [row.device for row in fits(sample_model(), list_devices("edgetpu")) if not row]
        ['Coral USB Accelerator']
    """
    whole_number("program_flash_bytes", program_flash_bytes, 0)
    whole_number("program_ram_bytes", program_ram_bytes, 0)
    lite = opened_file(model, "be fitted to a device")
    needs, program = memory(lite), (program_flash_bytes, program_ram_bytes)
    if isinstance(device, (str, Device)):
        return _fit(lite, needs, as_device(device), program)
    several = list_devices() if device is None else device
    found = [as_device(one) for one in (several if hasattr(several, "__iter__") else [several])]
    if not found:
        raise ArgumentError(f"device={device!r} names no device. {PASS_A_DEVICE}")
    return FitTable(tuple(_fit(lite, needs, one, program) for one in found))


def _fit(
    lite: TFLiteModel, needs: MemoryRecord, device: Device, program: tuple[int, int]
) -> FitRecord:
    """Return the checks for one device."""
    if device.kind == "microcontroller":
        checks = _microcontroller(lite, needs, device, program)
    elif device.kind == "edgetpu":
        checks = _edgetpu(lite, needs, device)
    else:
        checks = (_large_ram(needs, device, program[1]), _numbers(lite, device))
    return FitRecord(lite.name, device.name, checks)


def _microcontroller(
    lite: TFLiteModel, needs: MemoryRecord, device: Device, program: tuple[int, int]
) -> tuple[FitCheck, ...]:
    """Flash, RAM, the operators of tflite-micro, and what the processor computes in hardware."""
    flash, ram = needs.flash_bytes + program[0], needs.ram_bytes + program[1]
    room = device.flash_bytes or 0
    if needs.micro is not None:
        text = "tflite-micro's whole arena, measured on a 64-bit computer; less on 32 bits"
    else:
        text = "activations and states as planned; tflite-micro's structures come on top"
    rest = "" if program[1] else "; your program's variables and stack come on top"
    code = "file and program" if program[0] else "the file; your program's code comes on top"
    return (
        FitCheck("flash", flash, room, flash <= room, code),
        FitCheck("RAM", ram, device.arena_bytes, ram <= device.arena_bytes, text + rest),
        _operators(check(lite, "micro"), needs.micro_note),
        _numbers(lite, device),
    )


def _operators(found: AcceleratorCheck, refusal: str) -> FitCheck:
    """Return the check of operators: the list, and what tflite-micro itself says."""
    count, runs = len(found.operators), len(found.operators) - len(found.misfits)
    if found.misfits:
        return FitCheck("operators", count, runs, False, _why(found))
    refused = "does not run" in refusal
    note = refusal if refused else "tflite-micro has them all"
    return FitCheck("operators", count, runs, not refused, note)


def _why(found: AcceleratorCheck) -> str:
    """Return why operators do not run, the most frequent reasons first."""
    reasons = Counter(f"{row.name}: {row.why}" for row in found.misfits).most_common()
    more = len(reasons) - _REASONS
    shown = [text for text, _ in reasons[:_REASONS]]
    return "; ".join([*shown, *([f"and {more} more reasons"] if more > 0 else [])])


def _edgetpu(lite: TFLiteModel, needs: MemoryRecord, device: Device) -> tuple[FitCheck, ...]:
    """The operators that it takes, and its own memory for weights."""
    found = check(lite, "edgetpu")
    count, room = len(found.operators), device.ram_bytes
    note = "all in one piece" if found.fits else f"the rest runs on the host; {_why(found)}"
    enough = needs.weight_bytes <= room
    fetched = "held there" if enough else "what is too much is fetched again at every run"
    return (
        FitCheck("weights", needs.weight_bytes, room, enough, fetched),
        FitCheck("operators", count, found.mapped, found.fits, note),
    )


def _large_ram(needs: MemoryRecord, device: Device, program: int) -> FitCheck:
    """RAM of a device with an operating system."""
    total = needs.flash_bytes + needs.arena_bytes + needs.state_bytes + program
    note = "file and activations; the runtime and the operating system come on top"
    return FitCheck("RAM", total, device.arena_bytes, total <= device.arena_bytes, note)


def _numbers(lite: TFLiteModel, device: Device) -> FitCheck:
    """Return how many operators the processor computes in hardware; the others run, but slowly."""
    kinds = [kind for one in lite.operators if (kind := _computes(one))]
    slow = Counter(kind for kind in kinds if kind not in device.numeric_types)
    note = f"computed in hardware: {', '.join(device.numeric_types)}"
    if slow:
        listed = ", ".join(f"{count} in {kind}" for kind, count in slow.items())
        note = f"{listed}, which runs in software: slowly"
    return FitCheck("numbers", len(kinds), len(kinds) - slow.total(), True, note)


def _computes(operator: OperatorInfo) -> str:
    """Return the type that an operator's arithmetic is in, empty if it only moves data."""
    kind = operator.numeric_type
    if operator.name in CONVERSIONS:
        return ""
    kind = "float32" if kind.startswith("dynamic-") else kind.removesuffix("x8")
    return kind if kind in _COMPUTED else ""
