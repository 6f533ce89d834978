"""Zeros: ``prune``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfedge.core.checks import one_of, within
from tfedge.core.errors import ArgumentError
from tfedge.pipeline.steps.context import Context
from tfedge.pipeline.steps.kind import Kind
from tfedge.pipeline.steps.training import LABELS, check_training, train

_SCHEDULES = ("polynomial", "cosine", "constant")


def make_zeros(model: Any, context: Context, settings: Mapping[str, Any]) -> Any:
    """Return the model with zeros that came about while it was trained."""
    from tfedge.compress.pruning.magnitude import prune

    steps = settings["epochs"] * context.train.steps(settings["batch_size"])
    schedule = schedule_of(settings, steps)
    sparse = prune(model, schedule, **PRUNE.for_function(settings))
    return train(sparse, context, settings)


def schedule_of(settings: Mapping[str, Any], steps: int) -> Any:
    """Return the schedule of sparsity over so many training steps.

    Example:
        >>> schedule = schedule_of({**PRUNE.own, "sparsity": 0.8, "end": 0.5}, steps=400)
        >>> schedule.final_sparsity, schedule.begin_step, schedule.end_step
        (0.8, 0, 200)
    """
    from tfedge.compress.pruning.plan import DEFAULT_SPARSITY, checked_schedule
    from tfedge.models.training.ramps import CosineSparsity
    from tfedge.models.training.schedules import ConstantSparsity, PolynomialDecay

    if settings["sparsity"] is None and settings.get("pattern", "element") != "element":
        return checked_schedule(None, settings["pattern"])
    sparsity = DEFAULT_SPARSITY if settings["sparsity"] is None else settings["sparsity"]
    begin, end = (round(settings[name] * steps) for name in ("begin", "end"))
    if settings["schedule"] == "constant" or end <= begin:
        return ConstantSparsity(sparsity, begin_step=min(begin, max(steps - 1, 0)))
    kind = PolynomialDecay if settings["schedule"] == "polynomial" else CosineSparsity
    every = max(1, (end - begin) // 20)
    return kind(0.0, sparsity, begin_step=begin, end_step=end, frequency=every)


def _check(settings: dict[str, Any]) -> None:
    """Raise for wrong settings."""
    from tfedge.core.patterns import parse_pattern

    check_training(settings, least_epochs=1)
    if settings["sparsity"] is not None:
        within("sparsity", settings["sparsity"], 0.0, 1.0, open_high=True)
    one_of("schedule", settings["schedule"], _SCHEDULES)
    one_of("scope", settings.get("scope", "layer"), ("layer", "global"))
    within("begin", settings["begin"], 0.0, 1.0, open_high=True)
    within("end", settings["end"], 0.0, 1.0)
    if settings["schedule"] != "constant" and settings["begin"] >= settings["end"]:
        raise ArgumentError(
            f"begin={settings['begin']!r} must be before end={settings['end']!r}: both are parts "
            "of the training in this step."
        )
    own = parse_pattern(settings.get("pattern", "element")).sparsity
    asked = settings["sparsity"]
    if own is not None and asked is not None and abs(own - asked) > 1e-9:
        raise ArgumentError(
            f"sparsity={asked!r} contradicts pattern={settings['pattern']!r}, which leaves "
            f"{own:g} of the weights zero. Leave sparsity out."
        )


_OWN = {"sparsity": None, "schedule": "polynomial", "begin": 0.0, "end": 0.5, **LABELS}
PRUNE = Kind(
    "prune",
    ("tfedge.compress.pruning.magnitude:prune",),
    make_zeros,
    own={name: value for name, value in _OWN.items() if name != "patience"},
    check=_check,
)
