"""What an adaptive runner decided, and how often it used which variant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tfedge.core.figures import new_axes, plain_frame
from tfedge.core.records import Record
from tfedge.core.tables import frame, text_table
from tfedge.runtime.adaptive.signals import Signals

_SHOWN = 8


@dataclass(frozen=True, repr=False)
class Decision(Record):
    """A change from one variant to another.

    Attributes:
        time_s: Seconds since the runner began.
        before: Name of the variant that was left.
        after: Name of the one that was taken.
        reason: The policies that decided, and what they read.
        signals: Everything that was known then.

    Example:
        >>> Decision(1.5, "large", "small", "LatencyTarget: queue 14", Signals(1.5, 2))
        1.500 s  large -> small  LatencyTarget: queue 14
    """

    time_s: float
    before: str
    after: str
    reason: str
    signals: Signals

    def __repr__(self) -> str:
        """Return when, what and why in one line."""
        return f"{self.time_s:.3f} s  {self.before} -> {self.after}  {self.reason}"


@dataclass(frozen=True, repr=False)
class AdaptiveLog(Record):
    """What happened since an adaptive runner began. Iterating yields its decisions.

    Attributes:
        variants: Names of the variants, the cheapest first.
        decisions: Changes of variant, the oldest first; of very many the latest ones.
        samples: How many samples each variant answered, by its name.
        seconds: How long the runner has been running.
        restarts: How often the worker process had to be started again.
        failures: How many requests were answered with an error.

    Example:
        >>> AdaptiveLog(("small", "large"), (), {"small": 0, "large": 12}, 3.0)
        AdaptiveLog of 3.0 s: 0 switches
          variant  samples   share
          small          0    0.0%
          large         12  100.0%
    """

    variants: tuple[str, ...]
    decisions: tuple[Decision, ...]
    samples: dict[str, int]
    seconds: float
    restarts: int = 0
    failures: int = 0

    def __iter__(self) -> Iterator[Decision]:
        """Yield the decisions."""
        return iter(self.decisions)

    def __len__(self) -> int:
        """Return the number of decisions."""
        return len(self.decisions)

    def __repr__(self) -> str:
        """Return how much each variant answered, and the latest decisions."""
        whole = max(1, sum(self.samples.values()))
        rows = [(n, f"{count:,}", f"{count / whole:.1%}") for n, count in self.samples.items()]
        head = f"AdaptiveLog of {self.seconds:.1f} s: {len(self.decisions)} switches"
        if self.restarts or self.failures:
            head += f", {self.restarts} restarts, {self.failures} failed requests"
        lines = [head, *text_table(("variant", "samples", "share"), rows)]
        return "\n".join([*lines, *(f"  {item!r}"[:100] for item in self.decisions[-_SHOWN:])])

    def to_pandas(self) -> Any:
        """Return the decisions as a ``pandas.DataFrame``, a row for each, with its signals.

        Raises:
            MissingPackageError: If pandas is not installed.
        """
        rows = []
        for item in self.decisions:
            signals = item.signals.to_dict()
            extra = signals.pop("extra")
            rows.append({**signals, **extra, **item.to_dict()})
            del rows[-1]["signals"]
        return frame(rows)

    def plot(self, axes: Any = None) -> Any:
        """Draw which variant was used over time.

        Args:
            axes: Matplotlib axes to draw into; a new figure by default.

        Returns:
            The matplotlib axes; ``axes.figure`` can be saved.

        Raises:
            MissingPackageError: If matplotlib is not installed.
        """
        axes = plain_frame(new_axes(height=3.0) if axes is None else axes)
        times, rungs = [0.0], [len(self.variants) - 1]
        if self.decisions:
            rungs = [self.variants.index(self.decisions[0].before)]
        for item in self.decisions:
            times.append(item.time_s)
            rungs.append(self.variants.index(item.after))
        axes.step([*times, self.seconds], [*rungs, rungs[-1]], where="post", color="#4C72B0")
        axes.set_yticks(range(len(self.variants)), self.variants)
        axes.set(xlabel="seconds", title="Variant in use", ylim=(-0.3, len(self.variants) - 0.7))
        return axes
