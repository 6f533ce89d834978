"""What one step of a recipe made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tfedge.core.records import Record


@dataclass(frozen=True, repr=False)
class Stage(Record):
    """What one step of a recipe made.

    Attributes:
        kind: Kind of the step; ``"original"`` is the model that went in.
        seconds: How long it took when it was made.
        parameters: Number of weights of the model, or of the one that the file was made of.
        macs: Multiply-accumulates of one sample; None where shapes are open.
        digest: SHA-256 of the weights, or of the file.
        size_bytes: Size of the file, None before there is one.
        gzip_bytes: Size of the file after gzip.
        metrics: Metrics on ``val`` by name; empty without ``val``.
        notes: What the conversion said about the file.

    Example:
        >>> Stage("train", 1.5, 60, 54, "ab", metrics={"accuracy": 0.9}).metrics["accuracy"]
        0.9
    """

    kind: str
    seconds: float
    parameters: int
    macs: int | None
    digest: str
    size_bytes: int | None = None
    gzip_bytes: int | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
