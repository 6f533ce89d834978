"""Whether several files answer the same question: inputs and outputs in users' terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tfedge.core.errors import ModelError
from tfedge.runtime.adaptive.variant import Variant
from tfedge.runtime.feeds import takes_real
from tfedge.runtime.graph import TensorInfo


class Ports(NamedTuple):
    """Inputs and outputs of one variant in the order of the ladder's best.

    Attributes:
        inputs: Its input tensors.
        outputs: Its output tensors.
        inputs_in_file: For each input of the file the place in ``inputs``.
        outputs_in_file: For each output of ``outputs`` the place among those of the file.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    inputs_in_file: tuple[int, ...]
    outputs_in_file: tuple[int, ...]


def ports(ladder: Sequence[Variant]) -> list[Ports]:
    """Return the inputs and outputs of each variant, in one order.

    Names count where there are several inputs or outputs; a single one may have any name.

    Raises:
        ModelError: If variants differ in names, shapes but for the number of samples, or in
            whether values are real or whole numbers.

    Example:
        >>> from tfedge.runtime.sample import sample_model
        >>> [one] = ports([Variant(sample_model())])
        >>> one.inputs[0].name, one.outputs_in_file
        ('x', (0,))
    """
    best = ladder[-1]
    return [_ports(variant, best) for variant in ladder]


def _ports(variant: Variant, best: Variant) -> Ports:
    """Return the ports of one variant."""
    model = variant.file
    if not (model.inputs and model.outputs):
        raise ModelError(f"{model.name!r} has no inputs or no outputs; there is nothing to run.")
    inputs = _matched("input", variant, model.inputs, best, best.file.inputs)
    outputs = _matched("output", variant, model.outputs, best, best.file.outputs)
    in_file = [tensor.index for tensor in model.outputs_in_file]
    return Ports(
        inputs,
        outputs,
        tuple(inputs.index(tensor) for tensor in model.inputs),
        tuple(in_file.index(tensor.index) for tensor in outputs),
    )


def _matched(
    what: str,
    variant: Variant,
    found: Sequence[TensorInfo],
    best: Variant,
    wanted: Sequence[TensorInfo],
) -> tuple[TensorInfo, ...]:
    """Return tensors in the order of the best variant's, or raise if they are not alike."""
    by_name = {tensor.name: tensor for tensor in found}
    single = len(found) == len(wanted) == 1
    if not single and set(by_name) != {tensor.name for tensor in wanted}:
        raise ModelError(
            f"The variants are not alike: {variant.name!r} has the {what}s {sorted(by_name)}, "
            f"{best.name!r} has {sorted(tensor.name for tensor in wanted)}. All must have the "
            "same, so that a request can be answered by any of them."
        )
    ordered = tuple(found[0] if single else by_name[tensor.name] for tensor in wanted)
    for here, there in zip(ordered, wanted, strict=True):
        _check_alike(what, variant, here, best, there)
    return ordered


def _check_alike(
    what: str, variant: Variant, here: TensorInfo, best: Variant, there: TensorInfo
) -> None:
    """Raise if two tensors do not hold the same kind and number of values."""
    mine, other = _meaning(here), _meaning(there)
    if mine != other:
        raise ModelError(
            f"The variants are not alike: {what} {here.name!r} of {variant.name!r} is {mine}, "
            f"{there.name!r} of {best.name!r} is {other}. All must take and give the same, but for "
            "the number of samples and quantization."
        )


def _meaning(tensor: TensorInfo) -> str:
    """Return what users pass or get, in words: kind of values and shape of a sample."""
    sizes = ("any" if size < 0 else str(size) for size in tensor.shape_signature[1:])
    kind = "real numbers" if takes_real(tensor) else tensor.dtype
    return f"{kind} of ({', '.join(['samples', *sizes])})"
