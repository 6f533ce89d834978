"""TFRecord files of ``tf.train.Example``, read by TensorFlow as they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfedge.cli.data.choosing import checked, chosen_x, chosen_y, taken
from tfedge.cli.data.features import Feature, features_of
from tfedge.cli.data.fitting import fit_inputs
from tfedge.cli.data.request import ModelInput, Request
from tfedge.core.errors import ArgumentError, DataError

_BATCH = 64
_GZIP = b"\x1f\x8b"


class RecordSource:
    """TFRecord files, all with the same features.

    Args:
        request: How they are read.
        paths: The files.

    Raises:
        ArgumentError: If no features are named.
        DataError: If a feature that was asked for is not named, or a file is empty.
    """

    def __init__(self, request: Request, paths: list[Path]) -> None:
        if request.part:
            raise ArgumentError(f"{request.spec!r}: TFRecord files have no parts. Leave '::' out.")
        self._request, self._paths = request, paths
        self._features = features_of(request)
        checked((*request.x, *request.y), self._features, request)
        if empty := [path for path in paths if not path.stat().st_size]:
            raise DataError(f"{str(empty[0])!r} is empty.")
        self._y = chosen_y(self._features, request) or self._other()
        self.labelled = self._y is not None

    def load(self, inputs: list[ModelInput]) -> Any:
        """Return a function that makes batches, as `tfedge.cli.data.request.Source` says."""
        others = [name for name in self._features if name != self._y]
        keys = chosen_x(others, inputs, self._request)

        def batches() -> Iterator[Any]:
            """Yield batches of inputs, or of inputs and labels."""
            for values in self._values():
                x = fit_inputs(taken(values, keys), inputs, self._request)
                y = taken(values, self._y)
                yield (x,) if y is None else (x, y)

        next(batches())
        return batches

    def _other(self) -> str | None:
        """Return the only whole number among the features, which is the label then."""
        found = [one.name for one in self._features.values() if one.kind == "int64"]
        asked = {key for _, key in self._request.x}
        return found[0] if len(found) == 1 and len(self._features) > 1 and not asked else None

    def _values(self) -> Iterator[dict[str, np.ndarray]]:
        """Yield arrays by name of feature, batch by batch."""
        import tensorflow as tf

        paths = [str(path) for path in self._paths]
        kind = "GZIP" if self._paths[0].read_bytes()[:2] == _GZIP else ""
        known = {one.name: one.parser() for one in self._features.values()}
        dataset = tf.data.TFRecordDataset(paths, kind).batch(_BATCH)
        try:
            for examples in dataset:
                found = tf.io.parse_example(examples, known)
                yield {name: self._decoded(self._features[name], found[name]) for name in known}
        except (tf.errors.OpError, ValueError) as error:
            reason = str(getattr(error, "message", error)).split(" [Op:")[0]
            raise DataError(
                f"{self._request.spec!r} cannot be read: {reason}. The features may be others "
                "than those named, or the file is damaged."
            ) from error

    def _decoded(self, feature: Feature, values: Any) -> np.ndarray:
        """Return a feature of one batch as an array."""
        return feature.decoded(values, self._request)
