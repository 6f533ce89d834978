"""How values that a model had are best made of those that a smaller model has."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

RIDGE = 0.01
_ROWS_PER_VALUE = 4


@dataclasses.dataclass(eq=False)
class Moments:
    """First and second moments of what goes into a layer, before and after channels went.

    Attributes:
        count: Number of pairs of rows.
        before, after: Sums of the rows, shapes (units,) and (stays,).
        products: Sum of ``outer(after, before)``, shape (stays, units).
        squares: Sum of ``outer(after, after)``, shape (stays, stays).
    """

    count: int = 0
    before: Any = 0.0
    after: Any = 0.0
    products: Any = 0.0
    squares: Any = 0.0

    def add(self, before: np.ndarray, after: np.ndarray) -> None:
        """Add pairs of rows, shapes (rows, units) and (rows, stays)."""
        before, after = before.astype(np.float64), after.astype(np.float64)
        self.count += len(before)
        self.before = self.before + before.sum(0)
        self.after = self.after + after.sum(0)
        self.products = self.products + after.T @ before
        self.squares = self.squares + after.T @ after

    def enough(self) -> bool:
        """Return whether there are rows enough to tell a mixture from chance."""
        return self.count >= _ROWS_PER_VALUE * np.size(self.after)

    def mixture(self, stays: np.ndarray, *, centred: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return how the values before are best made of those after.

        ``before = after @ mixture + rest`` by least squares. A ridge of 1 % of the mean square
        holds the mixture near the plain one, in which each unit that stays is itself.

        Args:
            stays: Which units the values after are those of, shape (stays,).
            centred: Whether there is a ``rest``; it is 0 otherwise.

        Returns:
            float64, shapes (stays, units) and (units,).

        Example:
            >>> moments = Moments()
            >>> x = np.linspace(-1, 1, 8)[:, None]
            >>> moments.add(x @ np.array([[1.0, 2.0]]), x)
            >>> moments.mixture(np.array([0]), centred=True)[0].round(1)
            array([[1., 2.]])
        """
        factor = 1.0 if centred else 0.0
        mean, inner = factor * self.before / self.count, factor * self.after / self.count
        squares = self.squares / self.count - np.outer(inner, inner)
        wanted = self.products / self.count - np.outer(inner, mean)
        wanted[:, stays] -= squares
        ridge = RIDGE * np.trace(squares) / len(squares) + np.finfo(np.float32).tiny
        mixture = np.linalg.solve(squares + ridge * np.eye(len(squares)), wanted)
        mixture[np.arange(len(stays)), stays] += 1
        return mixture, mean - inner @ mixture
