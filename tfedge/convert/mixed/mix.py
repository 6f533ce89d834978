"""The file of ``tfedge.convert(quantize=MixedPrecision(...))``, and what was measured of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tfedge.convert.conversion import Conversion
from tfedge.convert.mixed.bench import Bench
from tfedge.convert.mixed.judge import Judge, judged
from tfedge.convert.mixed.search import Search, Trial
from tfedge.convert.mixed.settings import MixedPrecision, pinned
from tfedge.core.records import Record
from tfedge.runtime.model import TFLiteModel


@dataclass(frozen=True, repr=False)
class MixedPrecisionRecord(Record):
    """Which layers of a file are kept in what, and what was measured.

    Attributes:
        float_layers: Layers in float.
        int4_layers: Layers whose weights have 15 values for each channel, stored in 8 bits.
        metric: What ``drop`` is measured in, ``"agreement"`` without labels.
        samples: Number of samples that were measured on.
        drop: How much worse the metric is than the float file's.
        sqnr_db: SQNR of the output against the float file.
        size_bytes: Size of the file.
        gzip_bytes: The same after gzip.
        int8_drop: Drop of the file with every layer in integers of 8 bits.
        int8_sqnr_db: Its SQNR.
        int8_size_bytes: Its size.
        int8_gzip_bytes: The same after gzip.
        files: Number of files that were made on the way.
    """

    float_layers: tuple[str, ...]
    int4_layers: tuple[str, ...]
    metric: str
    samples: int
    drop: float
    sqnr_db: float
    size_bytes: int
    gzip_bytes: int
    int8_drop: float
    int8_sqnr_db: float
    int8_size_bytes: int
    int8_gzip_bytes: int
    files: int


def mixed_files(
    conversion: Conversion, settings: MixedPrecision, data: Any, done: Callable[[int], object]
) -> Iterator[TFLiteModel]:
    """Yield one file within the limits, with what was measured in its notes.

    Args:
        conversion: To ``int8``, with ranges of our own.
        settings: The limits.
        data: Samples to measure on, with labels or not.
        done: Told after each file that was made.

    Raises:
        ArgumentError: If a layer that is named does not exist, or settings contradict each other.
        CalibrationError: If a tensor is not finite on the calibration samples.
        ConversionError: If the converter fails, operators stay in float that were not chosen, or
            no file is within the limits.
        DataError: If data do not fit, or a metric is given and there are no labels.
    """
    batch = judged(data, conversion.signature.inputs, settings.samples)
    bench = Bench(conversion)
    said = pinned(settings, bench.units, conversion.model)
    judge = Judge(bench.reference, batch, settings.metric)
    search = Search(bench, judge, settings, said, done)
    trial = search.run()
    notes = {
        **bench.integer.notes,
        "quantize": "mixed",
        "mixed_precision": _record(trial, bench, judge, search.tried),
    }
    yield TFLiteModel(trial.lite.content, conversion.name, notes)


def _record(trial: Trial, bench: Bench, judge: Judge, files: int) -> MixedPrecisionRecord:
    """Return what was measured."""
    plain = judge(bench.integer)
    kept, lowered = ([unit.layer for unit in units] for units in (trial.kept, trial.lowered))
    order = [unit.layer for unit in bench.units]
    return MixedPrecisionRecord(
        float_layers=tuple(sorted(kept, key=order.index)),
        int4_layers=tuple(sorted(lowered, key=order.index)),
        metric=judge.metric,
        samples=judge.samples,
        drop=trial.verdict.drop,
        sqnr_db=trial.verdict.sqnr_db,
        size_bytes=trial.lite.size_bytes,
        gzip_bytes=trial.lite.gzip_bytes,
        int8_drop=plain.drop,
        int8_sqnr_db=plain.sqnr_db,
        int8_size_bytes=bench.integer.size_bytes,
        int8_gzip_bytes=bench.integer.gzip_bytes,
        files=files,
    )
