"""Fewer channels: ``prune_channels`` and ``student``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfedge.core.checks import one_of, whole_number
from tfedge.pipeline.steps.context import Context
from tfedge.pipeline.steps.kind import Kind
from tfedge.pipeline.steps.training import LABELS, TAUGHT, check_training, train

_ROOM = "tfedge.compress.pruning.channels"
_FILLED = frozenset(("data", "loss", "measure"))
_TARGETS = ("ratio", "macs", "parameters", "size_bytes", "latency_ms")
_SAMPLES = 1024


def remove_channels(model: Any, context: Context, settings: Mapping[str, Any]) -> Any:
    """Return the model with fewer channels, trained after each of ``steps`` removals."""
    from tfedge.compress.pruning.channels.steps import channel_steps

    asked = {**PRUNE_CHANNELS.for_function(settings), **_known(context, settings)}
    for slim in channel_steps(model, steps=settings["steps"], **asked):
        trained = train(slim, context, settings)
        slim.set_weights(trained.get_weights())
    return slim


def make_student(model: Any, context: Context, settings: Mapping[str, Any]) -> Any:
    """Return a smaller model of the same architecture, taught by the original."""
    from tfedge.compress.pruning.channels.student import student

    asked = {**STUDENT.for_function(settings), **_known(context, settings)}
    return train(student(model, **asked), context, settings)


def _known(context: Context, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the run fills in: samples, the loss, and what measures a file."""
    found = {"data": context.train.some(_SAMPLES), "loss": context.task.loss}
    if settings.get("latency_ms") is None:
        return found
    from tfedge.convert.meters import FileLatency

    return {**found, "measure": FileLatency("int8", context.train.inputs(_SAMPLES))}


def _check_channels(settings: dict[str, Any]) -> None:
    """Raise for wrong settings of ``prune_channels``."""
    check_training(settings)
    whole_number("steps", settings["steps"])
    _check_request(PRUNE_CHANNELS.for_function(settings))


def _check_student(settings: dict[str, Any]) -> None:
    """Raise for wrong settings of ``student``."""
    check_training(settings)
    asked = STUDENT.for_function(settings)
    one_of("inherit", asked.pop("inherit", True), (True, False))
    if all(asked.get(name) is None for name in _TARGETS):
        asked["ratio"] = 0.5
    _check_request(asked)


def _check_request(asked: dict[str, Any]) -> None:
    """Raise for wrong settings of channel removal itself."""
    from tfedge.compress.pruning.channels.planning.request import request_of

    measured = asked.get("latency_ms") is not None
    request_of(**asked, data=((), ()), measure=(lambda model: 1.0) if measured else None)


PRUNE_CHANNELS = Kind(
    "prune_channels",
    (f"{_ROOM}.prune:prune_channels",),
    remove_channels,
    _FILLED,
    {"steps": 1, **LABELS, "epochs": 0},
    _check_channels,
)
STUDENT = Kind(
    "student",
    (f"{_ROOM}.student:student", f"{_ROOM}.prune:prune_channels"),
    make_student,
    _FILLED,
    {**TAUGHT, "epochs": 10},
    _check_student,
)
