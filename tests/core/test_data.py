import numpy as np
import pytest

from tfedge.core.data import Batch, batches, count, length_hint, regroup
from tfedge.core.errors import DataError

X = np.arange(10 * 3, dtype="float32").reshape(10, 3)
Y = np.arange(10)
W = np.linspace(0, 1, 10)
ONE = {"x": (3,)}
TWO = {"left": (3,), "right": (3,)}


class Dataset:
    """What this library asks of a tf.data.Dataset."""

    def __init__(self, items, cardinality=None):
        self._items, self._cardinality = items, cardinality

    def as_numpy_iterator(self):
        return iter(self._items)

    def cardinality(self):
        return len(self._items) if self._cardinality is None else self._cardinality


class Sequence:
    """What this library asks of a Keras Sequence."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        part = slice(4 * index, 4 * index + 4)
        return X[part], Y[part], W[part]


class Loader:
    """Lists of tensors, as a PyTorch DataLoader gives them."""

    class Tensor:
        def __init__(self, array):
            self._array = array
            self.shape = array.shape

        def detach(self):
            return self

        def cpu(self):
            return self._array

        def __array__(self, dtype=None, copy=None):
            raise TypeError("a tensor that is part of a graph")

    def __iter__(self):
        for start in range(0, 10, 4):
            yield [self.Tensor(X[start : start + 4]), self.Tensor(Y[start : start + 4])]


def samples():
    """Yield single samples with their labels."""
    yield from zip(X, Y, strict=True)


KINDS = {
    "tuple": lambda: (X, Y),
    "weighted tuple": lambda: (X, Y, W),
    "lists": lambda: (X, Y.tolist()),
    "batched dataset": lambda: Dataset([(X[:4], Y[:4]), (X[4:], Y[4:])]),
    "dataset of samples": lambda: Dataset(list(samples())),
    "generator of samples": lambda: samples(),
    "generator function": lambda: samples,
    "generator of batches": lambda: ((X[i : i + 3], Y[i : i + 3]) for i in range(0, 10, 3)),
    "sequence": Sequence,
    "loader": Loader,
    "list of pairs": lambda: list(samples()),
    "dictionary": lambda: ({"x": X}, Y),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_data_gives_the_same_samples(kind):
    [whole] = regroup(batches(KINDS[kind](), shapes=ONE), 100)
    x = whole.x["x"] if kind == "dictionary" else whole.x
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(whole.y, Y)
    assert (whole.weight is not None) == (kind in ("weighted tuple", "sequence"))


def test_unlabelled_data_have_no_labels():
    for data in (X, Dataset([X[:5], X[5:]]), Dataset(list(X)), {"x": X}, iter(X)):
        [whole] = regroup(batches(data, shapes=ONE), 100)
        assert whole.y is None
        assert len(whole) == 10


def test_a_list_is_one_array_per_input_of_a_model_that_has_several():
    [batch] = batches([X, X + 1], Y, shapes=TWO)
    assert len(batch) == 10
    np.testing.assert_array_equal(batch.x[1], X + 1)
    [batch] = batches(Dataset([([X, X], Y)]), shapes=TWO)
    assert len(batch.x) == 2
    [batch] = batches([X], Y, shapes=ONE)
    assert len(batch) == 10


def test_single_samples_of_several_inputs_are_gathered():
    items = [({"left": row, "right": row + 1}, {"a": label}) for row, label in samples()]
    [batch] = batches(items, shapes=TWO)
    np.testing.assert_array_equal(batch.x["right"], X + 1)
    np.testing.assert_array_equal(batch.y["a"], Y)


def test_without_shapes_items_are_batches():
    found = list(batches(Dataset([(X[:4], Y[:4]), (X[4:], Y[4:])])))
    assert [len(batch) for batch in found] == [4, 6]


@pytest.mark.parametrize("size", [1, 3, 4, 10, 11])
def test_regrouping_keeps_order_and_labels(size):
    parts = [Batch(X[a:b], Y[a:b]) for a, b in ((0, 1), (1, 7), (7, 8), (8, 10))]
    found = list(regroup(parts, size))
    assert [len(batch) for batch in found[:-1]] == [size] * (len(found) - 1)
    np.testing.assert_array_equal(np.concatenate([batch.x for batch in found]), X)
    np.testing.assert_array_equal(np.concatenate([batch.y for batch in found]), Y)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (iter([]), "no samples"),
        (X[:0], "no samples"),
        (Dataset([X], cardinality=-1), "never ends"),
        ((X, Y[:3]), "y has 3 samples where x has 10"),
        ((X, Y, W[:3]), "weights has 3"),
        (3.5, "No samples can be drawn from a float"),
        ([(X[0], 1), (X[0][:2], 1)], "differ in shape"),
    ],
)
def test_unusable_data_say_why(data, message):
    with pytest.raises(DataError, match=message):
        list(regroup(batches(data, shapes=ONE), 100))


def test_labels_beside_data_that_bring_their_own_are_refused():
    with pytest.raises(DataError, match="brings its own labels"):
        list(batches(Dataset([(X, Y)]), Y, shapes=ONE))


def test_counting():
    assert count([X, X]) == count({"a": X}) == 10
    assert length_hint({"a": X}) == 10
    assert length_hint(samples()) is None
