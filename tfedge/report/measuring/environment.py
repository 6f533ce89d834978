"""On what and with what a report was measured."""

from __future__ import annotations

import platform
from pathlib import Path

from tfedge._version import __version__
from tfedge.core.versions import installed
from tfedge.runtime.processors import processors

_PACKAGES = (
    "numpy",
    "tensorflow",
    "keras",
    "tf-keras",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "tflite-runtime",
    "tflite-micro",
)
_CPU = Path("/proc/cpuinfo")


def environment() -> dict[str, str]:
    """Return versions and the machine, by name.

    Example:
        >>> environment()["tfedge"] == __version__
        True
    """
    found = {"tfedge": __version__, "Python": platform.python_version(), **installed(_PACKAGES)}
    found["system"] = f"{platform.system()} on {platform.machine()}"
    found["processor"] = _processor()
    return found


def _processor() -> str:
    """Return the name of the processor, where the system tells, and how many there are."""
    text = _CPU.read_text(errors="replace") if _CPU.exists() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    count = processors()
    cores = f"{count} core" + ("" if count == 1 else "s")
    return f"{names[0]}, {cores}" if names else cores
