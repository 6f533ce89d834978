"""Users' data, ready for every step: to be counted, marked, looked at and trained on."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfedge.core.data import Batch, batches, regroup
from tfedge.core.errors import DataError
from tfedge.core.sampling import picked, spread

_KEPT = 4096


class Samples:
    """Samples with labels, in any form that tfedge takes.

    Arrays, and iterators that can be read once, lie in memory; they are shuffled in training.
    ``tf.data``, Keras sequences and functions that make generators are read anew in every epoch,
    in their own order, so that what they augment stays augmented.

    Args:
        data: Anything that `tfedge.core.data.batches` reads, with labels.
        model: The model that they are for; its inputs tell a batch from a sample.
        name: What to call them in messages.

    Raises:
        DataError: If there are none, or they have no labels.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> model = tf_keras().Sequential([tf_keras().Input((2,)), tf_keras().layers.Dense(1)])
        >>> train = Samples((np.zeros((5, 2)), np.arange(5)), model)
        >>> len(train), train.steps(2), train.some(2)[1].tolist()
        (5, 3, [0, 4])
    """

    def __init__(self, data: Any, model: Any, name: str = "train") -> None:
        self.name = name
        self._shapes = input_shapes(model)
        self._source = data
        self.whole: Batch | None = None
        if _lies_in_memory(data):
            parts = list(batches(data, shapes=self._shapes))
            [self.whole] = regroup(parts, sum(map(len, parts)))
        first = self.first(1)
        if first.y is None:
            raise DataError(
                f"{name} brings no labels. Pass (x, y), or data whose items are (x, y)."
            )

    @property
    def form(self) -> str:
        """The class of what users passed."""
        return type(self._source).__name__

    def __len__(self) -> int:
        """Return the number of samples; data that are no arrays are read through once for it."""
        return self._count

    @functools.cached_property
    def _count(self) -> int:
        """The number of samples."""
        return sum(map(len, self.batches()))

    def batches(self, size: int | None = None) -> Iterator[Batch]:
        """Yield all samples, in batches as they come or of one size."""
        if self.whole is not None:
            parts: Iterator[Batch] = iter([self.whole])
        else:
            parts = batches(self._source, shapes=self._shapes)
        return regroup(parts, size) if size else parts

    def steps(self, size: int) -> int:
        """Return the number of batches of a size."""
        return -(-len(self) // size)

    def first(self, limit: int) -> Batch:
        """Return the first samples, at most so many."""
        found = next(self.batches(limit))
        places = np.arange(min(len(found), limit))
        return Batch(*(None if part is None else picked(part, places) for part in found))

    def some(self, limit: int) -> tuple[Any, Any]:
        """Return inputs and labels of samples: of arrays evenly spread, of others the first."""
        if self.whole is None:
            found = self.first(limit)
            return found.x, found.y
        places = spread(len(self.whole), limit)
        return picked(self.whole.x, places), picked(self.whole.y, places)

    def inputs(self, limit: int) -> Any:
        """Return the inputs of `some`."""
        return self.some(limit)[0]

    def fit(
        self, model: Any, epochs: int, size: int, callbacks: Sequence[Any], val: Samples | None
    ) -> None:
        """Train a compiled tf_keras model on all samples."""
        settings: dict[str, Any] = {"epochs": epochs, "callbacks": list(callbacks), "verbose": 0}
        if val is not None:
            settings["validation_data"] = val.feed(size)
        if self.whole is None:
            model.fit(self.feed(size), **settings)
        else:
            x, y, weight = self.whole
            model.fit(x, y, batch_size=size, sample_weight=weight, **settings)

    def feed(self, size: int) -> Any:
        """Return a ``tf.data.Dataset`` of batches, read anew in every epoch, in order."""
        import tensorflow as tf

        spec = tf.nest.map_structure(_spec, _told(self.first(1)))
        made = tf.data.Dataset.from_generator(lambda: self._epoch(size), output_signature=spec)
        return made.apply(tf.data.experimental.assert_cardinality(self.steps(size))).prefetch(2)

    def _epoch(self, size: int) -> Iterator[tuple]:
        """Yield the batches of one epoch, and tell a Keras sequence that it is over."""
        for batch in self.batches(size):
            yield _told(batch)
        if hasattr(self._source, "on_epoch_end"):
            self._source.on_epoch_end()


def input_shapes(model: Any) -> dict[str, Any]:
    """Return the shape of one sample by input name.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> input_shapes(keras.Sequential([keras.Input((2,), name="x"), keras.layers.ReLU()]))
        {'x': (2,)}
    """
    from tfedge.models.graph import read_graph

    found = read_graph(model).input_layers
    return {name: tuple(tensor.shape[1:]) for name, _, tensor in found}


def _lies_in_memory(data: Any) -> bool:
    """Return whether data are arrays, or an iterator that can be read once only."""
    arrays = isinstance(data, (tuple, list, Mapping)) or hasattr(data, "__array__")
    return arrays or hasattr(data, "__next__")


def _told(batch: Batch) -> tuple:
    """Return a batch as ``fit`` takes it."""
    parts = (batch.x, batch.y) if batch.weight is None else tuple(batch)
    return tuple(tuple(part) if isinstance(part, list) else part for part in parts)


def _spec(array: np.ndarray) -> Any:
    """Return what TensorFlow is told about a part of a batch."""
    import tensorflow as tf

    return tf.TensorSpec((None, *array.shape[1:]), array.dtype)
