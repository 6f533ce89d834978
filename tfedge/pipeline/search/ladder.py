"""The accuracy-aware walk: as far as the drop allows, in steps that get smaller."""

from __future__ import annotations

from collections.abc import Sequence

FIRST_STEP = 0.3
LEAST_STEP = 0.04


def next_rate(
    tried: Sequence[tuple[float, bool]],
    *,
    start: float = 0.0,
    most: float = 0.98,
    step: float = FIRST_STEP,
    least_step: float = LEAST_STEP,
) -> float | None:
    """Return the next rate to try, or None when the walk has ended.

    From the highest rate whose drop was allowed one step up; if that was not allowed, half the
    step. The walk is settled by what was tried, so it goes on where it stopped.

    Args:
        tried: Rates with whether their drop was allowed, in the order in which they were tried.
        start: The least rate that is of interest.
        most: The highest rate that is possible.
        step: The first step.
        least_step: Steps below it end the walk.

    Example:
        >>> next_rate([]), next_rate([(0.3, True)]), next_rate([(0.3, False)])
        (0.3, 0.6, 0.15)
        >>> next_rate([(0.3, True), (0.6, False)])
        0.45
    """
    good, place = start, 0
    if start > 0 and not tried:
        return round(start, 3)
    if start > 0 and not tried[0][1]:
        return None
    place = 1 if start > 0 else 0
    while step >= least_step:
        rate = round(min(good + step, most), 3)
        if rate <= good:
            return None
        if place == len(tried):
            return rate
        if tried[place][1]:
            good = rate
        else:
            step /= 2
        place += 1
    return None
