"""Proof of a file: it is run beside the model on real samples before anybody gets it."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from tfedge.convert.conversion import Conversion
from tfedge.convert.representative import representative_samples
from tfedge.convert.signature import Signature
from tfedge.core.errors import ConversionError, ModelError, WorkerError
from tfedge.core.sampling import picked, spread
from tfedge.evaluate.layers import LayerParity, layer_outputs, layer_parity
from tfedge.evaluate.parity import ComparisonRecord, compare
from tfedge.runtime.model import TFLiteModel

_SAMPLES = 32
_LAYER_SAMPLES = 8
_NEAR_TIES_DB = 25.0
_SAME_LAYER_DB = 40.0


def best_file(
    files: Iterable[TFLiteModel],
    conversion: Conversion,
    x: Mapping,
    known: bool,
    done: Callable[[int], object],
) -> TFLiteModel:
    """Convert, and return the file with a parity record in its notes; warn if parity is poor.

    Where a model can be converted in several ways, the first file that is no poor copy is taken.

    Args:
        files: Made as they are drawn.
        conversion: What they are made of.
        x: Samples to check on.
        known: Whether the samples are real.
        done: Told after each step: a file written, a file proven.

    Raises:
        ConversionError: If the converter fails, or running the file kills the interpreter.
    """
    proven = []
    for lite in files:
        done(1)
        proven.append(_proven(lite, conversion, x))
        done(1)
        if not _is_poor(proven[-1], conversion, known):
            return proven[-1]
    best = max(proven, key=lambda lite: lite.notes["parity"].sqnr_db)
    warnings.warn(_verdict(best, conversion, x), UserWarning, stacklevel=4)
    return best


def proof_samples(conversion: Conversion, parity: Any) -> tuple[Mapping[str, np.ndarray], bool]:
    """Return samples to run a file on, and whether they are real.

    Args:
        conversion: What is converted.
        parity: Data to take; True or False for the calibration samples, or random ones.
    """
    samples = conversion.samples
    if not isinstance(parity, bool):
        samples = representative_samples(parity, conversion.signature.inputs, _SAMPLES)
    given = _random(conversion.signature) if samples is None else samples
    total = len(next(iter(given.values())))
    return picked(given, spread(total, _SAMPLES)), samples is not None


def _proven(lite: TFLiteModel, conversion: Conversion, x: Mapping) -> TFLiteModel:
    """Return the file with a record of how alike it and the model are."""
    try:
        record = compare(conversion.signature.predict, lite, x, latency=False)
    except (WorkerError, ModelError) as failure:
        raise ConversionError(
            f"The {conversion.mode.name} file of {lite.name!r} was written, but running it failed: "
            f"{failure} It is not returned, because a device would fail on it too. parity=False "
            "returns it unproven."
        ) from failure
    record = dataclasses.replace(record, a=dataclasses.replace(record.a, model=lite.name))
    return TFLiteModel(lite.content, lite.name, {**lite.notes, "parity": record})


def _random(signature: Signature) -> dict[str, np.ndarray]:
    """Return samples for a model of which none are known: floats in [0, 1), integers 0 or 1."""
    generator = np.random.default_rng(0)
    count = max(_SAMPLES, signature.inputs[0].shape[0] or 1)
    return {
        spec.name: (
            generator.random((count, *spec.shape[1:])) * (1 if spec.dtype.is_floating else 2)
        ).astype(spec.dtype.as_numpy_dtype)
        for spec in signature.inputs
    }


def _is_poor(lite: TFLiteModel, conversion: Conversion, known: bool) -> bool:
    """Return whether a file strays too far.

    Predictions count on real samples only, and where outputs are close to the model's,
    predictions that differ are ties.
    """
    record: ComparisonRecord = lite.notes["parity"]
    mode = conversion.mode
    disagrees = known and record.agreement < mode.agreement and record.sqnr_db < _NEAR_TIES_DB
    return disagrees or record.sqnr_db < mode.sqnr_db


def _verdict(lite: TFLiteModel, conversion: Conversion, x: Mapping[str, np.ndarray]) -> str:
    """Return how far a file strays, and where it begins to."""
    record: ComparisonRecord = lite.notes["parity"]
    layer = _first_layer(lite, conversion, x)
    where = (
        f"The first layer that diverges is {layer.layer!r} ({layer.sqnr_db:.1f} dB)."
        if layer
        else "No single layer could be named."
    )
    return (
        f"The {conversion.mode.name} file of {lite.name!r} is a poor copy of the model: "
        f"predictions agree on {record.agreement:.1%} of {record.samples} samples, SQNR "
        f"{record.sqnr_db:.1f} dB. {where}{_stretched(lite)} Check that the calibration data are "
        "typical and scaled as in training, keep the layers that suffer in float "
        "(quantize=tfedge.MixedPrecision(max_drop=0.005)), or train with tfedge.quantize."
    )


def _stretched(lite: TFLiteModel) -> str:
    """Return which ranges few values stretch, and what helps."""
    calibration = lite.notes.get("calibration")
    if calibration is None or not calibration.stretched:
        return ""
    names = ", ".join(map(repr, calibration.stretched[:3]))
    return (
        f" A few values far off stretch the range of {names}, so that nearly all others share a "
        "handful of codes; observer='auto' or 'percentile' cuts them off."
    )


def _first_layer(
    lite: TFLiteModel, conversion: Conversion, x: Mapping[str, np.ndarray]
) -> LayerParity | None:
    """Return the first layer that diverges, None where layers cannot be told apart.

    Tensors are matched with layers by name, and a fused tensor can bear the name of a layer
    whose output it is not. Only names that hold in the float file are believed.
    """
    few = {name: array[:_LAYER_SAMPLES] for name, array in x.items()}
    plain = few if len(few) > 1 else next(iter(few.values()))
    try:
        reference = layer_outputs(conversion.model, plain)
    except ModelError:
        return None
    floats = layer_parity(reference, conversion.float_twin(), few)
    sure = {item.layer for item in floats if item.sqnr_db > _SAME_LAYER_DB}
    found = layer_parity(reference, lite, few)
    least = conversion.mode.sqnr_db
    return next((item for item in found if item.layer in sure and item.sqnr_db < least), None)
