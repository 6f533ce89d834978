"""Data sets of Keras 3 in the form that tf_keras reads."""

from __future__ import annotations

from typing import Any

from tfedge.core.errors import DataError
from tfedge.models.flavours import tf_keras

keras: Any = tf_keras()


def for_tf_keras(data: Any) -> Any:
    """Return a Keras 3 ``PyDataset`` as a tf_keras ``Sequence``; everything else as it is.

    Args:
        data: Whatever ``fit`` takes.

    Raises:
        DataError: If a ``PyDataset`` has no length.

    Example:
        >>> for_tf_keras([1, 2])
        [1, 2]
    """
    kinds = {(kind.__module__.split(".")[0], kind.__name__) for kind in type(data).__mro__}
    return _Batches(data) if ("keras", "PyDataset") in kinds else data


class _Batches(keras.utils.Sequence):
    """The batches of a Keras 3 ``PyDataset``."""

    def __init__(self, dataset: Any) -> None:
        """Keep the data set, whose length must be known."""
        if dataset.num_batches is None:
            raise DataError(
                f"{type(dataset).__name__} is an endless PyDataset (num_batches is None). Give it "
                f"a __len__, or pass a generator and steps_per_epoch."
            )
        self._dataset = dataset

    def __len__(self) -> int:
        """Return the number of batches."""
        return int(self._dataset.num_batches)

    def __getitem__(self, index: int) -> Any:
        """Return one batch."""
        return self._dataset[index]

    def on_epoch_end(self) -> None:
        """Tell the data set that an epoch is over."""
        self._dataset.on_epoch_end()
