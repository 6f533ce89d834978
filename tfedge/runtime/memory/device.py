"""What a device offers to a file, and the table of devices that are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfedge.core.checks import one_of, whole_number
from tfedge.core.errors import ArgumentError
from tfedge.core.nearest import did_you_mean
from tfedge.core.records import Record
from tfedge.core.sizes import human_size
from tfedge.core.tables import text_table

KINDS = ("microcontroller", "computer", "phone", "edgetpu")
FIGURES = ("ram_bytes", "flash_bytes", "clock_mhz", "numeric_types")
PASS_A_DEVICE = "Pass the name of one in tfedge.devices.list(), or a tfedge.devices.Device."


@dataclass(frozen=True, repr=False)
class Device(Record):
    """A device that files may be meant for.

    Args:
        name: Name of the product.
        kind: ``"microcontroller"`` (runs tflite-micro, keeps files in flash), ``"computer"`` or
            ``"phone"`` (run LiteRT, keep files in storage), or ``"edgetpu"``.
        processor: What computes.
        ram_bytes: RAM; for an Edge TPU its own memory for weights.
        flash_bytes: Flash for program and file; None where files lie in storage that is large.
        clock_mhz: Highest clock of the processor; None if its maker does not say.
        numeric_types: What it computes in hardware, as operators name it: ``"int8"``,
            ``"int16"``, ``"float16"``, ``"float32"``.
        sources: Where each of these figures comes from: a text by name of the figure.
        block_bytes: The largest piece of RAM in one, where it is not all of it. An arena lies in
            one piece.

    Raises:
        ArgumentError: If a figure is not a positive number, the kind is not known, or a figure
            has no source.

    Example:
        >>> sheet = dict.fromkeys(("ram_bytes", "flash_bytes", "clock_mhz", "numeric_types"), "own")
        >>> Device("Board 1", "microcontroller", "Cortex-M4F", 128 << 10, 1 << 20, 80,
        ...        ("int8", "int16", "float32"), sheet)
        Board 1: microcontroller, Cortex-M4F at 80 MHz
          RAM    131,072 bytes
          flash  1,048,576 bytes
          types  int8, int16, float32
    """

    name: str
    kind: str
    processor: str
    ram_bytes: int
    flash_bytes: int | None
    clock_mhz: float | None
    numeric_types: tuple[str, ...]
    sources: Mapping[str, str]
    block_bytes: int | None = None

    def __post_init__(self):
        """Refuse figures that cannot be, and figures without a source."""
        one_of("kind", self.kind, KINDS)
        object.__setattr__(self, "numeric_types", tuple(self.numeric_types))
        for name in ("ram_bytes", "flash_bytes", "block_bytes"):
            value = getattr(self, name)
            whole_number(name, 1 if value is None else value)
        given = [name for name in FIGURES if getattr(self, name) is not None]
        missing = [name for name in given if not self.sources.get(name)]
        if missing:
            raise ArgumentError(
                f"Device {self.name!r} has no source for {', '.join(missing)}. Say where each "
                "figure comes from: sources={'ram_bytes': 'data sheet, table 1', ...}."
            )

    @property
    def arena_bytes(self) -> int:
        """The largest arena: the largest piece of RAM in one."""
        return self.block_bytes or self.ram_bytes

    def __repr__(self) -> str:
        """Return the figures, one in a line."""
        clock = f" at {self.clock_mhz:g} MHz" if self.clock_mhz else ""
        lines = [f"{self.name}: {self.kind}, {self.processor}{clock}"]
        block = f", {self.block_bytes:,} in one piece" if self.block_bytes else ""
        lines.append(f"  RAM    {self.ram_bytes:,} bytes{block}")
        if self.flash_bytes:
            lines.append(f"  flash  {self.flash_bytes:,} bytes")
        return "\n".join([*lines, f"  types  {', '.join(self.numeric_types)}"])


@dataclass(frozen=True, repr=False)
class DeviceTable(Record):
    """Devices as a table.

    Attributes:
        rows: The devices.
    """

    rows: tuple[Device, ...]

    def __iter__(self):
        """Go through the devices."""
        return iter(self.rows)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.rows)

    def table(self) -> list[dict[str, Any]]:
        """Return a row of plain data for each."""
        return [row.to_dict() for row in self.rows]

    def __repr__(self) -> str:
        """Return one line for each device."""
        head = ("name", "kind", "processor", "MHz", "RAM", "flash")
        return "\n".join(text_table(head, [_cells(row) for row in self.rows]))


def _cells(row: Device) -> tuple[str, ...]:
    """Return a row for people."""
    clock = f"{row.clock_mhz:g}" if row.clock_mhz else "–"
    flash = _size(row.flash_bytes) if row.flash_bytes else "–"
    return (row.name, row.kind, row.processor, clock, _size(row.ram_bytes), flash)


def _size(size: int) -> str:
    """Return a size of memory, in binary units where it is round in them."""
    for unit, factor in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= factor and size % factor == 0:
            return f"{size // factor} {unit}"
    return human_size(size)


_OWN: dict[str, Device] = {}


def register_device(device: Device) -> Device:
    """Add a device to the table until the program ends; one of that name is replaced.

    Args:
        device: The device.

    Returns:
        The device.

    Raises:
        ArgumentError: If it is no `Device`.

    Example:
        >>> from dataclasses import replace
        >>> pico = get_device("Raspberry Pi Pico")
        >>> mine = register_device(replace(pico, name="Pico, 16 MB", flash_bytes=16 << 20))
        >>> get_device("Pico, 16 MB") is mine
        True
    """
    if not isinstance(device, Device):
        raise ArgumentError(
            f"register takes a tfedge.devices.Device, found {type(device).__name__}."
        )
    _OWN[device.name] = device
    return device


def get_device(name: str) -> Device:
    """Return a device by the name of the product.

    Args:
        name: As `list_devices` shows it; capital letters do not matter.

    Raises:
        ArgumentError: If there is none of that name.

    Example:
        >>> get_device("raspberry pi pico").processor
        '2 x Cortex-M0+'
    """
    known = {row.name.casefold(): row for row in list_devices()}
    key = str(name).casefold()
    if key in known:
        return known[key]
    raise ArgumentError(
        f"No device is called {name!r}.{did_you_mean(name, [row.name for row in known.values()])} "
        "tfedge.devices.list() shows those that are known; "
        "tfedge.devices.register adds one."
    )


def as_device(device: Any) -> Device:
    """Return a device, by its name or as it is.

    Raises:
        ArgumentError: If it is neither, or there is none of that name.

    Example:
        >>> as_device("Raspberry Pi Pico") is get_device("raspberry pi pico")
        True
    """
    if isinstance(device, Device):
        return device
    if isinstance(device, str):
        return get_device(device)
    raise ArgumentError(f"device={device!r} is no device. {PASS_A_DEVICE}")


def list_devices(kind: str | None = None) -> DeviceTable:
    """Return the devices that are known, those that were registered at the end.

    Args:
        kind: ``"microcontroller"``, ``"computer"``, ``"phone"`` or ``"edgetpu"``; None for all.

    Raises:
        ArgumentError: If the kind is not known.

    Example:
        >>> {row.kind for row in list_devices("phone")}
        {'phone'}
    """
    from tfedge.runtime.memory.device_table import DEVICES

    one_of("kind", kind, (None, *KINDS))
    rows = {row.name: row for row in (*DEVICES, *_OWN.values())}
    return DeviceTable(tuple(row for row in rows.values() if kind in (None, row.kind)))
