"""Statistics of normalizations, estimated again under quantization."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfedge.compress.quantization.recovery.linear_layers import Linear
from tfedge.compress.quantization.recovery.moments import Moments, in_order

_LEAST_VARIANCE = 1e-12


def reestimate_norms(
    model: Any, linears: Sequence[Linear], exact: Mapping[str, Moments], batches: Sequence[Any]
) -> int:
    """Move the statistics of normalizations as rounding moves what goes into them.

    A fake-quantized model keeps its normalizations until it is converted. Rounded weights and
    activations give their inputs other means and variances than those that they remember. Layer
    by layer, each corrected before the next one runs, mean and variance are changed so that
    each channel comes out with the mean and variance of the float model, on the same data. So
    statistics that were right for other data than these stay right for those.

    Args:
        model: The fake-quantized model; its moving statistics are changed in place.
        linears: Its linear layers.
        exact: Moments of what the float layers make, by name.
        batches: Inputs, each a list of tensors in the order of the model.

    Returns:
        The number of normalizations that were estimated.

    Example:
        >>> reestimate_norms(None, [], {}, [])
        0

    Reference:
        Nagel et al., ICML 2022, arXiv:2203.11086, section 5.1 (there on the data alone).
    """
    known = {one.name: one.norm for one in linears if one.norm is not None and one.name in exact}
    if not known:
        return 0

    def estimate(name: str, found: Moments) -> None:
        """Write the statistics that fit what was found."""
        norm, wanted = known[name], exact[name]
        mean, variance = matched(
            Moments(norm.moving_mean.numpy(), norm.moving_variance.numpy()),
            wanted,
            found,
            norm.epsilon,
        )
        norm.moving_mean.assign(mean.astype("float32"))
        norm.moving_variance.assign(variance.astype("float32"))

    in_order(model, batches, set(known), estimate)
    return len(known)


def matched(moving: Moments, exact: Moments, found: Moments, epsilon: float) -> Moments:
    """Return the statistics with which a normalization gives the mean and variance that it gave.

    Args:
        moving: Its statistics now.
        exact: Moments of its input in the float model.
        found: Moments of its input in the quantized model.
        epsilon: What it adds to variances.

    Example:
        >>> one = np.ones(1)
        >>> matched(Moments(one, one), Moments(one, one), Moments(3 * one, 4 * one), 0.0)
        Moments(mean=array([3.]), variance=array([4.]))
    """
    alive = np.minimum(exact.variance, found.variance) > _LEAST_VARIANCE
    ratio = np.where(alive, found.variance / np.where(alive, exact.variance, 1.0), 1.0)
    mean = found.mean + (moving.mean - exact.mean) * np.sqrt(ratio)
    variance = (moving.variance + epsilon) * ratio - epsilon
    return Moments(mean, np.maximum(variance, 0.0))
