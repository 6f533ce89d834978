"""Whether a file fits a device, check by check: records that print as tables."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tfedge.core.records import Record
from tfedge.core.tables import frame, text_table

_INDENT = " " * 15


@dataclass(frozen=True, repr=False)
class FitCheck(Record):
    """One thing that a device must have for a file.

    Attributes:
        what: ``"flash"``, ``"RAM"``, ``"weights"``, ``"operators"`` or ``"numbers"``.
        needed: How much the file needs: bytes, or a number of operators.
        available: How much the device has, or how many of these operators it runs.
        fits: Whether that is enough.
        note: What to know about it.

    Example:
        >>> FitCheck("flash", 3_000, 2_000, False, "file").margin
        -1000
    """

    what: str
    needed: int
    available: int
    fits: bool
    note: str

    @property
    def margin(self) -> int:
        """What is left, below 0 what is missing: bytes, or operators."""
        return self.available - self.needed

    @property
    def text(self) -> str:
        """The check in one line, without its note."""
        if self.what in ("operators", "numbers"):
            return f"{self.available:,} of {self.needed:,}"
        share = f"{self.needed / self.available:.0%}" if self.available else "all"
        rest = "leaves" if self.margin >= 0 else "short by"
        return f"{self.needed:,} of {self.available:,} bytes ({share}), {rest} {abs(self.margin):,}"


@dataclass(frozen=True, repr=False)
class FitRecord(Record):
    """Whether a file fits a device.

    Attributes:
        model: Name of the file.
        device: Name of the device.
        checks: What was checked.

    Example:
        >>> FitRecord("cnn", "Board 1", (FitCheck("flash", 3_000, 2_000, False, "the file"),))
        'cnn' does not fit Board 1
          no   flash      3,000 of 2,000 bytes (150%), short by 1,000
                          the file
    """

    model: str
    device: str
    checks: tuple[FitCheck, ...]

    @property
    def fits(self) -> bool:
        """Whether everything fits."""
        return all(check.fits for check in self.checks)

    @property
    def misfits(self) -> tuple[FitCheck, ...]:
        """What does not fit."""
        return tuple(check for check in self.checks if not check.fits)

    def __bool__(self) -> bool:
        """Return whether everything fits."""
        return self.fits

    def __getitem__(self, what: str) -> FitCheck:
        """Return one check by name, such as ``record["RAM"]``."""
        return {check.what: check for check in self.checks}[what]

    def __repr__(self) -> str:
        """Return the checks, one in two lines."""
        verb = "fits" if self.fits else "does not fit"
        lines = [f"{self.model!r} {verb} {self.device}"]
        for check in self.checks:
            lines.append(f"  {'yes' if check.fits else 'no':<4} {check.what:<10} {check.text}")
            lines += textwrap.wrap(
                check.note, 98, initial_indent=" " * 18, subsequent_indent=" " * 18
            )
        return "\n".join(lines)


@dataclass(frozen=True, repr=False)
class FitTable(Record):
    """Whether a file fits devices, one in a row.

    Attributes:
        rows: A record for each device.

    Example:
        >>> FitTable((FitRecord("cnn", "Board 1", (FitCheck("flash", 9, 20, True, ""),)),))
          device   fits  flash  RAM  operators
          Board 1   yes    45%    –          –
    """

    rows: tuple[FitRecord, ...]

    def __iter__(self) -> Iterator[FitRecord]:
        """Go through the devices."""
        return iter(self.rows)

    def __len__(self) -> int:
        """Return how many devices there are."""
        return len(self.rows)

    def to_pandas(self) -> Any:
        """Return the checks as a ``pandas.DataFrame``, a row for each device and check.

        Raises:
            MissingPackageError: If pandas is not installed.
        """
        return frame(
            [
                {"model": row.model, "device": row.device, **check.to_dict()}
                for row in self.rows
                for check in row.checks
            ]
        )

    def __repr__(self) -> str:
        """Return one line for each device: how much of it the file takes."""
        head = ("device", "fits", "flash", "RAM", "operators")
        return "\n".join(text_table(head, [_cells(row) for row in self.rows]))


def _cells(row: FitRecord) -> tuple[str, ...]:
    """Return a row of the table."""
    checks = {check.what: check for check in row.checks}
    shares = []
    for what in ("flash", "RAM", "operators"):
        check = checks.get(what) or (checks.get("weights") if what == "RAM" else None)
        if check is None:
            shares.append("–")
        elif what == "operators":
            shares.append(check.text)
        else:
            shares.append(f"{check.needed / check.available:.0%}")
    return (row.device, "yes" if row.fits else "no", *shares)
