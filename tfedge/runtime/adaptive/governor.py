"""Which variant is in use: asks the policy, keeps the log, grows patient when steps up fail."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

from tfedge.core.checks import one_of
from tfedge.runtime.adaptive.log import Decision
from tfedge.runtime.adaptive.policy import Policy
from tfedge.runtime.adaptive.signals import Signals

logger = logging.getLogger("tfedge.adaptive")

_KEPT = 10_000
_MOST_PATIENCE = 64.0
_PROVEN = 4.0
_EASED = 0.5


class Governor:
    """The variant in use, changed as a policy decides.

    A step up that is taken back within four times the policy's waiting time failed: the next one
    waits twice as long, and so on. A step up that lasts longer makes it as patient as before, and
    so does a load that is only half of that under which the last step failed.

    Args:
        policy: What decides.
        names: Names of the variants, the cheapest first. It begins with the last.
        now: Seconds by the clock.

    Attributes:
        rung: The variant in use.
        switched_s: When it was taken.
        decisions: What was decided, the latest ten thousand.

    Example:
        >>> from tfedge.runtime.adaptive.limits import CpuLoad
        >>> governor = Governor(CpuLoad(dwell_s=0.0), ["small", "large"], now=0.0)
        >>> governor.ask(Signals(1.0, rungs=2, cpu_load=0.99))
        0
        >>> list(governor.decisions)
        [1.000 s  large -> small  CpuLoad: cpu_load 0.99]
    """

    def __init__(self, policy: Policy, names: Sequence[str], now: float):
        self.policy, self.names = policy, tuple(names)
        self.rung = len(self.names) - 1
        self.began_s = self.switched_s = now
        self.decisions: deque[Decision] = deque(maxlen=_KEPT)
        self._patience = 1.0
        self._climbed = False
        self._failed_at = 0.0
        self._complained: str | None = None

    def ask(self, signals: Signals) -> int:
        """Return the variant to use now.

        An error of a user's policy is logged, and the variant stays as it is: requests are
        answered all the same.
        """
        signals = self.known(signals)
        try:
            rung = self.policy.decide(signals, self.rung)
            if rung != self.rung:
                self._switch(rung, signals)
        except Exception as error:
            self._complain(error)
        return self.rung

    def known(self, signals: Signals) -> Signals:
        """Return signals with what only the governor knows."""
        since = signals.time_s - self.switched_s
        if self._climbed and since > _PROVEN * self.policy.up_after_s * self._patience:
            self._climbed, self._patience = False, 1.0
        if signals.rate_per_s < _EASED * self._failed_at:
            self._failed_at, self._patience = 0.0, 1.0
        return replace(signals, since_switch_s=since, patience=self._patience)

    def _switch(self, rung: int, signals: Signals) -> None:
        """Take another variant and write down why; if that fails, nothing has changed."""
        one_of("variant", rung, range(len(self.names)))
        reason = self.policy.reason(signals, self.rung)
        if rung > self.rung:
            self._climbed = True
        elif self._climbed:
            self._climbed, self._failed_at = False, signals.rate_per_s
            self._patience = min(2 * self._patience, _MOST_PATIENCE)
        decision = Decision(
            signals.time_s - self.began_s, self.names[self.rung], self.names[rung], reason, signals
        )
        self.decisions.append(decision)
        self.rung, self.switched_s = rung, signals.time_s
        logger.info("%r", decision)

    def _complain(self, error: Exception) -> None:
        """Log an error of the policy, once as long as it stays the same."""
        text = f"{type(error).__name__}: {error}"
        if text != self._complained:
            self._complained = text
            logger.exception("The policy failed; the variant stays as it is")
