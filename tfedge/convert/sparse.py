"""TFLite's sparse encoding of a pruned model: measured, proven, and offered if it is smaller.

It stores where the weights are that are not zero, and these. The interpreter unpacks them when
it loads the file, and computes all of them: files get smaller, not faster. Only dense layers in
float whose zeros fill blocks of 4 or 16 input channels are computed as they are stored. Some
sparse files do not load, or load and give wrong values, depending on mode, pattern and runtime;
so each is run beside its dense twin on every runtime that is installed.
"""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfedge.convert.conversion import Conversion
from tfedge.core.checks import one_of
from tfedge.core.errors import ConversionError, ModelError, WorkerError
from tfedge.core.records import Record
from tfedge.core.sizes import human_size
from tfedge.runtime.interpreter import available_runtimes
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.runner import Runner

CHOICES = (False, True, "auto")
_SAMPLES = 8
_TOLERANCE = 1e-4
_SLOW_TO_LOAD = "tf.lite"
_NO_SPEED = (
    "Unstructured zeros save storage and transfer, not time: LiteRT computes them on a CPU as any "
    "other number. Only blocks of zeros, 4x1 or 16x1 in dense layers of a sparse float file, save "
    "time."
)


@dataclasses.dataclass(frozen=True, repr=False)
class StorageRecord(Record):
    """What a pruned model costs on disk and on the way, stored densely and sparsely.

    Attributes:
        encoding: ``"dense"`` or ``"sparse"``: how the file that was returned stores its weights.
        reason: Why.
        dense_bytes: Size of the dense file.
        dense_gzip_bytes: Its size after gzip.
        sparse_bytes: Size of the sparse file; None if there is none that works.
        sparse_gzip_bytes: Its size after gzip.
        runtimes: Where the sparse file was run and gave what the dense one gives.
        speed: What the zeros do for latency.
    """

    encoding: str
    reason: str
    dense_bytes: int
    dense_gzip_bytes: int
    sparse_bytes: int | None
    sparse_gzip_bytes: int | None
    runtimes: tuple[str, ...]
    speed: str = _NO_SPEED

    def __repr__(self) -> str:
        """Return a small table."""
        rows = [("dense", self.dense_bytes, self.dense_gzip_bytes)]
        if self.sparse_bytes is not None and self.sparse_gzip_bytes is not None:
            rows.append(("sparse", self.sparse_bytes, self.sparse_gzip_bytes))
        lines = [
            f"  {'*' if name == self.encoding else ' '} {name:<6}  {human_size(raw):>9}  "
            f"gzip {human_size(packed):>9}"
            for name, raw, packed in rows
        ]
        texts = [
            textwrap.indent(textwrap.fill(text, 78), "  ") for text in (self.reason, self.speed)
        ]
        return "\n".join(["StorageRecord", *lines, *texts])


def stored(dense: TFLiteModel, conversion: Conversion, sparse: Any, x: Mapping) -> TFLiteModel:
    """Return the dense file or its sparse twin, with a :class:`StorageRecord` in its notes.

    Args:
        dense: The file.
        conversion: What it was made from.
        sparse: ``"auto"`` for the smaller one, True to insist on the sparse one.
        x: Samples by input name, on which both have to agree.

    Raises:
        ConversionError: With ``sparse=True``, if the sparse file does not work; says where.
    """
    one_of("sparse", sparse, CHOICES)
    twin, runtimes, fault = _twin(dense, conversion, {k: v[:_SAMPLES] for k, v in x.items()})
    if twin is None and sparse is True:
        raise ConversionError(
            f"The {conversion.mode.name} file of {dense.name!r} cannot be stored sparsely: "
            f"{fault} sparse='auto' returns the dense file then, which gzip shrinks to "
            f"{human_size(dense.gzip_bytes)}."
        )
    is_smaller = twin is not None and twin.size_bytes < dense.size_bytes
    chosen = twin if twin is not None and (is_smaller or sparse is True) else dense
    record = StorageRecord(
        encoding="dense" if chosen is dense else "sparse",
        reason=_reason(is_smaller, fault, chosen is dense),
        dense_bytes=dense.size_bytes,
        dense_gzip_bytes=dense.gzip_bytes,
        sparse_bytes=None if twin is None else twin.size_bytes,
        sparse_gzip_bytes=None if twin is None else twin.gzip_bytes,
        runtimes=runtimes,
    )
    return TFLiteModel(chosen.content, dense.name, {**dense.notes, "storage": record})


def _reason(is_smaller: bool, fault: str, is_dense: bool) -> str:
    """Return why a file was chosen."""
    if fault:
        return f"No sparse file works: {fault}"
    if is_smaller:
        return "The sparse file is smaller and gives the same values."
    return "The dense file is smaller." if is_dense else "Sparse as asked; dense is smaller."


def _twin(
    dense: TFLiteModel, conversion: Conversion, x: Mapping[str, np.ndarray]
) -> tuple[TFLiteModel | None, tuple[str, ...], str]:
    """Return the sparse file that gives what the dense one gives, and on which runtimes.

    Where a model can be converted in several ways, that is the one that made the dense file.
    """
    fault = "the converter wrote none."
    runtimes = tuple(name for name in available_runtimes() if name != _SLOW_TO_LOAD)
    for written in _written(conversion):
        if isinstance(written, str):
            fault = written
            continue
        faults = (_fault(dense, written, x, name) for name in runtimes or (_SLOW_TO_LOAD,))
        fault = next(filter(None, faults), "")
        if not fault:
            return written, runtimes or (_SLOW_TO_LOAD,), ""
    return None, (), fault


def _written(conversion: Conversion) -> Any:
    """Yield sparse files, or why there is none."""
    files = dataclasses.replace(conversion, sparse=True).files()
    while True:
        try:
            yield next(files)
        except StopIteration:
            return
        except (ConversionError, ModelError, WorkerError) as error:
            yield str(error).splitlines()[0]
            return


def _fault(dense: TFLiteModel, sparse: TFLiteModel, x: Mapping, runtime: str) -> str:
    """Return what is wrong with a sparse file on a runtime, empty if nothing is."""
    expected = _outputs(dense, x, runtime)
    try:
        found = _outputs(sparse, x, runtime)
    except (ModelError, WorkerError) as error:
        return f"on {runtime} it does not run: {str(error).splitlines()[0]}"
    for one, other in zip(expected, found, strict=True):
        limit = _TOLERANCE * max(float(np.abs(one).max()), 1e-30)
        if not np.all(np.abs(one.astype(float) - other) <= limit):
            return f"on {runtime} it loads and gives other values than the dense file."
    return ""


def _outputs(lite: TFLiteModel, x: Mapping[str, np.ndarray], runtime: str) -> list[np.ndarray]:
    """Return the outputs of a file as a list of arrays."""
    plain = x if len(x) > 1 else next(iter(x.values()))
    with Runner(lite, runtime=runtime) as runner:
        outputs = runner.predict(plain)
    return list(outputs.values()) if isinstance(outputs, dict) else [outputs]
