"""From here a model goes to the converter's worker process, and a file or an error comes back."""

from __future__ import annotations

import re
import tempfile
from typing import Any

import numpy as np

from tfedge.convert.garbage import collected
from tfedge.convert.program import freeze, save
from tfedge.convert.signature import Signature
from tfedge.core.errors import ConversionError
from tfedge.runtime.worker import Worker, WorkerCallError, shared_worker

_ENVIRONMENT = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "1"}
_REFUSED = re.compile(r"'?tf\.(\w+)'? op is neither a custom op nor a flex op")
_PLACE = re.compile(r'"([\w.\-/]+)(?:@[^"]*)?"')
_KEPT_LINES = 12
_MOVED = "op quantization parameters violate the same scale constraint"


def converter_worker() -> Worker:
    """Return the process that converts, the same one every time.

    Example:
        >>> converter_worker().name
        'converter'
    """
    return shared_worker("converter", _ENVIRONMENT)


def dispatch(
    signature: Signature, name: str, *, composite: bool, **settings: Any
) -> tuple[bytes, dict[str, Any]]:
    """Convert a model in the worker.

    Args:
        signature: What to convert.
        name: The model's name, for messages.
        composite: Whether composite functions must survive, as recurrent layers need.
        **settings: For `tfedge.convert.job.convert_folder`.

    Returns:
        The bytes of the file, and what was found out while calibrating.

    Raises:
        CalibrationError: If a tensor is not finite on the calibration samples.
        ConversionError: If the converter refuses or dies; says which operator and layer where
            the converter tells, and ends with the last lines of its log.
    """
    settings["names"] = {ours: name for name, ours in signature.arguments().items() if ours != name}
    try:
        content, findings = (_by_folder if composite else _by_graph)(signature, settings)
        return content.tobytes(), findings
    except WorkerCallError as failure:
        raise ConversionError(_explain(failure, name, settings["mode"])) from failure


def _by_graph(signature: Signature, settings: dict) -> tuple[np.ndarray, dict]:
    """Convert a frozen graph."""
    with collected():
        frozen = freeze(signature)
    target = "tfedge.convert.job:convert_graph"
    return converter_worker().call(target, frozen.graph, frozen.feeds, frozen.fetches, **settings)


def _by_folder(signature: Signature, settings: dict) -> tuple[np.ndarray, dict]:
    """Convert through a SavedModel on disk."""
    with tempfile.TemporaryDirectory(prefix="tfedge-") as folder:
        with collected():
            save(signature, folder)
        return converter_worker().call("tfedge.convert.job:convert_folder", folder, **settings)


def _explain(failure: WorkerCallError, name: str, mode: str) -> str:
    """Return what went wrong in the converter, in words."""
    head = f"Converting {name!r} to {mode} failed"
    if failure.died:
        return (
            f"{head}: the converter process died ({failure.kind}). Your session is unharmed. "
            f"Try another mode, or convert parts of the model to find the layer.\n{failure.log}"
        )
    text = str(failure)
    refused = sorted(set(_REFUSED.findall(text)))
    if refused:
        return (
            f"{head}: LiteRT has no operator for {', '.join(refused)}{_layers(text)}. Replace "
            "what computes it by supported layers."
        )
    if _MOVED in text:
        places = [place for place in dict.fromkeys(_PLACE.findall(text)) if "/" in place]
        return (
            f"{head}: two tensors of equal range are reshaped and then joined (at "
            f"{', '.join(places[:5])}). TensorFlow's converter moves such reshapes behind the "
            "operator that joins them, where ranges differ, and stops. Join the tensors first, and "
            "reshape (Flatten, Reshape) what comes out: that computes the same."
        )
    lines = [line for line in text.splitlines() if line.strip()]
    shown = lines if len(lines) <= _KEPT_LINES else [*lines[:4], "…", *lines[4 - _KEPT_LINES :]]
    return f"{head}.\n" + "\n".join(line[:300] for line in shown)


def _layers(text: str) -> str:
    """Return the places in the model that an error of the converter points at."""
    lines = [line for line in text.splitlines() if _REFUSED.search(line)]
    places = {place for line in lines for place in _PLACE.findall(line) if "/" in place}
    return f" (at {', '.join(sorted(places)[:5])})" if places else ""
