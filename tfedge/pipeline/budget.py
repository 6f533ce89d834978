"""What a file may cost: limits that are checked at once, before anything is built."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from tfedge.core.checks import one_of, whole_number
from tfedge.core.errors import ArgumentError
from tfedge.core.records import Record
from tfedge.pipeline.device_latency import why_unknown
from tfedge.runtime.interpreter import RUNTIMES
from tfedge.runtime.memory.device import as_device, get_device
from tfedge.runtime.remote.address import parse_address

COUNTED = ("size_bytes", "gzip_bytes", "macs", "arena_bytes")
MEASURED = ("latency_ms", "energy_uj")
RESOURCES = (*COUNTED, *MEASURED)
CHECKERS = ("micro", "edgetpu", "gpu")


@dataclass(frozen=True, repr=False)
class Budget(Record):
    """What a file may cost, and what the search for it may.

    Limits of the file, any of them:

    Args:
        size_bytes: Size of the file.
        gzip_bytes: Size of the file after gzip, as it travels.
        latency_ms: Median time of one sample, in ms: measured on this machine, on the device
            ``on``, or estimated for a microcontroller named in ``device``.
        macs: Multiply-accumulates of one sample.
        arena_bytes: RAM: the arena that tflite-micro allocates; without the extra ``micro`` what
            is planned for activations and states.
        energy_uj: Energy of one sample, in µJ: measured where there is a meter, else estimated,
            as `tfedge.energy` does it.
        accuracy_drop: How much worse it may be than the original, on samples that were not
            trained on: for classes a difference of accuracies (0.01 is one percentage point);
            otherwise the relative rise of the mean squared error (0.01 is 1 %).
        integer_only: Whether every operator must compute in integers.
        device: A device that the file must fit: a `tfedge.devices.Device`, or the name of one.
        runtimes: Runtimes that must run it: ``"litert"``, ``"tflite-runtime"``, ``"tf.lite"``
            by running it, ``"micro"``, ``"edgetpu"``, ``"gpu"`` by `tfedge.check`.
        on: A device over ssh that latency and energy are measured on: ``"ssh://user@host"``.

    Limits of the search:

    Args:
        time: Seconds; the trial that runs when they are over is finished.
        trials: Number of files to try.

    Raises:
        ArgumentError: If nothing is limited, a limit is no positive number, a name is not known,
            or limits contradict each other.

    Example:
        >>> Budget(size_bytes=60_000, accuracy_drop=0.01)
        Budget: at most 60,000 bytes, accuracy drop of 1.00 %
        >>> Budget(size_bytes=-1)
        Traceback (most recent call last):
        ...
        tfedge.core.errors.ArgumentError: size_bytes=-1 must be a whole number of at least 1.
    """

    size_bytes: int | None = None
    gzip_bytes: int | None = None
    latency_ms: float | None = None
    macs: int | None = None
    arena_bytes: int | None = None
    energy_uj: float | None = None
    accuracy_drop: float | None = None
    time: float | None = None
    trials: int | None = None
    integer_only: bool = False
    device: Any = None
    runtimes: tuple[str, ...] = ()
    on: str | None = None

    def __post_init__(self):
        """Refuse what cannot be, before any work."""
        if isinstance(self.device, str):
            object.__setattr__(self, "device", get_device(self.device))
        names = (self.runtimes,) if isinstance(self.runtimes, str) else tuple(self.runtimes or ())
        object.__setattr__(self, "runtimes", names)
        self._check_numbers()
        self._check_names()
        self._check_together()

    @property
    def limits(self) -> dict[str, float]:
        """The limits of resources that are set, by name."""
        found = {name: getattr(self, name) for name in RESOURCES}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def ranked_by(self) -> str:
        """What a file is small by, of several that are within the budget."""
        if self.size_bytes is None and self.limits:
            return next(name for name in ("gzip_bytes", *RESOURCES) if name in self.limits)
        return "size_bytes"

    def _check_numbers(self) -> None:
        """Raise for a limit that is no positive number."""
        for name in (*COUNTED, "trials"):
            value = getattr(self, name)
            whole_number(name, 1 if value is None else value)
        for name in (*MEASURED, "time"):
            _check_positive(name, getattr(self, name))
        drop = self.accuracy_drop
        number = isinstance(drop, (int, float)) and not isinstance(drop, bool)
        if drop is not None and not (number and 0 <= drop < 1):
            raise ArgumentError(
                f"accuracy_drop={drop!r} must be a number in [0, 1): 0.01 allows one percentage "
                "point."
            )

    def _check_names(self) -> None:
        """Raise for devices and runtimes that are not known."""
        if self.device is not None:
            as_device(self.device)
        for name in self.runtimes:
            one_of("runtimes", name, (*RUNTIMES, *CHECKERS))
        if self.on is not None:
            parse_address(self.on)

    def _check_together(self) -> None:
        """Raise if nothing is limited, or limits contradict each other."""
        demands = self.integer_only or self.device is not None or self.runtimes
        if not self.limits and self.accuracy_drop is None and not demands:
            raise ArgumentError(
                "This budget limits nothing about the file. Set one of "
                f"{', '.join(RESOURCES)}, accuracy_drop, or integer_only, device, runtimes."
            )
        if self.size_bytes and self.gzip_bytes and self.gzip_bytes > self.size_bytes:
            raise ArgumentError(
                f"gzip_bytes={self.gzip_bytes:,} is above size_bytes={self.size_bytes:,}: a file "
                "does not grow by gzip, so one of the two is a mistake. Leave gzip_bytes out, or "
                "exchange them."
            )
        self._check_device()

    def _check_device(self) -> None:
        """Raise for a device that contradicts other limits."""
        if self.on is not None and self.latency_ms is None and self.energy_uj is None:
            raise ArgumentError(
                f"on={self.on!r} says where latency and energy are measured, and neither "
                "latency_ms nor energy_uj is limited. Set one of them, or leave on out."
            )
        if self.device is None:
            return
        if self.on is not None and self.device.kind == "microcontroller":
            raise ArgumentError(
                f"device={self.device.name!r} is a microcontroller and on={self.on!r} a computer "
                "with ssh: a latency is measured on one of them. Leave one out."
            )
        if self.latency_ms is not None and self.on is None:
            reason = why_unknown(self.device)
            if reason:
                raise ArgumentError(
                    f"latency_ms={self.latency_ms:g} on {self.device.name!r} cannot be told: "
                    f"{reason}. Measure on the device itself with on='ssh://...', limit macs in "
                    "place of latency_ms, or leave device out to measure on this machine."
                )

    def __repr__(self) -> str:
        """Return the limits in one line, and those of the search in another."""
        parts = [_shown(name, value) for name, value in self.limits.items()]
        if self.accuracy_drop is not None:
            parts.append(f"accuracy drop of {self.accuracy_drop:.2%}".replace("%", " %"))
        text = f"at most {', '.join(parts)}" if parts else "no limit in numbers"
        demands = ["integers only"] if self.integer_only else []
        demands += [f"fits {self.device.name}"] if self.device is not None else []
        demands += [f"runs on {', '.join(self.runtimes)}"] if self.runtimes else []
        search = [f"{self.trials} trials"] if self.trials else []
        search += [f"{self.time:g} s"] if self.time else []
        lines = ["; ".join([f"Budget: {text}", *demands])]
        return "\n".join([*lines, *([f"  search: {', '.join(search)}"] if search else [])])


UNITS = {
    "size_bytes": "bytes",
    "gzip_bytes": "bytes after gzip",
    "latency_ms": "ms",
    "macs": "MACs",
    "arena_bytes": "bytes of arena",
    "energy_uj": "µJ",
}


def _shown(name: str, value: float) -> str:
    """Return a limit as text."""
    number = f"{value:,}" if name in COUNTED else f"{value:g}"
    return f"{number} {UNITS[name]}"


def _check_positive(name: str, value: Any) -> None:
    """Raise unless a limit is unset or a finite number above 0."""
    if value is None:
        return
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value <= 0:
        raise ArgumentError(f"{name}={value!r} must be a finite number above 0.")
