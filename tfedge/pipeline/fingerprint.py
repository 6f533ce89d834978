"""What tells one model, and one set of data, from another."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.core.data import Batch, leaves
from tfedge.core.records import Record
from tfedge.pipeline.samples import Samples

_HASHED = 1024
_PROBED = 32


@dataclass(frozen=True, repr=False)
class DataFingerprint(Record):
    """What data were used.

    Attributes:
        form: Class of what was passed.
        samples: Number of samples.
        inputs: Shape and dtype of one sample's inputs.
        labels: Shape and dtype of one sample's labels.
        hashed_samples: How many samples the hash is of: all of arrays, the first of others, none
            of data that differ from one reading to the next, shuffled or augmented.
        sha256: The hash, with number, shapes and dtypes in it.

    Example:
        >>> print(DataFingerprint("tuple", 8, "float32 (2,)", "int64 ()", 8, "ab" * 32).samples)
        8
    """

    form: str
    samples: int
    inputs: str
    labels: str
    hashed_samples: int
    sha256: str


def fingerprint(data: Samples) -> DataFingerprint:
    """Return what data were used; what is no array is read through once."""
    head = data.first(_PROBED)
    inputs, labels = _text(head.x), _text(head.y)
    content = data.whole
    if content is None and _digest(head) == _digest(data.first(_PROBED)):
        content = data.first(_HASHED)
    found = hashlib.sha256(f"{len(data)} samples of {inputs} with {labels}".encode())
    if content is not None:
        found.update(_digest(content))
    hashed = 0 if content is None else len(content)
    return DataFingerprint(data.form, len(data), inputs, labels, hashed, found.hexdigest())


def model_digest(model: Any) -> str:
    """Return a SHA-256 of a model's layers and weights, in hexadecimal.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> before = model_digest(model)
        >>> model.set_weights([2 * weight + 1 for weight in model.get_weights()])
        >>> before == model_digest(model)
        False
    """
    config = json.dumps(model.get_config(), default=str, sort_keys=True)
    found = hashlib.sha256(config.encode())
    for weight in model.get_weights():
        found.update(np.ascontiguousarray(weight).tobytes())
    return found.hexdigest()


def _digest(batch: Batch) -> bytes:
    """Return a digest of samples, labels and weights."""
    found = hashlib.sha256()
    for part in batch:
        for leaf in leaves(part):
            found.update(np.ascontiguousarray(leaf).tobytes())
    return found.digest()


def _text(part: Any) -> str:
    """Return shapes and dtypes of one sample."""
    if isinstance(part, dict):
        return ", ".join(f"{name}: {_text(leaf)}" for name, leaf in part.items())
    return ", ".join(f"{leaf.dtype} {leaf.shape[1:]}" for leaf in leaves(part))
