"""Whether a model in integer training may leave it: ranges set, zeros and clusters intact."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.core.errors import ModelError
from tfedge.models.training.activation_range import NOT_SET
from tfedge.models.training.clustered import as_rows
from tfedge.models.wrappers import is_quantizing

_LISTED = 5


def range_variables(layers: Any) -> list[tuple[str, Any, Any]]:
    """Return (place, min variable, max variable) of every activation range that is found.

    Example:
        >>> range_variables([])
        []
    """
    return [
        (f"{layer.name}/{name}", variables["min_var"], variables["max_var"])
        for layer in layers
        for name, (one, variables) in getattr(layer, "ranges", {}).items()
        if one.has_variables
    ]


def unset_ranges(model: Any) -> list[str]:
    """Return the places of activation ranges that neither data nor training has set.

    Example:
        >>> import tfedge
        >>> from tfedge.models.flavours import keras3
        >>> keras = keras3()
        >>> head = keras.layers.Dense(2, name="head")
        >>> unset_ranges(tfedge.quantize(keras.Sequential([keras.Input((2,), name="x"), head])))
        ['x_range/output', 'head/output']
    """
    wrappers = [layer for layer in model.layers if hasattr(layer, "ranges")]
    unset = [layer for layer in wrappers if layer.optimizer_step.numpy() == NOT_SET]
    return [place for place, *_ in range_variables(unset)]


def check_exportable(model: Any) -> None:
    """Raise unless a model in integer training computes as its int8 file is promised to.

    Args:
        model: A Keras model; one without fake quantization passes.

    Raises:
        ModelError: If a range was never set, if training has diverged, if a weight that was to
            stay 0 is not, or if a kernel has more distinct values than it was to keep.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> check_exportable(tf_keras().Sequential())
    """
    wrappers = [layer for layer in model.layers if is_quantizing(layer)]
    if unset := unset_ranges(model):
        named = ", ".join(map(repr, unset[:_LISTED]))
        raise ModelError(
            f"{model.name!r} has {len(unset)} activation ranges that nothing has set yet: {named}"
            f"{' …' if len(unset) > _LISTED else ''}. Its int8 file would clip or round away what "
            f"passes there. Give tfedge.quantize calibration data, or train first."
        )
    for place, low, high in range_variables(model.layers):
        check_finite(f"the range of {place!r}", np.array([low.numpy(), high.numpy()]))
    for layer in wrappers:
        for kernel, scheme, state in getattr(layer, "_weight_vars", ()):
            check_finite(f"the kernel of {layer.name!r}", kernel.numpy())
            if hasattr(scheme, "keep_zeros"):  # tfmot's own wrappers have another list there
                check_kernel(layer.name, scheme.apply(kernel, False, state).numpy(), scheme, state)


def check_finite(what: str, values: np.ndarray) -> None:
    """Raise unless all values are finite.

    Args:
        what: What they are, for the error.
        values: Any array of floats.

    Raises:
        ModelError: If one is NaN or infinite.

    Example:
        >>> check_finite("the kernel of 'head'", np.ones((2, 2)))
    """
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        raise ModelError(
            f"{what} holds {values[tuple(wrong[0])]} ({len(wrong)} of {values.size} values): "
            f"training has diverged. Train again from the last good checkpoint, with a smaller "
            f"learning rate or clipped gradients."
        )


def check_kernel(name: str, made: np.ndarray, scheme: Any, state: dict[str, Any]) -> None:
    """Raise if a kernel has lost what it was to keep.

    Args:
        name: Name of its layer.
        made: The kernel as the layer computes with it.
        scheme: Its ``KernelScheme``.
        state: The variables of the scheme.

    Raises:
        ModelError: If a weight that was to stay 0 is not, or there are too many distinct values.

    Example:
        >>> from tfedge.models.training.kernel_scheme import KernelScheme
        >>> check_kernel("head", np.ones((2, 2)), KernelScheme("kernel", clusters=1), {})
    """
    if scheme.keep_zeros and np.any(made[state["mask"].numpy() == 0]):
        raise ModelError(
            f"{name!r} has lost zeros that it was to keep. Its variables were written from "
            f"elsewhere: quantize the pruned model again."
        )
    if scheme.clusters is None:
        return
    most = max(len(np.unique(row)) for row in as_rows(made, scheme.cluster_axis).numpy())
    allowed = scheme.clusters + scheme.keep_zeros
    if most > allowed:
        raise ModelError(
            f"{name!r} has {most} distinct values in its kernel and was to keep {allowed}. "
            f"Its variables were written from elsewhere: quantize the clustered model again."
        )
