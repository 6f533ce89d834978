"""Arrays in ``.npz`` and ``.npy`` files."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tfedge.cli.data.choosing import checked, chosen_x, chosen_y, in_part
from tfedge.cli.data.fitting import fit_inputs
from tfedge.cli.data.request import ModelInput, Request
from tfedge.core.errors import DataError


class ArraySource:
    """A file of arrays. One array alone is the inputs.

    Args:
        request: How it is read.
        file: The file.

    Raises:
        DataError: If it is damaged, or a key that was asked for is missing.
    """

    def __init__(self, request: Request, file: Path | BinaryIO) -> None:
        self._request, self._place = request, file
        with self._opened() as found:
            self._keys = in_part(list(found), request)
        checked((*request.x, *request.y), self._keys, request)
        self._y = chosen_y(self._keys, request)
        self.labelled = self._y is not None

    def load(self, inputs: list[ModelInput]) -> Any:
        """Return ``x``, or ``(x, y)``, as `tfedge.cli.data.request.Source` says."""
        keys = chosen_x(self._keys, inputs, self._request)
        with self._opened() as found:
            x, y = self._values(found, keys), self._values(found, self._y)
        x = fit_inputs(x, inputs, self._request)
        check_lengths(x, y, self._request)
        return x if y is None else (x, y)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[Mapping[str, np.ndarray]]:
        """Yield the arrays by name; pickles are not read, because they can hold code."""
        with self._bytes() as file:
            try:
                found = np.load(file, allow_pickle=False)
            except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
                raise DataError(
                    f"{self._request.path!r} cannot be read: {error}. It may be cut short or "
                    "damaged; write it again with numpy.savez."
                ) from error
            yield {"x": found} if isinstance(found, np.ndarray) else found

    def _bytes(self) -> contextlib.AbstractContextManager[BinaryIO]:
        """Return the file from its beginning, closed afterwards if it was opened here."""
        if isinstance(self._place, Path):
            return self._place.open("rb")
        self._place.seek(0)
        return contextlib.nullcontext(self._place)

    def _values(self, found: Mapping[str, np.ndarray], keys: str | dict[str, str] | None) -> Any:
        """Return the arrays that keys name."""
        if keys is None:
            return None
        if isinstance(keys, dict):
            return {name: self._array(found, key) for name, key in keys.items()}
        return self._array(found, keys)

    def _array(self, found: Mapping[str, np.ndarray], key: str) -> np.ndarray:
        """Read one array."""
        try:
            return found[self._keys[key]]
        except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(
                f"{key!r} in {self._request.path!r} cannot be read: {error}. The file may be "
                "damaged; arrays of objects are not read, make arrays of numbers of them."
            ) from error


def check_lengths(x: Any, y: Any, request: Request) -> None:
    """Raise unless inputs and labels are of as many samples, and there are some.

    Raises:
        DataError: If they are not.

    Example:
        >>> check_lengths(np.zeros(3), np.zeros(3), Request("a.npz", "a.npz", ""))
    """
    columns = [*_columns("x", x), *_columns("y", y)]
    counts = {name: len(array) if np.ndim(array) else 0 for name, array in columns}
    if not all(counts.values()):
        raise DataError(f"There are no samples in {request.spec!r}: {counts}.")
    if len(set(counts.values())) > 1:
        raise DataError(f"The arrays of {request.spec!r} differ in their samples: {counts}.")


def _columns(name: str, value: Any) -> list[tuple[str, Any]]:
    """Return arrays with names to call them by."""
    if value is None:
        return []
    return list(value.items()) if isinstance(value, dict) else [(name, value)]
