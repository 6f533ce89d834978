"""How many processors there are for the threads of kernels."""

from __future__ import annotations

import os
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


def warn_of_threads(threads: int, stacklevel: int = 2) -> None:
    """Warn when more threads are asked for than there are processors.

    Args:
        threads: Threads for kernels.
        stacklevel: As of `warnings.warn`, seen from the caller.
    """
    cores = processors()
    if threads > cores:
        warnings.warn(
            f"threads={threads} is more than the {cores} processors here; runs can become many "
            "times slower.",
            stacklevel=stacklevel + 1,
        )
