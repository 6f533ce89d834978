"""The file: ``convert``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfedge.core.checks import one_of, whole_number
from tfedge.pipeline.steps.context import Context
from tfedge.pipeline.steps.kind import Kind

MODE = "int8"
"""What a recipe converts to unless it says otherwise."""


def write_file(model: Any, context: Context, settings: Mapping[str, Any]) -> Any:
    """Return the file of a model."""
    from tfedge.convert.converter import convert

    asked = {"quantize": MODE, "name": context.name, **CONVERT.for_function(settings)}
    asked["quantize"] = mode_of(asked["quantize"])
    limit = asked.get("calibration_samples", CONVERT.settings["calibration_samples"])
    data = context.train.inputs(limit)
    labelled = (context.val or context.train).some(limit)
    mixed = not isinstance(asked["quantize"], (str, type(None)))
    return convert(model, calibration=data, **asked, parity=labelled if mixed else True)


def mode_of(given: Any) -> Any:
    """Return what `tfedge.convert` takes: a dictionary is a `tfedge.MixedPrecision`.

    Example:
        >>> mode_of({"max_drop": 0.01}).max_drop
        0.01
    """
    if not isinstance(given, Mapping):
        return given
    from tfedge.convert.mixed.settings import MixedPrecision

    return MixedPrecision(**given)


def _check(settings: dict[str, Any]) -> None:
    """Raise for wrong settings."""
    from tfedge.convert.modes import border_types, mode_named
    from tfedge.convert.ranges import observers_for
    from tfedge.convert.runtimes import named_runtimes
    from tfedge.convert.sparse import CHOICES

    mode = mode_of(settings.get("quantize", MODE))
    named = mode_named(mode if isinstance(mode, (str, type(None))) else MODE)
    border_types(named, settings.get("input_type"), settings.get("output_type"))
    observers_for(settings.get("observer", "minmax"))
    named_runtimes(settings.get("runtimes"))
    one_of("sparse", settings.get("sparse", False), CHOICES)
    whole_number("calibration_samples", settings.get("calibration_samples", 1))
    if settings.get("batch_size") is not None:
        whole_number("batch_size", settings["batch_size"])


CONVERT = Kind(
    "convert",
    ("tfedge.convert.converter:convert",),
    write_file,
    frozenset(("calibration", "parity", "verbose")),
    check=_check,
    trains=False,
)
