"""Where the time of a file goes, operator by operator: a record, a table, a plot."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from tfedge.core.figures import new_axes, plain_frame
from tfedge.core.records import Record
from tfedge.core.tables import frame, text_table
from tfedge.runtime.latency.compare import LatencyRatio
from tfedge.runtime.latency.tables import shown_ms

_HEAD = ("operator", "type", "ms", "share", "MACs", "bytes", "Gop/s", "delegated", "")
_LISTED, _DRAWN, _NAME = 12, 30, 44
_WRAPPED: dict[str, Any] = {"width": 98, "initial_indent": "  - ", "subsequent_indent": "    "}


@dataclass(frozen=True, repr=False)
class OperatorProfile(Record):
    """What one operator of a file costs.

    Attributes:
        index: Position in the order of execution.
        name: Name of the operator, such as ``"CONV_2D"``.
        output: Name of the tensor that it writes.
        numeric_type: What it computes in, as in `tfedge.runtime.OperatorInfo`.
        time_ms: Time in one run; None where it could not be timed.
        share: Its part of the time of all operators, in [0, 1].
        macs: Multiply-accumulates.
        moved_bytes: Bytes of inputs, weights and outputs, each once.
        delegated: Whether the delegate (XNNPACK) runs it.
        kernel: The kernels that ran for it, where the runtime names them.
        flags: What is worth a look: ``"not delegated"``, ``"float in an integer file"``.

    Example:
        >>> conv = OperatorProfile(0, "CONV_2D", "y", "int8", 0.5, 1.0, 10**6, 9000, True, "", ())
        >>> conv.gops
        4.0
    """

    index: int
    name: str
    output: str
    numeric_type: str
    time_ms: float | None
    share: float
    macs: int
    moved_bytes: int
    delegated: bool
    kernel: str
    flags: tuple[str, ...]

    @property
    def gops(self) -> float:
        """Billions of operations per second, two for each multiply-accumulate; 0.0 if unknown."""
        return 2e-6 * self.macs / self.time_ms if self.time_ms else 0.0


@dataclass(frozen=True, repr=False)
class ModelProfile(Record):
    """Where the time of a file goes.

    Attributes:
        model: Name of the model.
        runtime: Which interpreter ran.
        threads: Threads for its kernels.
        method: ``"profiler"`` (the runtime's own, in place) or ``"alone"`` (each operator as a
            file of its own).
        latency_ms: Time of a whole run, as measured together with the operators.
        accounted: Time of all operators over that of a whole run. Far from 1, the method does
            not show what happens in the whole file.
        operators: What each costs, in the order of execution.
        findings: What slows the file down, in sentences.
        against: How its latency compares with that of another file, if one was given.
        on: Address of the device that ran it, None for this machine.

    Example:
        >>> conv = OperatorProfile(0, "CONV_2D", "y", "int8", 0.5, 1.0, 10**6, 9000, True, "", ())
        >>> ModelProfile("cnn", "litert", 1, "alone", 0.5, 1.0, (conv,), (), None)
        'cnn' on litert, 1 thread: 0.500 ms, 100% of it in operators (alone)
          operator   type     ms  share       MACs  bytes  Gop/s  delegated
          0 CONV_2D  int8  0.500   100%  1,000,000  9,000    4.0        yes
    """

    model: str
    runtime: str
    threads: int
    method: str
    latency_ms: float
    accounted: float
    operators: tuple[OperatorProfile, ...]
    findings: tuple[str, ...]
    against: LatencyRatio | None
    on: str | None = None

    def slowest(self, count: int = _LISTED) -> tuple[OperatorProfile, ...]:
        """Return the operators that take most time, the slowest first.

        Args:
            count: How many.
        """
        return tuple(sorted(self.operators, key=lambda one: -(one.time_ms or 0.0))[:count])

    def by_name(self) -> list[dict[str, Any]]:
        """Return a row for each name and numeric type of operators, the slowest first.

        Returns:
            Dicts with ``operator``, ``numeric_type``, ``count``, ``time_ms``, ``share``, ``macs``,
            ``delegated`` (how many of them).
        """
        rows: dict[tuple, dict[str, Any]] = {}
        for one in self.operators:
            key = {"operator": one.name, "numeric_type": one.numeric_type}
            zeros = {"count": 0, "time_ms": 0.0, "share": 0.0, "macs": 0, "delegated": 0}
            row = rows.setdefault(tuple(key.values()), {**key, **zeros})
            row["count"] += 1
            row["time_ms"] += one.time_ms or 0.0
            row["share"] += one.share
            row["macs"] += one.macs
            row["delegated"] += one.delegated
        return sorted(rows.values(), key=lambda row: -row["time_ms"])

    def to_pandas(self) -> Any:
        """Return the operators as a ``pandas.DataFrame``, a row for each.

        Raises:
            MissingPackageError: If pandas is not installed.
        """
        return frame([{**one.to_dict(), "gops": one.gops} for one in self.operators])

    def __repr__(self) -> str:
        """Return the slowest operators as a table, and the findings."""
        shown = self.slowest()
        threads = f"{self.threads} thread" + ("s" if self.threads > 1 else "")
        place = f" at {self.on}" if self.on else ""
        title = (
            f"{self.model!r} on {self.runtime}{place}, {threads}: {shown_ms(self.latency_ms)} ms, "
            f"{self.accounted:.0%} of it in operators ({self.method})"
        )
        lines = [title, *text_table(_HEAD, [_cells(one) for one in shown])]
        rest = self.operators and len(self.operators) - len(shown)
        if rest:
            share = 1 - sum(one.share for one in shown)
            lines.append(f"  … and {rest} more with {share:.0%} of the time")
        if self.against:
            lines.append(f"  {self.against!r}".replace("\n", "\n  "))
        lines += [textwrap.fill(text, **_WRAPPED) for text in self.findings]
        return "\n".join(lines)

    def plot(self, axes: Any = None) -> Any:
        """Draw a bar for each operator, its time; those off the delegate in another colour.

        Of a large file the slowest thirty are drawn, in the order of execution.

        Args:
            axes: Matplotlib axes to draw into; a new figure by default.

        Returns:
            The matplotlib axes; ``axes.figure`` can be saved.

        Raises:
            MissingPackageError: If matplotlib is not installed.
        """
        shown = sorted(self.slowest(_DRAWN), key=lambda one: one.index)
        axes = plain_frame(new_axes(7, 1.5 + 0.25 * len(shown)) if axes is None else axes)
        names = [f"{one.index} {one.name} {one.numeric_type}" for one in shown]
        for place, label, colour in (
            (True, "delegated", "#4C72B0"),
            (False, "not delegated", "#C44E52"),
        ):
            mine = [n for n, one in enumerate(shown) if one.delegated is place]
            if mine:
                times = [shown[n].time_ms or 0.0 for n in mine]
                bars = axes.barh(mine, times, color=colour, label=label)
                texts = [f"{shown[n].share:.0%}" for n in mine]
                axes.bar_label(bars, texts, padding=3, fontsize=8, color="#333333")
        axes.set_yticks(range(len(shown)), names)
        axes.invert_yaxis()
        axes.set(xlabel="ms in one run", title=f"{self.model} on {self.runtime} ({self.method})")
        axes.margins(x=0.12)
        axes.legend()
        return axes


def _cells(one: OperatorProfile) -> tuple[str, ...]:
    """Return a row of the table."""
    return (
        f"{one.index} {one.name}"[:_NAME],
        one.numeric_type,
        "–" if one.time_ms is None else shown_ms(one.time_ms),
        f"{one.share:.0%}",
        f"{one.macs:,}",
        f"{one.moved_bytes:,}",
        f"{one.gops:.1f}" if one.macs else "",
        "yes" if one.delegated else "no",
        ", ".join(flag for flag in one.flags if flag != "not delegated"),
    )
