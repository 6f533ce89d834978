"""From saliencies of the members of a group to one score per unit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

REDUCTIONS: dict[str, Callable] = {"mean": np.mean, "max": np.max, "sum": np.sum}
NORMALIZATIONS = ("mean", "max", "none")


def reduced(saliencies: Sequence[np.ndarray], reduce: str = "mean") -> np.ndarray:
    """Return one score per unit from those of the members of its group.

    Args:
        saliencies: One array per member, each of shape (units,).
        reduce: ``"mean"``, ``"max"`` or ``"sum"``.

    Returns:
        float64, shape (units,).

    Example:
        >>> reduced([np.array([1.0, 2.0]), np.array([3.0, 0.0])], "max")
        array([3., 2.])

    Reference:
        Fang et al., "DepGraph", CVPR 2023, arXiv:2301.12900, section 3.3.
    """
    return REDUCTIONS[reduce](np.stack(saliencies).astype(np.float64), axis=0)


def normalized(scores: np.ndarray, how: str = "mean") -> np.ndarray:
    """Return scores that can be compared with those of other groups.

    Args:
        scores: Shape (units,).
        how: ``"mean"`` or ``"max"`` divides by the group's mean or largest magnitude;
            ``"none"`` leaves them. A group of zeros stays as it is.

    Returns:
        float64, shape (units,).

    Example:
        >>> normalized(np.array([1.0, 3.0]), "mean")
        array([0.5, 1.5])
    """
    scores = np.asarray(scores, np.float64)
    if how == "none" or not scores.size:
        return scores
    scale = float(getattr(np.abs(scores), how)())
    return scores / scale if scale > 0 else scores
