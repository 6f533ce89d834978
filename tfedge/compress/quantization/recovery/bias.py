"""Bias correction: what rounding shifts on average is taken off again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfedge.compress.quantization.recovery.linear_layers import Linear
from tfedge.compress.quantization.recovery.moments import Moments, in_order


def correct_biases(
    model: Any, linears: Sequence[Linear], exact: Mapping[str, Moments], batches: Sequence[Any]
) -> int:
    """Shift biases so that each layer makes, on average, what the float layer makes.

    Rounded weights and activations shift the mean of a channel, and many small shifts add up over
    the layers. Layer by layer, each corrected before the next one runs, the difference of the
    means is taken off the bias, or added to the moving mean of a normalization.

    Args:
        model: The fake-quantized model; its biases are changed in place.
        linears: Its linear layers.
        exact: Moments of what the float layers make, by name.
        batches: Inputs, each a list of tensors in the order of the model.

    Returns:
        The number of layers that were corrected.

    Example:
        >>> correct_biases(None, [], {}, [])
        0

    Reference:
        Nagel et al., ICCV 2019, arXiv:1906.04721, section 4.2, with data in place of its
        assumption of normal distributions (appendix D).
    """
    known = {one.name: one for one in linears if one.name in exact}
    if not known:
        return 0

    def correct(name: str, found: Moments) -> None:
        """Take the shift off."""
        layer, norm = known[name].layer, known[name].norm
        shift = (found.mean - exact[name].mean).astype("float32")
        if layer.bias is not None:
            layer.bias.assign_sub(shift)
        else:
            norm.moving_mean.assign_add(shift)

    in_order(model, batches, set(known), correct)
    return len(known)
