"""A pipeline of single samples in batches whose size may change from one to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.core.errors import DataError


class Rebatching:
    """Every sample once in each pass, in batches as large as is wished when each is made.

    Samples are drawn in chunks of the smallest size, so that Python touches each chunk once and
    not each sample.

    Args:
        source: A dataset of single samples.
        chunk: Samples that are drawn together; sizes are multiples of it.
        size: Returns the size of the batch to make now.

    Attributes:
        made: Samples in each batch of the latest pass.
        steps: Number of batches of that pass, None until the last one is made.

    Raises:
        DataError: If the dataset is no dataset, never ends, or seems to be batched already.

    Example:
        >>> sizes = iter([2, 4, 2, 2])
        >>> batches = Rebatching(tf.data.Dataset.range(9), 2, lambda: next(sizes))
        >>> [batch.tolist() for batch in batches.dataset().as_numpy_iterator()]
        [[0, 1], [2, 3, 4, 5], [6, 7], [8]]
        >>> batches.made, batches.steps
        ([2, 4, 2, 1], 4)
    """

    def __init__(self, source: Any, chunk: int, size: Callable[[], int]):
        _check_source(source)
        self._source, self._chunk, self._size = source, chunk, size
        self.made: list[int] = []
        self.steps: int | None = None

    def dataset(self) -> tf.data.Dataset:
        """Return the batches as a dataset, made anew in each pass."""
        signature = tf.nest.map_structure(
            lambda spec: tf.TensorSpec([None, *spec.shape], spec.dtype), self._source.element_spec
        )
        options = tf.data.Options()
        # Batches made ahead would be of a size that is no longer wished.
        options.experimental_optimization.inject_prefetch = False
        batches = tf.data.Dataset.from_generator(self._batches, output_signature=signature)
        return batches.with_options(options)

    def _batches(self) -> Iterator[Any]:
        """Yield the batches of one pass; while the last is in use it is known to be that."""
        made: list[int] = []
        self.made, self.steps = made, None
        chunks = self._source.batch(self._chunk).prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
        ahead = next(chunks, None)
        while ahead is not None:
            held: list[Any] = []
            wanted = self._size()
            while ahead is not None and len(held) * self._chunk < wanted:
                held.append(ahead)
                ahead = next(chunks, None)
            batch = tf.nest.map_structure(lambda *parts: np.concatenate(parts), *held)
            made.append(len(tf.nest.flatten(batch)[0]))
            if ahead is None and self.made is made:
                self.steps = len(made)
            yield batch


def _check_source(source: Any) -> None:
    """Raise unless something is a dataset of single samples that ends."""
    if not isinstance(source, tf.data.Dataset):
        raise DataError(
            f"A {type(source).__name__} cannot be wrapped. Pass a tf.data.Dataset of single "
            "samples, or arrays (x, y)."
        )
    if int(source.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise DataError(
            "This dataset never ends (repeat()), so no epoch of it would. Leave repeat() out: fit "
            "starts it anew for each epoch."
        )
    for spec in tf.nest.flatten(source.element_spec):
        if not isinstance(spec, tf.TensorSpec):
            raise DataError(f"Only dense tensors can be batched anew; {spec} was found.")
        if spec.shape.rank is None or (spec.shape.rank and spec.shape[0] is None):
            raise DataError(
                f"This dataset seems to be batched already ({spec}); its batches cannot change "
                "their size. Pass single samples: leave .batch() out, or add .unbatch()."
            )
