"""What calibration found out, as a record."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from tfedge.core.records import Record

_LISTED = 5
_BY_EXTREMA = ("MinMax(", "MovingAverage(")


@dataclass(frozen=True, repr=False)
class CalibrationRecord(Record):
    """Where the ranges of an integer file come from, and how sure they are.

    Attributes:
        observer: The rule that made them.
        samples: Number of samples that ran.
        enough_samples: Least number of samples from which ranges stray at most a tenth from
            those of all; None if half of the samples still give other ranges.
        spread: By number of samples in disjoint sets: how far their ranges stray from those of
            all samples, as a share of the range's width, on average.
        idle: Tensors that held one value throughout, so that nothing is known of their range.
        stretched: Tensors of which 99.9 % of the values share four codes or fewer, because a few
            values lie far off.
        sqnr_db_by_observer: SQNR of the output on samples held out, where rules were compared.
    """

    observer: str
    samples: int
    enough_samples: int | None
    spread: dict[str, float]
    idle: tuple[str, ...]
    stretched: tuple[str, ...]
    sqnr_db_by_observer: dict[str, float]


def warn_of_idle(record: CalibrationRecord, name: str) -> None:
    """Warn if the samples never exercised a part of the model.

    Args:
        record: What was found out.
        name: What the file is called.
    """
    if not record.idle:
        return
    more = len(record.idle) - _LISTED
    listed = ", ".join(map(repr, record.idle[:_LISTED])) + (f" and {more} more" if more > 0 else "")
    warnings.warn(
        f"The {record.samples} calibration samples never exercise a part of {name!r}: {listed} "
        "held one value throughout. What the file does with other values there is unknown. "
        "Calibrate with more varied samples, or remove what is dead.",
        UserWarning,
        stacklevel=6,
    )


def warn_of_few(record: CalibrationRecord, name: str) -> None:
    """Warn if half of the samples still give other ranges than all of them.

    Rules that cut tails off do not depend on extrema, and where a few values lie far off that is
    what is said.

    Args:
        record: What was found out.
        name: What the file is called.
    """
    settled = record.enough_samples is not None or not record.spread
    if settled or record.stretched or not record.observer.startswith(_BY_EXTREMA):
        return
    half, stray = max((int(size), share) for size, share in record.spread.items())
    warnings.warn(
        f"{record.samples} calibration samples are too few for {name!r}: ranges drawn from {half} "
        f"of them stray {stray:.0%} from those of all, on average, so other samples may give "
        "another file. Calibrate with more, and raise calibration_samples where you have more.",
        UserWarning,
        stacklevel=7,
    )
