"""What the file of a model would weigh, and how long it would take: functions of a Keras model.

:func:`tfedge.prune_channels` takes them as ``measure=``.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from tfedge.convert.converter import convert
from tfedge.runtime.latency.benchmark import benchmark_each


@dataclasses.dataclass(frozen=True)
class FileSize:
    """Converts a model and returns the bytes of the file.

    Args:
        quantize: Mode of the file, as `tfedge.convert` names it.
        calibration: Calibration data, for ``"int8"``.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> model = keras3().Sequential([layers.Input((4,)), layers.Dense(256)])
        >>> FileSize("float32")(model) > 4 * 4 * 256
        True
    """

    quantize: str = "int8"
    calibration: Any = None

    def __call__(self, model: Any) -> int:
        """Return the bytes of the model's file."""
        return convert(model, self.quantize, self.calibration, parity=False).size_bytes


@dataclasses.dataclass(frozen=True)
class FileLatency:
    """Converts a model, runs the file, and returns the milliseconds for one sample.

    Times on a busy machine differ from one measurement to the next. The least median of several
    measurements, each in a fresh process, is taken.

    Args:
        quantize: Mode of the file, as `tfedge.convert` names it.
        calibration: Calibration data, for ``"int8"``.
        threads: Threads for the kernels.
        runtime: Which interpreter, as `tfedge.benchmark` takes it.
        repeats: Number of measurements.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> model = keras3().Sequential([layers.Input((4,)), layers.Dense(2)])
        >>> FileLatency("float32", repeats=1)(model) > 0
        True
    """

    quantize: str = "int8"
    calibration: Any = None
    threads: int = 1
    runtime: str = "auto"
    repeats: int = 3

    def __call__(self, model: Any) -> float:
        """Return the median milliseconds of the model's file."""
        lite = convert(model, self.quantize, self.calibration, parity=False)
        settings: dict[str, Any] = {"threads": self.threads, "runtime": self.runtime}
        return min(benchmark_each([lite], **settings)[0].p50_ms for _ in range(self.repeats))
