"""A ``.tflite`` file in memory: its bytes and what they say about themselves."""

from __future__ import annotations

import functools
import hashlib
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from tfedge.core.checks import as_path
from tfedge.core.errors import ModelError
from tfedge.core.files import write_whole
from tfedge.core.records import Record, _plain
from tfedge.core.sizes import gzip_size, human_size
from tfedge.runtime.facts import Facts, inspect_file, read_facts
from tfedge.runtime.graph import OperatorInfo, TensorInfo


@dataclass(frozen=True, repr=False, eq=False)
class TFLiteModel(Record):
    """A ``.tflite`` file in memory. Two are equal when their bytes are.

    The file is read in a worker process; a damaged one raises an error and harms nothing.

    Args:
        content: The bytes of the file.
        name: What to call it in tables and messages.
        notes: Whatever made it wants to say about it, such as a converter's parity record.
            Travels with the object, not with the file.

    Raises:
        ModelError: If the bytes are not a ``.tflite`` file that the runtime can read.
        MissingPackageError: If no runtime is installed.

    Example:
        >>> TFLiteModel(b"nothing")
        Traceback (most recent call last):
        ...
        tfedge.core.errors.ModelError: 'model' is not a .tflite file: 7 bytes whose identifier ...
    """

    content: bytes
    name: str = "model"
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        """Read the file, so that a bad one is refused here."""
        object.__setattr__(self, "content", bytes(self.content))
        object.__setattr__(self, "notes", MappingProxyType(dict(self.notes)))
        object.__setattr__(self, "_facts", read_facts(self.content, self.name))

    _facts: Facts = field(init=False, compare=False)

    @classmethod
    def load(cls, path: str | os.PathLike) -> TFLiteModel:
        """Return the model in a file, named after it.

        Args:
            path: A ``.tflite`` file.

        Raises:
            ArgumentError: If it is no path.
            ModelError: If there is no such file, or it is not a ``.tflite`` file.
        """
        path = as_path("path", path)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(
                f"Cannot read {str(path)!r}: {error.strerror}. Check the path."
            ) from error
        return cls(content, path.stem)

    def save(self, path: str | os.PathLike) -> Path:
        """Write the file, whole or not at all.

        Args:
            path: Where to write. An existing file is replaced.

        Returns:
            The path.

        Raises:
            ModelError: If the folder does not exist, is read-only or full. Nothing is left behind
                and an existing file stays as it was.
        """
        path = as_path("path", path)
        try:
            write_whole(path, self.content)
        except OSError as error:
            raise ModelError(
                f"Cannot write {len(self.content)} bytes to {str(path)!r}: {error.strerror}. "
                "Nothing was changed. Choose a folder that exists, can be written and has room."
            ) from error
        return path

    def to_c(self, path: str | os.PathLike) -> tuple[Path, Path, Path]:
        """Write C source for a microcontroller with tflite-micro: all files, or none.

        ``model.cc`` holds the bytes, on 16 bytes; ``model.h`` declares them and has the size of
        the arena, and scale, zero point and size of each input and output; ``model_ops.h``
        registers the operators of the file with a ``MicroMutableOpResolver``.

        Args:
            path: Where the source goes, ``.cc``, ``.cpp``, ``.cxx`` or ``.c``. Names in it are
                made of this one.

        Returns:
            The three paths.

        Raises:
            ArgumentError: If the path has another ending.
            ModelError: If tflite-micro lacks an operator, or the files cannot be written.
        """
        from tfedge.runtime.memory.c_source import write_c

        return write_c(self, path)

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """Inputs, named as the signature names them."""
        return self._facts.inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """Outputs, named as the signature names them."""
        return self._facts.outputs

    @property
    def outputs_in_file(self) -> tuple[TensorInfo, ...]:
        """Outputs in the order in which the file lists them, which can be another."""
        return self._facts.outputs_in_file

    @property
    def operators(self) -> tuple[OperatorInfo, ...]:
        """Operators in the order of execution, none hidden by a delegate; loop bodies left out."""
        return self._facts.operators

    @property
    def float_operators(self) -> tuple[OperatorInfo, ...]:
        """Operators that an integer-only device could not run."""
        return tuple(item for item in self.operators if item.computes_in_float)

    @property
    def signatures(self) -> tuple[str, ...]:
        """Keys of the signatures."""
        return self._facts.signatures

    @property
    def size_bytes(self) -> int:
        """Size of the file."""
        return len(self.content)

    @functools.cached_property
    def gzip_bytes(self) -> int:
        """Size of the file after gzip, as it travels over a network."""
        return gzip_size(self.content)

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def tensors(self) -> tuple[TensorInfo, ...]:
        """Return every tensor of the file, as named in its graph."""
        return self._facts.tensors

    def weights(self) -> dict[str, np.ndarray]:
        """Return the values stored in the file, as stored: integer codes stay codes.

        Sparsely stored values come back dense. Names that occur more than once get ``#index``.

        Returns:
            Arrays by tensor name. ``tensors()`` has their scales.
        """
        counts = Counter(tensor.name for tensor, _ in self._stored)
        return {
            f"{tensor.name}#{tensor.index}" if counts[tensor.name] > 1 else tensor.name: value
            for tensor, value in self._stored
        }

    def stored(self) -> tuple[tuple[TensorInfo, np.ndarray], ...]:
        """Return every tensor whose value lies in the file, with its value as stored."""
        return self._stored

    @functools.cached_property
    def _stored(self) -> tuple[tuple[TensorInfo, np.ndarray], ...]:
        """Stored tensors, read once."""
        found = inspect_file("constants", self.content, self.name)
        return tuple((item, found[item.index]) for item in self.tensors() if item.index in found)

    def predict(self, x: Any, **options: Any) -> Any:
        """Return the outputs for samples; `tfedge.runtime.runner.Runner` has the options.

        Args:
            x: One array with samples along the first axis, or several by input name.
            **options: ``runtime``, ``threads``, ``batch_size``, ``accelerator``.

        Returns:
            One array, or arrays by output name.
        """
        from tfedge.runtime.runner import Runner

        return Runner(self, **options).predict(x)

    def to_dict(self) -> dict[str, Any]:
        """Return what is known about the file as plain data, without its bytes."""
        return {
            "name": self.name,
            "size_bytes": self.size_bytes,
            "gzip_bytes": self.gzip_bytes,
            "sha256": self.digest,
            "inputs": _plain(self.inputs),
            "outputs": _plain(self.outputs),
            "operators": _plain(self.operators),
            "signatures": list(self.signatures),
            "notes": _plain(dict(self.notes)),
        }

    def __eq__(self, other: object) -> bool:
        """Compare bytes."""
        return isinstance(other, TFLiteModel) and self.content == other.content

    def __hash__(self) -> int:
        """Hash the bytes."""
        return hash(self.content)

    def __reduce__(self) -> tuple:
        """Pickle the bytes, not what was read from them."""
        return type(self), (self.content, self.name, dict(self.notes))

    def __repr__(self) -> str:
        """Return sizes, inputs, outputs and a count of operators, at most 80 columns wide."""
        sizes = f"{human_size(self.size_bytes)}, gzip {human_size(self.gzip_bytes)}"
        lines = [f"TFLiteModel {self.name!r}: {sizes}"]
        lines += [f"  input   {item.text}" for item in self.inputs]
        lines += [f"  output  {item.text}" for item in self.outputs]
        counts = Counter((item.name, item.numeric_type) for item in self.operators)
        plural = "" if len(self.operators) == 1 else "s"
        lines.append(f"  {len(self.operators)} operator{plural}")
        lines += [f"  {n:>5} {name} {kind}" for (name, kind), n in counts.most_common()]
        return "\n".join(line if len(line) <= 80 else line[:77] + "..." for line in lines)
