"""What one step of a recipe made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfedge.core.records import Record


@dataclass(frozen=True, repr=False)
class Stage(Record):
    """What one step of a recipe made of a model.

    Attributes:
        kind: Kind of the step.
        seconds: How long it took, when it was done.
        parameters: Number of weights of the model, or of the one that the file was made of.
        macs: Multiply-accumulates of one sample; None where shapes are open.
        size_bytes: Size of the file, None before there is one.
        gzip_bytes: Size of the file after gzip.
        metrics: Metrics on ``val`` by name; empty without ``val``.
        digest: SHA-256 of the weights, or of the file.
        notes: What the conversion said about the file.

    Example:
        >>> Stage("train", 1.5, 60, 54, None, None, {"accuracy": 0.9}, "ab", {}).metrics
        {'accuracy': 0.9}
    """

    kind: str
    seconds: float
    parameters: int
    macs: int | None
    size_bytes: int | None
    gzip_bytes: int | None
    metrics: Mapping[str, Any]
    digest: str
    notes: Mapping[str, Any] = field(default_factory=dict)
