"""A file on the runtimes that it is meant for: loading proves nothing, so numbers are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.convert.conversion import Conversion
from tfedge.core.errors import ArgumentError, ConversionError, ModelError, WorkerError
from tfedge.core.records import Record
from tfedge.evaluate.parity import compare
from tfedge.runtime.interpreter import choose_runtime
from tfedge.runtime.model import TFLiteModel

_NOTICEABLE_DB = 10.0
_GOOD_DB = 30.0


@dataclass(frozen=True, repr=False)
class RuntimeParity(Record):
    """What a file gives on one runtime.

    Attributes:
        runtime: The runtime.
        agreement: Share of predictions that are the model's.
        sqnr_db: Signal-to-quantization-noise ratio against the model.
    """

    runtime: str
    agreement: float
    sqnr_db: float


def named_runtimes(runtimes: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of runtimes to check a file on.

    Raises:
        ArgumentError: If there is no such runtime.
        MissingPackageError: If one is not installed.

    Example:
        >>> named_runtimes("litert")
        ('litert',)
    """
    names = (runtimes,) if isinstance(runtimes, str) else tuple(runtimes or ())
    if "auto" in names:
        raise ArgumentError("runtimes='auto' names no runtime. Name those that the file is for.")
    return tuple(map(choose_runtime, names))


def on_runtimes(
    lite: TFLiteModel, conversion: Conversion, runtimes: Sequence[str], x: Mapping[str, np.ndarray]
) -> TFLiteModel:
    """Return the file with what each runtime makes of it in ``notes["runtimes"]``.

    Args:
        lite: The file.
        conversion: What it was made from.
        runtimes: Names of installed runtimes.
        x: Samples by input name.

    Raises:
        ConversionError: If a runtime cannot run the file, or gives other values than the model
            while another runtime does not; names the runtime.
    """
    if not runtimes:
        return lite
    found = [_parity(lite, conversion, runtime, x) for runtime in runtimes]
    first = found[0] if len(found) > 1 else _parity(lite, conversion, choose_runtime("auto"), x)
    best = max([*found, first], key=lambda item: item.sqnr_db)
    for item in found:
        if _differs(item, best):
            raise ConversionError(
                f"The {conversion.mode.name} file of {lite.name!r} loads on {item.runtime} and "
                f"gives wrong values there: {item.sqnr_db:.1f} dB against the model, where "
                f"{best.runtime} reaches {best.sqnr_db:.1f} dB. Do not ship it to devices with "
                f"{item.runtime}; another mode, such as 'int8', may be right on both."
            )
    return TFLiteModel(lite.content, lite.name, {**lite.notes, "runtimes": tuple(found)})


def _parity(
    lite: TFLiteModel, conversion: Conversion, runtime: str, x: Mapping[str, Any]
) -> RuntimeParity:
    """Return how alike a file on a runtime and the model are."""
    predict = conversion.signature.predict
    try:
        record = compare(predict, lite, x, latency=False, runtime=runtime)
    except (WorkerError, ModelError) as failure:
        raise ConversionError(
            f"The {conversion.mode.name} file of {lite.name!r} does not run on {runtime}: "
            f"{str(failure).splitlines()[0]} Leave {runtime!r} out of runtimes=, or choose a mode "
            "whose operators it knows, such as 'float32' or 'int8'."
        ) from failure
    return RuntimeParity(runtime, record.agreement, record.sqnr_db)


def _differs(item: RuntimeParity, best: RuntimeParity) -> bool:
    """Return whether values on a runtime are clearly worse than on the best one."""
    return item.sqnr_db < _GOOD_DB and item.sqnr_db < best.sqnr_db - _NOTICEABLE_DB
