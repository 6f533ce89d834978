"""How many processors there are for the threads of kernels."""

from __future__ import annotations

import os
import sys
import warnings


def processors() -> int:
    """Return how many processors this process may use.

    Example:
        >>> processors() >= 1
        True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def warn_of_threads(threads: int) -> None:
    """Warn when more threads are asked for than there are processors, where the user asked.

    Args:
        threads: Threads for kernels.
    """
    cores = processors()
    if threads > cores:
        warnings.warn(
            f"threads={threads} is more than the {cores} processors here; runs can become many "
            "times slower.",
            stacklevel=_levels_to_user(),
        )


def _levels_to_user() -> int:
    """Return how many calls lie between the function that asks and code outside this package."""
    level, frame = 2, sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("tfedge."):
        level, frame = level + 1, frame.f_back
    return level
