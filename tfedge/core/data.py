"""Users' data as batches: arrays, dictionaries, ``tf.data``, generators, Keras sequences, loaders.

Everything is recognized by what it can do, so that no framework is imported. The model's input
shapes tell a batch from a single sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfedge.core.errors import DataError

_STACKED = 256


class Batch(NamedTuple):
    """Some samples: inputs, labels and weights, the last two None when there are none.

    ``x`` and ``y`` are arrays, or dictionaries or lists of arrays, samples along the first axis.
    """

    x: Any
    y: Any = None
    weight: Any = None

    def __len__(self) -> int:
        """Return the number of samples."""
        return count(self.x)


def batches(
    data: Any, y: Any = None, *, shapes: Mapping[str, Sequence[int | None]] | None = None
) -> Iterator[Batch]:
    """Yield users' data batch by batch, whatever it came as.

    Args:
        data: One of: an array; a dictionary of arrays by input name; a list of arrays, one per
            input, for models of several inputs; a tuple ``(x, y)`` or ``(x, y, weights)`` of
            these; a ``tf.data.Dataset``; a Keras ``Sequence`` or ``PyDataset``; a generator, or
            a function that makes one; any iterable. Items of the latter are ``x``, ``(x, y)`` or
            ``(x, y, weights)``, batches or single samples.
        y: Labels, when ``data`` are arrays without them.
        shapes: Shape of one sample by input name, in the model's order; None or -1 for sizes
            that are left open. Without it every item is taken for a batch.

    Raises:
        DataError: If there are no samples, the data never ends, or lengths differ.

    Example:
        >>> data = ((np.zeros(3), label) for label in range(4))
        >>> [batch] = batches(data, shapes={"x": (3,)})
        >>> batch.x.shape, batch.y
        ((4, 3), array([0, 1, 2, 3]))
    """
    whole = _whole(data, y, shapes)
    items = iter([whole]) if whole is not None else _items(data, y, shapes)
    empty = True
    for batch in items:
        _check_lengths(batch)
        if len(batch):
            empty = False
            yield batch
    if empty:
        raise DataError(
            f"There are no samples in this {type(data).__name__}. An iterator that was used up "
            "before stays empty: pass a function that makes a new one."
        )


def regroup(parts: Iterable[Batch], samples: int) -> Iterator[Batch]:
    """Yield the same samples in batches of ``samples``, the last one smaller.

    Example:
        >>> parts = [Batch(np.arange(3)), Batch(np.arange(3, 7))]
        >>> [batch.x.tolist() for batch in regroup(parts, 5)]
        [[0, 1, 2, 3, 4], [5, 6]]
    """
    held: list[Batch] = []
    have = 0
    for part in parts:
        held.append(part)
        have += len(part)
        if have < samples:
            continue
        joined = _joined(held)
        whole = have - have % samples
        for start in range(0, whole, samples):
            yield _cut(joined, start, start + samples)
        have -= whole
        held = [_cut(joined, whole, whole + have)] if have else []
    if held:
        yield _joined(held)


def length_hint(data: Any) -> int | None:
    """Return the number of samples where it can be told without reading the data.

    Example:
        >>> length_hint((np.zeros((5, 2)), np.zeros(5)))
        5
    """
    if isinstance(data, tuple) and data:
        data = data[0]
    if isinstance(data, Mapping) and data:
        data = next(iter(data.values()))
    return len(data) if _is_array(data) and np.ndim(data) else None


def count(x: Any) -> int:
    """Return the number of samples in an array, or in a dictionary or list of arrays.

    Example:
        >>> count({"left": np.zeros((5, 2))})
        5
    """
    arrays = leaves(x)
    return len(arrays[0]) if arrays and arrays[0].ndim else 0


def _whole(data: Any, y: Any, shapes: Mapping | None) -> Batch | None:
    """Return data that lies in memory as one batch, None for everything else."""
    if isinstance(data, tuple) and y is None and 1 <= len(data) <= 3:
        if not _in_memory(data[0], shapes):
            return None
        return Batch(*(None if part is None else _tree(part) for part in data))
    if isinstance(data, tuple):
        data = list(data)
    if not _in_memory(data, shapes):
        if y is None or not isinstance(data, list):
            return None
        data = _leaf(data)
    return Batch(_tree(data), None if y is None else _tree(y))


def _in_memory(data: Any, shapes: Mapping | None) -> bool:
    """Return whether data are arrays with all samples."""
    if isinstance(data, list):
        if not data or shapes is None or len(shapes) != len(data):
            return False
        return len(data) > 1 or np.ndim(data[0]) == len(next(iter(shapes.values()))) + 1
    return _is_array(data) or isinstance(data, Mapping)


def _is_array(value: Any) -> bool:
    """Return whether something is an array or becomes one by itself."""
    return hasattr(value, "__array__") and hasattr(value, "shape")


def _items(data: Any, y: Any, shapes: Mapping | None) -> Iterator[Batch]:
    """Yield the items of an iterable as batches, single samples gathered."""
    if y is not None:
        raise DataError(
            f"y was given beside a {type(data).__name__}, which brings its own labels: pass "
            "arrays, or leave y out."
        )
    samples: list[Batch] = []
    for item in _iterate(data):
        batch = _split(item, shapes)
        if not _is_sample(batch, shapes):
            yield batch
            continue
        samples.append(batch)
        if len(samples) == _STACKED:
            yield _stacked(samples)
            samples = []
    if samples:
        yield _stacked(samples)


def _iterate(data: Any) -> Iterator[Any]:
    """Return an iterator over anything that has items."""
    if hasattr(data, "as_numpy_iterator"):
        _check_ends(data)
        return data.as_numpy_iterator()
    if hasattr(data, "__iter__"):
        return iter(data)
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return (data[index] for index in range(len(data)))
    if callable(data):
        return _iterate(data())
    raise DataError(
        f"No samples can be drawn from a {type(data).__name__}. Pass arrays, a dictionary of "
        "arrays, a tf.data.Dataset, a Keras Sequence, or a generator of (x, y)."
    )


def _check_ends(dataset: Any) -> None:
    """Raise for a dataset that repeats for ever."""
    if hasattr(dataset, "cardinality") and int(dataset.cardinality()) == -1:
        raise DataError("This tf.data.Dataset never ends (repeat()). Pass dataset.take(n).")


def _split(item: Any, shapes: Mapping | None) -> Batch:
    """Return one item as inputs, labels and weights."""
    if isinstance(item, list) and shapes is not None and len(shapes) == len(item) > 1:
        item = (item,)
    if isinstance(item, (tuple, list)) and 1 <= len(item) <= 3:
        return Batch(*(None if part is None else _tree(part) for part in item))
    return Batch(_tree(item))


def _is_sample(batch: Batch, shapes: Mapping | None) -> bool:
    """Return whether this is one sample rather than a batch of them."""
    if not shapes:
        return False
    if isinstance(batch.y, np.ndarray) and batch.y.ndim == 0:
        return True
    if isinstance(batch.x, Mapping):
        name = next((name for name in shapes if name in batch.x), None)
        return name is not None and _fits(batch.x[name], shapes[name])
    return _fits(leaves(batch.x)[0], next(iter(shapes.values())))


def _fits(array: np.ndarray, shape: Sequence[int | None]) -> bool:
    """Return whether an array has the shape of one sample."""
    return array.ndim == len(shape) and all(
        wanted in (None, -1, found) for wanted, found in zip(shape, array.shape, strict=True)
    )


def _check_lengths(batch: Batch) -> None:
    """Raise unless inputs, labels and weights are of as many samples."""
    for what, part in (("x", batch.x), ("y", batch.y), ("weights", batch.weight)):
        for leaf in leaves(part):
            found = len(leaf) if leaf.ndim else "no axis of"
            if found != len(batch):
                raise DataError(
                    f"{what} has {found} samples where x has {len(batch)}: every sample needs "
                    "one entry in each."
                )


def _tree(value: Any) -> Any:
    """Return a dictionary or list with arrays for leaves."""
    if isinstance(value, Mapping):
        return {name: _leaf(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)) and value and all(_is_array(item) for item in value):
        same = len({np.shape(item) for item in value}) == 1 and np.ndim(value[0]) == 0
        return np.stack([_leaf(item) for item in value]) if same else [_leaf(i) for i in value]
    return _leaf(value)


def _leaf(value: Any) -> np.ndarray:
    """Return an array, also of tensors that live elsewhere."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        return np.asarray(value)
    except ValueError as error:
        raise DataError(f"No array can be made of a {type(value).__name__}: {error}.") from error


def leaves(value: Any) -> list[np.ndarray]:
    """Return the arrays in a dictionary or list, or the one array."""
    if value is None:
        return []
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [value]


def _apply(function: Callable, first: Any, *rest: Any) -> Any:
    """Apply a function to every leaf of one or several alike trees."""
    if first is None:
        return None
    if isinstance(first, dict):
        return {name: function(*(tree[name] for tree in (first, *rest))) for name in first}
    if isinstance(first, list):
        return [function(*arrays) for arrays in zip(first, *rest, strict=True)]
    return function(first, *rest)


def _stacked(samples: list[Batch]) -> Batch:
    """Return single samples as one batch."""
    return _combine(samples, lambda *arrays: np.stack(arrays))


def _joined(parts: list[Batch]) -> Batch:
    """Return several batches as one."""
    several = len(parts) > 1
    return _combine(parts, lambda *arrays: np.concatenate(arrays)) if several else parts[0]


def _combine(parts: list[Batch], function: Callable) -> Batch:
    """Combine the leaves of several batches."""
    try:
        return Batch(*(_apply(function, *column) for column in zip(*parts, strict=True)))
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"The items of the data differ in shape or structure ({error}). Give every sample "
            "the same shape."
        ) from error


def _cut(batch: Batch, start: int, stop: int) -> Batch:
    """Return some samples of a batch, without a copy."""
    return Batch(*(_apply(lambda leaf: leaf[start:stop], part) for part in batch))
