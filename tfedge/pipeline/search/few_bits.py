"""Layers that take 4-bit weights: in which order they are lowered, and what that saves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tfedge.convert.mixed.bench import Bench
from tfedge.convert.mixed.judge import Judge, judged
from tfedge.convert.mixed.start import conversion_of
from tfedge.core.errors import TfedgeError
from tfedge.core.records import Record
from tfedge.models.adopt import adopt

BITS = 4
_SAMPLES = 256
_PARTS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, repr=False)
class FewBits(Record):
    """Layers in the order in which their weights get 4 bits, and how large the file is then.

    Attributes:
        layers: Names of the layers, the one that minds least first.
        sqnr_db: SQNR of the outputs if that layer alone has 4-bit weights.
        gzip_bytes: Size after gzip with the first 0, 1, 2 … of them lowered. The file itself
            stays as large: its weights are stored in 8 bits, which every runtime knows.

    Example:
        >>> few = FewBits(("a", "b", "c"), (30.0, 20.0, 10.0), (1000, 990, 700, 400))
        >>> few.counts, few.ratio(2), few.settings(1)
        ((0, 2, 3), 0.7, {'a': {'weight_bits': 4}})
    """

    layers: tuple[str, ...]
    sqnr_db: tuple[float, ...]
    gzip_bytes: tuple[int, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """Numbers of layers worth a try: where a quarter, half … of the most is saved."""
        whole, least = self.gzip_bytes[0], min(self.gzip_bytes)
        limits = [whole - part * (whole - least) for part in _PARTS]
        sizes = list(enumerate(self.gzip_bytes))
        return (0, *dict.fromkeys(next(n for n, size in sizes if size <= one) for one in limits))

    def ratio(self, count: int) -> float:
        """Return the size after gzip with so many layers lowered, relative to none."""
        return self.gzip_bytes[count] / self.gzip_bytes[0]

    def settings(self, count: int) -> dict[str, dict[str, int]]:
        """Return settings of layers as `tfedge.quantize` and `tfedge.recover` take them."""
        return {name: {"weight_bits": BITS} for name in self.layers[:count]}


def few_bits(
    model: Any, x: Any, done: Callable[[int], object] = lambda number: None
) -> FewBits | None:
    """Return which layers take 4-bit weights, None if the model has no integer file to judge by.

    One layer at a time gets kernels of 15 values for each channel, as `tfedge.sensitivity` does,
    and the file runs on the inputs. Then the integer file is made with more and more of them.

    Args:
        model: A model.
        x: Typical inputs.
        done: Told after each file.
    """
    try:
        conversion = conversion_of(flat := adopt(model), x, _SAMPLES, "minmax", None)
        bench = Bench(conversion)
        judge = Judge(bench.reference, judged(x, conversion.signature.inputs, _SAMPLES))
    except TfedgeError:
        return None
    known = {layer.name for layer in flat.layers}
    units = [unit for unit in bench.units if unit.kernels and unit.layer in known]
    found = {}
    for unit in units:
        found[unit] = judge(bench.lowered_alone([unit])).sqnr_db
        done(1)
    order = sorted(units, key=lambda unit: -found[unit])
    sizes = [bench.file(lowered=order[:count]).gzip_bytes for count in range(len(order) + 1)]
    if not order or min(sizes) >= sizes[0]:
        return None
    names = tuple(unit.layer for unit in order)
    return FewBits(names, tuple(float(found[unit]) for unit in order), tuple(sizes))
