"""Which moves reach a target: the order is given, the question is how far to go."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tfedge.compress.pruning.channels.planning.ranking import Move

TOLERANCE = 0.02

Drop = dict[str, list[int]]
Cost = Callable[[Mapping[str, int]], float]


def gone_after(moves: Sequence[Move]) -> dict[str, int]:
    """Return how many units of each group are gone after some moves.

    Example:
        >>> gone_after([Move("a", np.array([1, 2]), 0.0), Move("a", np.array([0]), 0.5)])
        {'a': 3}
    """
    gone: Counter[str] = Counter()
    for move in moves:
        gone[move.group] += len(move.units)
    return dict(gone)


def drop_of(moves: Sequence[Move]) -> Drop:
    """Return the units that some moves remove, by group, in rising order.

    Example:
        >>> drop_of([Move("a", np.array([2, 1]), 0.0), Move("a", np.array([0]), 0.5)])
        {'a': [0, 1, 2]}
    """
    units: dict[str, list[np.ndarray]] = defaultdict(list)
    for move in moves:
        units[move.group].append(move.units)
    return {name: np.sort(np.concatenate(parts)).tolist() for name, parts in units.items()}


def moves_to(moves: Sequence[Move], cost: Cost, target: float) -> list[Move] | None:
    """Return the moves that bring a cost just below a target.

    The shortest beginning of the list that reaches the target is looked for by halving. Where its
    last move goes too far below (wide layers with ``round_to``), that move is left out and later,
    smaller ones are tried in its place.

    Args:
        moves: All moves, in order.
        cost: What is left when so many units of each group go; never rises.
        target: The cost to reach.

    Returns:
        Moves whose cost lies in [0.98, 1] times the target if there are such, else those that
        come nearest from below. None if all moves together do not reach it.

    Example:
        >>> moves = [Move("a", np.array([i]), float(i)) for i in range(8)]
        >>> len(moves_to(moves, lambda gone: 8 - gone.get("a", 0), 5.5))
        3
    """
    if cost(gone_after(moves)) > target:
        return None
    low, high = -1, len(moves)
    while high - low > 1:
        middle = (low + high) // 2
        reached = cost(gone_after(moves[:middle])) <= target
        low, high = (low, middle) if reached else (middle, high)
    if not high or cost(gone_after(moves[:high])) >= (1 - TOLERANCE) * target:
        return list(moves[:high])
    return _filled(moves, high - 1, cost, target)


def _filled(moves: Sequence[Move], start: int, cost: Cost, target: float) -> list[Move]:
    """Return the moves before ``start`` and, of the rest, those that end nearest to the target."""
    taken, best = list(moves[:start]), list(moves[: start + 1])
    nearest = cost(gone_after(best))
    blocked: set[str] = set()
    for move in moves[start:]:
        if move.group in blocked:
            continue
        value = cost(gone_after([*taken, move]))
        if value > target:
            taken.append(move)
            continue
        blocked.add(move.group)
        if value > nearest:
            best, nearest = [*taken, move], value
        if nearest >= (1 - TOLERANCE) * target:
            break
    return best
