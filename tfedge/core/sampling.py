"""A few hundred samples out of whatever users have, as calibration needs them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfedge.core.data import batches, count


def spread(total: int, limit: int) -> np.ndarray:
    """Return at most ``limit`` positions, spread evenly over ``total``.

    Example:
        >>> spread(1000, 5)
        array([  0, 250, 500, 749, 999])
    """
    return np.unique(np.linspace(0, total - 1, min(total, limit)).round().astype(int))


def sample(
    data: Any, limit: int, *, shapes: Mapping[str, Sequence[int | None]] | None = None
) -> Iterator[Any]:
    """Yield the inputs of batches that make at most ``limit`` samples; labels are left aside.

    Arrays that hold more are sampled evenly over their whole length, because they are often
    sorted by class. Of a stream the first samples are taken, and it is read no further; it may
    be endless.

    Args:
        data: Anything that `tfedge.core.data.batches` reads.
        limit: Largest number of samples.
        shapes: Shape of one sample by input name, as `tfedge.core.data.batches` takes it.

    Yields:
        An array, or a dictionary or list of arrays, samples along the first axis.

    Raises:
        DataError: If there are no samples.

    Example:
        >>> [x] = sample(np.arange(1000), limit=5)
        >>> x.tolist()
        [0, 250, 500, 749, 999]
    """
    bounded = data.take(limit) if hasattr(data, "as_numpy_iterator") else data
    left = limit
    for batch in batches(bounded, shapes=shapes):
        x = picked(batch.x, spread(len(batch), left))
        yield x
        left -= count(x)
        if left <= 0:
            return


def picked(x: Any, positions: np.ndarray) -> Any:
    """Return some samples of an array, or of a dictionary or list of arrays.

    Example:
        >>> picked({"a": np.arange(4)}, np.array([0, 3]))
        {'a': array([0, 3])}
    """
    if isinstance(x, Mapping):
        return {name: array[positions] for name, array in x.items()}
    if isinstance(x, list):
        return [array[positions] for array in x]
    return x[positions]
