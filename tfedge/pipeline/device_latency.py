"""How long a microcontroller would take: an estimate from published runs of the same processor.

ResNet8 of MLPerf Tiny has 12.5 million multiply-accumulates (MACs), and ran on boards with these
processors in 8-bit integers. A file is taken to need as many cycles for a MAC as ResNet8 did.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tfedge.core.errors import ArgumentError
from tfedge.runtime.memory.device import Device

_RESNET8_MACS = 12_501_632
_SOURCE = "MLPerf Tiny v1.0, closed division, STMicroelectronics, image classification"


@dataclass(frozen=True)
class _Run:
    """One published run: board, clock in MHz, inferences per second."""

    board: str
    clock_mhz: float
    per_second: float

    @property
    def cycles_per_mac(self) -> float:
        """Clock cycles for one multiply-accumulate, everything else included."""
        return 1e6 * self.clock_mhz / self.per_second / _RESNET8_MACS


_RUNS = {
    "Cortex-M4F": _Run("NUCLEO-L4R5ZI", 120, 4.407),
    "Cortex-M33F": _Run("NUCLEO-U575ZI-Q", 160, 7.158),
    "Cortex-M7": _Run("NUCLEO-H7A3ZI-Q", 280, 18.401),
}


def why_unknown(device: Device) -> str:
    """Return why no latency can be estimated for a device, or nothing if one can.

    Example:
        >>> from tfedge.runtime.memory.device import get_device
        >>> why_unknown(get_device("Coral USB Accelerator"))
        'its entry in the table of devices has no clock'
        >>> why_unknown(get_device("NUCLEO-L4R5ZI"))
        ''
    """
    if device.clock_mhz is None:
        return "its entry in the table of devices has no clock"
    if _core(device) not in _RUNS:
        return (
            f"no cycles per MAC are known for {device.processor} (for {', '.join(_RUNS)} they are)"
        )
    return ""


def expected_latency_ms(device: Device, macs: int) -> tuple[float, str]:
    """Return the estimated time of one sample of an 8-bit file, and where the figure comes from.

    Args:
        device: A microcontroller.
        macs: Multiply-accumulates of one sample.

    Returns:
        Milliseconds on one core, and a sentence on the source.

    Raises:
        ArgumentError: If nothing is known of its processor.

    Example:
        >>> from tfedge.runtime.memory.device import get_device
        >>> milliseconds, _ = expected_latency_ms(get_device("NUCLEO-L4R5ZI"), 12_501_632)
        >>> round(1000 / milliseconds, 3)
        4.407
    """
    if reason := why_unknown(device):
        raise ArgumentError(f"No latency can be told for {device.name!r}: {reason}.")
    run = _RUNS[_core(device)]
    assert device.clock_mhz is not None
    milliseconds = macs * run.cycles_per_mac / (1e3 * device.clock_mhz)
    how = (
        f"estimate: {run.cycles_per_mac:.2f} cycles per MAC at {device.clock_mhz:g} MHz, as "
        f"ResNet8 on {run.board} with its maker's kernels ({_SOURCE}); other kernels can be some "
        "times slower"
    )
    return milliseconds, how


def _core(device: Device) -> str:
    """Return the name of one core, without their number."""
    return re.sub(r"^\d+ x ", "", device.processor)
