"""The least harmful set of layers that saves enough: an exact choice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_UNITS = 2000


def least_harm(harms: Sequence[float], savings: Sequence[int], needed: int) -> list[int] | None:
    """Return the places of items that together save enough, with the least sum of harms.

    Dynamic programming over savings, in 2000 parts of what is needed, rounded down: the set found
    never saves less than it should, and is exact where ``needed`` is at most 2000.

    Args:
        harms: What each item costs, 0 or more.
        savings: What each saves; those of 0 or less are left out.
        needed: What they must save together.

    Returns:
        Places in ascending order, None if all together save too little.

    Example:
        >>> least_harm([5.0, 3.0, 3.0], [10, 6, 5], needed=10)
        [0]
        >>> least_harm([5.0, 3.0, 3.0], [10, 6, 5], needed=22) is None
        True

    Reference:
        Martello and Toth, Knapsack Problems, Wiley 1990, section 2.6.
    """
    part = max(1, -(-needed // _UNITS))
    goal = -(-needed // part)
    useful = [place for place, saved in enumerate(savings) if saved >= part]
    least = np.full(goal + 1, np.inf)
    least[0] = 0
    taken = np.zeros((len(useful), goal + 1), bool)
    for row, place in enumerate(useful):
        before = np.maximum(np.arange(goal + 1) - savings[place] // part, 0)
        with_it = least[before] + harms[place]
        taken[row] = with_it < least
        least = np.minimum(with_it, least)
    if not np.isfinite(least[goal]):
        return None
    chosen, left = [], goal
    for row in reversed(range(len(useful))):
        if left and taken[row, left]:
            chosen.append(useful[row])
            left = max(0, left - savings[useful[row]] // part)
    return sorted(chosen)
