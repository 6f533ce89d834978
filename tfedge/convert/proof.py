"""Proof of a file: it is run beside the model on real samples before anybody gets it."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfedge.convert.modes import Mode
from tfedge.convert.signature import Signature
from tfedge.core.errors import ConversionError, ModelError
from tfedge.evaluate.layers import LayerParity, layer_outputs, layer_parity
from tfedge.evaluate.parity import ComparisonRecord, compare
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.worker import WorkerCallError

SAMPLES = 32
_LAYER_SAMPLES = 8
_NEAR_TIES_DB = 25.0
_SAME_LAYER_DB = 40.0


@dataclasses.dataclass(frozen=True)
class Claim:
    """That a file computes what a model does.

    Args:
        lite: The file.
        mode: What it is made of; says what counts as poor.
        model: The model.
        signature: Its inputs, outputs and function.
        float_twin: Makes the float32 file of the same model, if layers must be told apart.
    """

    lite: TFLiteModel
    mode: Mode
    model: Any
    signature: Signature
    float_twin: Callable[[], TFLiteModel]


def prove(claim: Claim, samples: Mapping[str, np.ndarray] | None) -> TFLiteModel:
    """Return the file with a parity record in its notes; warn when parity is poor.

    Args:
        claim: What to prove.
        samples: Arrays by input name; None takes random ones, on which predictions mean little
            and only the outputs themselves are judged.

    Raises:
        ConversionError: If running the file kills the interpreter.
    """
    lite, known = claim.lite, samples is not None
    x = {name: array[:SAMPLES] for name, array in (samples or _random(claim.signature)).items()}
    try:
        record = compare(claim.signature.predict, lite, x, latency=False)
    except WorkerCallError as failure:
        raise ConversionError(
            f"The {claim.mode.name} file of {lite.name!r} was written, but running it failed "
            f"({failure.kind}): {failure} It is not returned, because a device would fail on it "
            "too. parity=False returns it unproven."
        ) from failure
    record = dataclasses.replace(record, a=dataclasses.replace(record.a, model=lite.name))
    if _is_poor(record, claim.mode, known):
        warnings.warn(_verdict(claim, record, x), UserWarning, stacklevel=4)
    return TFLiteModel(lite.content, lite.name, {**lite.notes, "parity": record})


def _random(signature: Signature) -> dict[str, np.ndarray]:
    """Return samples for a model of which none are known: floats in [0, 1), integers 0 or 1."""
    generator = np.random.default_rng(0)
    count = max(SAMPLES, signature.inputs[0].shape[0] or 1)
    return {
        spec.name: (
            generator.random((count, *spec.shape[1:])) * (1 if spec.dtype.is_floating else 2)
        ).astype(spec.dtype.as_numpy_dtype)
        for spec in signature.inputs
    }


def _is_poor(record: ComparisonRecord, mode: Mode, known: bool) -> bool:
    """Return whether a file strays too far.

    Where outputs are close to the model's, predictions that differ are ties.
    """
    disagrees = known and record.agreement < mode.agreement and record.sqnr_db < _NEAR_TIES_DB
    return disagrees or record.sqnr_db < mode.sqnr_db


def _verdict(claim: Claim, record: ComparisonRecord, x: Mapping[str, np.ndarray]) -> str:
    """Return how far a file strays, and where it begins to."""
    layer = _first_layer(claim, x)
    where = (
        f"The first layer that diverges is {layer.layer!r} ({layer.sqnr_db:.1f} dB)."
        if layer
        else "No single layer could be named."
    )
    return (
        f"The {claim.mode.name} file of {claim.lite.name!r} is a poor copy of the model: "
        f"predictions agree on {record.agreement:.1%} of {record.samples} samples, SQNR "
        f"{record.sqnr_db:.1f} dB. "
        f"{where} Check that the calibration data are typical and scaled as in training, or train "
        "with tfedge.quantize."
    )


def _first_layer(claim: Claim, x: Mapping[str, np.ndarray]) -> LayerParity | None:
    """Return the first layer that diverges, None where layers cannot be told apart.

    Tensors are matched with layers by name, and a fused tensor can bear the name of a layer
    whose output it is not. Only names that hold in the float file are believed.
    """
    few = {name: array[:_LAYER_SAMPLES] for name, array in x.items()}
    try:
        reference = layer_outputs(claim.model, few if len(few) > 1 else next(iter(few.values())))
    except ModelError:
        return None
    floats = layer_parity(reference, claim.float_twin(), few)
    sure = {item.layer for item in floats if item.sqnr_db > _SAME_LAYER_DB}
    found = layer_parity(reference, claim.lite, few)
    bad = (item for item in found if item.layer in sure and item.sqnr_db < claim.mode.sqnr_db)
    return next(bad, None)
