"""What a teacher said of each sample, kept in a file and found again by the sample's content."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfedge.core.errors import ArgumentError
from tfedge.core.files import write_whole

_FORMAT = 1
_DIGEST = 16


class Answers:
    """A memory-mapped table: the hash of a sample, and what the teacher said of it.

    Samples are told apart by all their bytes (BLAKE2b, 128 bits), so that shuffling changes
    nothing, and a sample that is new, or that augmentation changed, is never answered with
    another one's answer. Rows are only appended, each batch in one write; what an interrupted
    write left is dropped when the table is opened.

    Args:
        folder: Where ``answers.bin`` and ``manifest.json`` are, made if missing.
        teacher: What tells this teacher from others.
        shapes: Shape of each answer to one sample.
        ask: What to call for new samples: a list of arrays, samples first, to a list of arrays.

    Raises:
        ArgumentError: If the folder holds another teacher's answers, or cannot be written.

    Example:
        >>> import tempfile
        >>> calls = []
        >>> def ask(inputs):
        ...     calls.append(len(inputs[0]))
        ...     return [inputs[0] * 2]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     answers = Answers(folder, "net", [(1,)], ask)
        ...     found = [answers(np.float32(x))[0].tolist() for x in ([[1], [2]], [[2], [3]])]
        >>> found, calls
        ([[[2.0], [4.0]], [[4.0], [6.0]]], [2, 1])
    """

    def __init__(
        self, folder: Any, teacher: str, shapes: Sequence[tuple], ask: Callable[[list], list]
    ) -> None:
        self.folder = Path(folder)
        self.hits = self.asked = 0
        self._ask, self._lock, self._stopped = ask, threading.Lock(), False
        fields = [(f"answer_{place}", "<f4", shape) for place, shape in enumerate(shapes)]
        self._row = np.dtype([("digest", f"V{_DIGEST}"), *fields])
        self._names = [name for name, *_ in fields]
        _claim(self.folder, {"format": _FORMAT, "teacher": teacher, "shapes": list(shapes)})
        self._path = self.folder / "answers.bin"
        self._path.touch()
        os.truncate(
            self._path, self._path.stat().st_size // self._row.itemsize * self._row.itemsize
        )
        self._table = self._mapped()
        self._places = {row.tobytes(): place for place, row in enumerate(self._table["digest"])}

    def __len__(self) -> int:
        """Number of samples known."""
        return len(self._places)

    def __call__(self, *inputs: np.ndarray) -> list[np.ndarray]:
        """Return the answers to a batch, from the table as far as it goes.

        Args:
            inputs: The inputs of the teacher, samples first.

        Returns:
            One float32 array per answer, in the order of the samples.
        """
        with self._lock:
            digests = _digests(inputs)
            new = _first_places([d for d in digests if d not in self._places], digests)
            self.hits, self.asked = self.hits + len(digests) - len(new), self.asked + len(new)
            fresh = self._asked([array[new] for array in inputs], [digests[i] for i in new])
            known = {d: place for place, d in enumerate(digests[i] for i in new)}
            return self._gathered(digests, known, fresh)

    def end_epoch(self) -> None:
        """Start counting anew; warn and stop growing if no sample was seen again.

        Called at the end of each epoch but the first.
        """
        if self.asked and not self.hits and not self._stopped:
            self._stop(
                f"no sample of the last epoch ({self.asked:,}) was seen before. Augmented data "
                f"differ every time, and parts of an endless data set too: keep augmentation off, "
                f"or leave cache out"
            )
        self.start_epoch()

    def start_epoch(self) -> None:
        """Start counting anew."""
        self.hits = self.asked = 0

    def _asked(self, inputs: list[np.ndarray], digests: list[bytes]) -> np.ndarray:
        """Return rows for new samples, which are kept."""
        rows = np.zeros(len(digests), self._row)
        if not digests:
            return rows
        rows["digest"] = np.array(digests, self._row["digest"])
        for name, answer in zip(self._names, self._ask(inputs), strict=True):
            rows[name] = answer
        if not self._stopped:
            self._keep(rows, digests)
        return rows

    def _keep(self, rows: np.ndarray, digests: list[bytes]) -> None:
        """Append rows; a disk that is full must not end a training."""
        try:
            with self._path.open("ab", buffering=0) as file:
                written = file.write(rows.tobytes())
                end = file.tell() // self._row.itemsize
        except OSError as error:
            self._stop(f"{error.strerror} when writing {self._path}")
            return
        if written == rows.nbytes:
            self._places |= {d: end - len(digests) + i for i, d in enumerate(digests)}
        else:
            self._stop(f"{self._path} took {written:,} of {rows.nbytes:,} bytes: is the disk full?")

    def _gathered(
        self, digests: list[bytes], known: dict[bytes, int], fresh: np.ndarray
    ) -> list[np.ndarray]:
        """Return the answers in the order of the samples."""
        rows = np.empty(len(digests), self._row)
        old = [place for place, digest in enumerate(digests) if digest not in known]
        if old:
            places = [self._places[digests[place]] for place in old]
            if max(places) >= len(self._table):
                self._table = self._mapped()
            rows[old] = self._table[places]
        for place in set(range(len(digests))) - set(old):
            rows[place] = fresh[known[digests[place]]]
        return [np.ascontiguousarray(rows[name]) for name in self._names]

    def _mapped(self) -> np.ndarray:
        """Return the rows of the file, which stay on the disk."""
        if not self._path.stat().st_size:
            return np.zeros(0, self._row)
        return np.memmap(self._path, self._row, "r")

    def _stop(self, why: str) -> None:
        """Ask the teacher every time from now on."""
        self._stopped = True
        warnings.warn(
            f"The cache of the teacher's outputs grows no more: {why}. The teacher runs for each "
            f"sample that is not in it.",
            UserWarning,
            stacklevel=2,
        )


def _claim(folder: Path, manifest: dict[str, Any]) -> None:
    """Write down whose answers a folder holds, or check that they are the same one's."""
    path, text = folder / "manifest.json", json.dumps(manifest, indent=1)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = path.read_text() if path.exists() else None
        if found is None:
            write_whole(path, text.encode())
    except OSError as error:
        raise ArgumentError(
            f"cache={str(folder)!r} cannot be used: {error.strerror}. Give a folder that can be "
            f"written."
        ) from error
    if found is not None and found != text:
        raise ArgumentError(
            f"cache={str(folder)!r} is stale: it holds what another teacher said, or this one "
            f"with other weights. Its answers would teach something else. Delete the folder, or "
            f"give each teacher a folder of its own."
        )


def _digests(inputs: Sequence[np.ndarray]) -> list[bytes]:
    """Return the hash of each sample, over all inputs."""
    kinds = repr([(array.dtype.str, array.shape[1:]) for array in inputs]).encode()
    base = hashlib.blake2b(kinds, digest_size=_DIGEST)
    whole = [np.ascontiguousarray(array) for array in inputs]
    found = []
    for place in range(len(whole[0])):
        one = base.copy()
        for array in whole:
            one.update(array[place].data if array[place].ndim else array[place].tobytes())
        found.append(one.digest())
    return found


def _first_places(new: list[bytes], digests: list[bytes]) -> list[int]:
    """Return where each new sample stands first in a batch."""
    wanted = set(new)
    firsts: dict[bytes, int] = {}
    for place, digest in enumerate(digests):
        if digest in wanted:
            firsts.setdefault(digest, place)
    return list(firsts.values())
