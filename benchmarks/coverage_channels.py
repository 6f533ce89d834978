"""The columns of the coverage benchmark that remove channels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from coverage_cases import CHANNELS, Case

import tfedge
from tfedge.models import model_statistics

SAMPLES = 32
ENOUGH_DB, LESS_DB = 25.0, 3.0
CHEAP = (
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "MobileNetV3Large",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "DenseNet121",
    "NASNetMobile",
    "ResNet50",
    "Xception",
)


def prunes_channels(case: Case) -> str:
    """Return whether the model has fewer channels and still answers, and the MACs left."""
    slim = case.slim
    answers = np.asarray(slim(case.images, training=False))
    left = model_statistics(slim).macs / model_statistics(case.model).macs
    right = left < 1 and np.isfinite(answers).all() and np.ptp(answers, axis=0).max() > 0
    return f"{'yes' if right else '**no**'}, {left:.0%} of the MACs"


def slim_converts(case: Case) -> str:
    """Return how near the INT8 file of the smaller model is to it, and that of the whole model.

    Networks with random weights differ in how much rounding they bear, so the file of the smaller
    one may be as near as that of the whole one, or 25 dB.
    """
    images = case.random(SAMPLES, seed=2).astype("float32")
    slim, whole = (parity(model, images) for model in (case.slim, case.model))
    right = "yes" if slim >= min(ENOUGH_DB, whole - LESS_DB) else "**no**"
    return f"{right}, {slim:.0f} dB (whole {whole:.0f} dB)"


def parity(model: Any, images: np.ndarray) -> float:
    """Return how near the strict INT8 file of a model is to it, in dB."""
    lite = tfedge.convert(model, "int8", images, parity=False)
    return tfedge.compare(model, lite, images, latency=False, layers=False).sqnr_db


CONVERTED = "prune_channels, INT8"
REMOVE: dict[str, Callable[[Case], str]] = {
    f"prune_channels {CHANNELS:.0%}": prunes_channels,
    CONVERTED: slim_converts,
}
