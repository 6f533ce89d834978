"""The trials than which no other is better in one respect and as good in all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def front(costs: Sequence[Sequence[float]]) -> list[int]:
    """Return the places of rows that no other row dominates; of equal rows the first.

    Args:
        costs: A row for each candidate; less is better in each column.

    Returns:
        Places, sorted by the last column.

    Example:
        >>> front([[0.1, 5], [0.2, 4], [0.2, 5], [0.1, 5], [0.3, 1]])
        [4, 1, 0]
    """
    rows = np.asarray(costs, float).reshape(len(costs), -1)
    kept = []
    for place, row in enumerate(rows):
        as_good = (rows <= row).all(axis=1)
        better = as_good & (rows < row).any(axis=1)
        earlier = as_good[:place] & (rows[:place] == row).all(axis=1)
        if not better.any() and not earlier.any():
            kept.append(place)
    return sorted(kept, key=lambda place: (*reversed(rows[place]), place))
