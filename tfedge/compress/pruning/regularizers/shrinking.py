"""How much weights shrink in one step of training: proximal operators of three penalties.

A penalty is applied after the optimizer's step, by its proximal operator. That is what weight
decay does in AdamW. It works with any optimizer, does not disturb its moments, and reaches exact
zeros.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def group_lasso_factors(norms: Any, threshold: Any) -> Any:
    """Return the factors of the group lasso: ``max(0, 1 - threshold / ||w||)``.

    Args:
        norms: Norm of each unit, shape (units,).
        threshold: Learning rate times strength times the root of a unit's number of weights.

    Returns:
        Shape (units,), in [0, 1].

    Example:
        >>> group_lasso_factors(tf.constant([0.5, 2.0]), 1.0).numpy().tolist()
        [0.0, 0.5]

    Reference:
        Parikh and Boyd, "Proximal Algorithms", 2014, section 6.5.4.
    """
    return tf.maximum(0.0, 1.0 - tf.math.divide_no_nan(threshold, norms))


def soft_threshold(values: Any, threshold: Any) -> Any:
    """Return values moved towards zero, and no further: the proximal operator of L1.

    Args:
        values: Any shape.
        threshold: Learning rate times strength.

    Returns:
        The same shape.

    Example:
        >>> soft_threshold(tf.constant([0.5, -2.0]), 1.0).numpy().tolist()
        [0.0, -1.0]

    Reference:
        Parikh and Boyd, "Proximal Algorithms", 2014, section 6.5.2; on BatchNormalization scales:
        Liu et al., "Network Slimming", ICCV 2017, arXiv:1708.06519.
    """
    return tf.sign(values) * tf.maximum(tf.abs(values) - threshold, 0.0)


def ridge_factor(amount: Any) -> Any:
    """Return the factor of an L2 penalty: ``1 / (1 + 2 * amount)``.

    Args:
        amount: Learning rate times strength, at least 0.

    Returns:
        A number or array in (0, 1].

    Example:
        >>> ridge_factor(0.5)
        0.5

    Reference:
        Parikh and Boyd, "Proximal Algorithms", 2014, section 6.1.1; growing while training: Wang
        et al., "Neural Pruning via Growing Regularization", ICLR 2021, arXiv:2012.09243.
    """
    return 1.0 / (1.0 + 2.0 * amount)
