"""Training itself: ``train`` on labels, and ``distill``, where the original model teaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfedge.core.checks import one_of
from tfedge.core.errors import ArgumentError
from tfedge.pipeline.steps.context import Context
from tfedge.pipeline.steps.kind import Kind
from tfedge.pipeline.steps.training import LABELS, TAUGHT, check_training, train

_LOSSES = (
    "AttentionTransfer",
    "BinarySoftTarget",
    "ContrastiveKD",
    "DIST",
    "DecoupledKD",
    "FeatureHint",
    "RegressionTarget",
    "RelationalKD",
    "SimilarityPreserving",
    "SoftTarget",
    "TripletMargin",
)


def learn(model: Any, context: Context, settings: Mapping[str, Any]) -> Any:
    """Return the model, trained further."""
    return train(model, context, settings)


def learn_from_original(model: Any, context: Context, settings: Mapping[str, Any]) -> Any:
    """Return the model, taught by the original."""
    losses = [_loss(one) for one in settings["losses"] or ()]
    return train(model, context, settings, losses)


def _loss(given: Any) -> Any:
    """Return a loss that a teacher teaches by, of its name or a dictionary."""
    from tfedge import distill

    settings = {"name": given} if isinstance(given, str) else dict(given or {})
    name = settings.pop("name", "")
    one_of("losses", name, _LOSSES)
    try:
        return getattr(distill, name)(**settings)
    except TypeError as error:
        raise ArgumentError(f"losses: {given!r}: {error}.") from error


def _check_distill(settings: dict[str, Any]) -> None:
    """Raise for wrong settings of ``distill``."""
    check_training(settings, least_epochs=1)
    if settings["losses"] is not None and not isinstance(settings["losses"], list):
        raise ArgumentError(f"losses={settings['losses']!r} must be a list of names of losses.")
    for one in settings["losses"] or ():
        _loss(one)


TRAIN = Kind("train", (), learn, own=LABELS, check=lambda found: check_training(found, 1))
DISTILL = Kind(
    "distill",
    (),
    learn_from_original,
    own={**TAUGHT, "losses": None},
    check=_check_distill,
)
