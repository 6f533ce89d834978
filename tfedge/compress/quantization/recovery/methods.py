"""The methods that bring accuracy back, one after the other, and a record of what they did."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.compress.quantization.preparation import Prepared
from tfedge.compress.quantization.ranges import observe, set_kernel_ranges, set_ranges
from tfedge.compress.quantization.recovery.bias import correct_biases
from tfedge.compress.quantization.recovery.equalize import equalize
from tfedge.compress.quantization.recovery.linear_layers import linear_layers, with_offsets
from tfedge.compress.quantization.recovery.moments import Moments, in_order
from tfedge.compress.quantization.recovery.norms import reestimate_norms
from tfedge.compress.quantization.recovery.scale_groups import scale_groups
from tfedge.compress.quantization.recovery.unclipping import without_clipping
from tfedge.compress.quantization.rounding.learn import round_kernels
from tfedge.compress.quantization.suspicion import warn_of_ranges
from tfedge.core.observers import Observer
from tfedge.core.records import Record
from tfedge.core.statistics import Statistics
from tfedge.evaluate.difference import sqnr_db
from tfedge.models.training.trainable import TrainableModel

_PLAIN = "plain"
_EQUALIZE = "equalize"


@dataclasses.dataclass(frozen=True, repr=False)
class Recovery(Record):
    """What each method changed, and what that brought.

    Attributes:
        samples: Number of calibration samples.
        synthetic: Whether they were made up from the statistics of normalizations.
        observer: The rule that made the ranges.
        changed: By method, in the order in which they ran: the number of groups of tensors that
            were equalized, or of layers that were corrected.
        undone: Methods that made the copy worse, so that their changes were taken back.
        sqnr_db: Signal to quantization noise of the outputs on the calibration samples:
            ``"plain"`` before the first method, then after each.
    """

    samples: int
    synthetic: bool
    observer: str
    changed: dict[str, int]
    undone: tuple[str, ...]
    sqnr_db: dict[str, float]


class Work:
    """A model on its way back to accuracy: float and fake-quantized, with the same variables.

    Args:
        ready: The model as it is to be quantized.
        batches: Inputs, each a list of tensors in the order of the model.
        observers: Rules that make ranges; of several the best is taken.
        methods: Names of the methods that :meth:`do` will be called with.
    """

    def __init__(
        self,
        ready: Prepared,
        batches: Sequence[list[Any]],
        observers: Sequence[Observer],
        methods: Collection[str],
    ) -> None:
        self._expected = _outputs(ready.model, batches)
        model = ready.model
        if _EQUALIZE in methods:
            model = without_clipping(model, batches, ready.excluded)
        model = with_offsets(model, ready.excluded)
        self._ready = dataclasses.replace(ready, model=model)
        self._batches, self._observers = batches, observers
        self._observer = observers[0]
        self._linears = linear_layers(model, ready.excluded)
        self._exact: dict[str, Moments] = {}
        self._quantized = self._ready.wrapped()
        self._changed: dict[str, int] = {}
        self._undone: list[str] = []
        warn_of_ranges(model.name, self._calibrate())
        self._sqnr_db = {_PLAIN: self._measured()}

    def do(self, name: str) -> None:
        """Carry out a method; undo it if it makes the copy worse."""
        before, last = self._quantized.get_weights(), list(self._sqnr_db.values())[-1]
        observer = self._observer
        changed = METHODS[name](self)
        found = self._measured()
        if found < last:
            self._quantized.set_weights(before)
            self._observer = observer
            self._undone.append(name)
            changed, found = 0, last
        self._changed[name], self._sqnr_db[name] = changed, found

    def finished(self, synthetic: bool) -> TrainableModel:
        """Return the fake-quantized model, with the record of what was done."""
        self._quantized.recovery = Recovery(
            samples=sum(len(batch[0]) for batch in self._batches),
            synthetic=synthetic,
            observer=self._observer.name,
            changed=self._changed,
            undone=tuple(self._undone),
            sqnr_db={name: round(db, 2) for name, db in self._sqnr_db.items()},
        )
        return self._quantized

    def equalize(self) -> int:
        """Scale channels between layers."""
        shared = {name for name, kept in self._ready.kept.items() if kept.clusters is not None}
        leave = self._ready.excluded | shared
        changed = equalize(scale_groups(self._ready.model, leave))
        self._calibrate()
        return changed

    def learn_rounding(self) -> int:
        """Learn which weights are better rounded up or down."""
        self._means()  # of the float kernels, which are overwritten
        return len(round_kernels(self._quantized, self._batches))

    def estimate_norms(self) -> int:
        """Let statistics of normalizations follow."""
        return reestimate_norms(self._quantized, self._linears, self._means(), self._batches)

    def correct_biases(self) -> int:
        """Take mean errors off."""
        return correct_biases(self._quantized, self._linears, self._means(), self._batches)

    def _means(self) -> dict[str, Moments]:
        """Return what the layers make in float, before anything but scales was changed."""
        if not self._exact:
            names = {one.name for one in self._linears}
            in_order(self._ready.model, self._batches, names, self._exact.__setitem__)
        return self._exact

    def _calibrate(self) -> dict[str, Statistics]:
        """Set all ranges anew, by the rule that brings the outputs nearest to the float model's."""
        columns = (np.concatenate(column) for column in zip(*self._batches, strict=True))
        data = dict(zip(self._quantized.input_names, columns, strict=True))
        set_kernel_ranges(self._quantized)
        samples, found = sum(len(batch[0]) for batch in self._batches), []
        seen = observe(self._quantized, data, self._observers, samples)
        for rule in self._observers if len(self._observers) > 1 else ():
            set_ranges(self._quantized, seen, rule)
            found.append(self._measured())
        self._observer = self._observers[int(np.argmax(found)) if found else 0]
        set_ranges(self._quantized, seen, self._observer)
        return seen

    def _measured(self) -> float:
        """Return how far the outputs are from those of the float model, in dB."""
        return sqnr_db(self._expected, _outputs(self._quantized, self._batches))


def _outputs(model: Any, batches: Sequence[list[Any]]) -> np.ndarray:
    """Return the values of all outputs of a model, one after the other."""
    made = (one for inputs in batches for one in tf.nest.flatten(model(inputs, training=False)))
    return np.concatenate([np.ravel(one) for one in made]).astype(np.float64)


METHODS: dict[str, Callable[[Work], int]] = {
    _EQUALIZE: Work.equalize,
    "rounding": Work.learn_rounding,
    "batch_norm": Work.estimate_norms,
    "bias": Work.correct_biases,
}
"""What can be done, in the order in which it is done."""
