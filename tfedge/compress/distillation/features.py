"""What losses of features within have in common: which layers they look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfedge.compress.distillation.base import FEATURES, DistillationLoss
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import describe

SAME, RESIZED, ANY = "same", "resized", "any"
RESOLUTIONS, EMBEDDING = "resolutions", "embedding"


class FeatureLoss(DistillationLoss):
    """A loss of what is inside teacher and student, for each pair of layers. They add up.

    For a loss of your own, set the attributes that differ, and write ``compare``.

    Args:
        layers: Which layers: a dict of teacher's layer to student's layer, or a name or regular
            expression, or several of these, meant in both models. A dict holds names or
            expressions that match one layer each. None: chosen as ``automatic`` says.
        weight: Number of at least 0, or a schedule.
        **base: ``name`` and ``reduction`` as in Keras.

    Attributes:
        adapts: Whether a linear map, trained with the student, gives the student's features as
            many channels as the teacher's have.
        positions: ``"same"``: all axes between samples and channels must be equal;
            ``"resized"``: there must be equally many, one or two; ``"any"``.
        automatic: What ``layers=None`` means: ``"resolutions"``, the last layer at each
            resolution that both have (for models without positions, the last layer before the
            outputs), or ``"embedding"``, the last vector before the outputs.

    Raises:
        ArgumentError: If ``weight`` is out of its range, or ``layers`` holds no names.

    Example:
        >>> FeatureLoss("block_.*").layers
        'block_.*'
    """

    compares = FEATURES
    adapts = False
    positions = SAME
    automatic = RESOLUTIONS

    def __init__(self, layers: Any = None, weight: Any = 1.0, **base: Any) -> None:
        _check_names(layers)
        super().__init__(weight, **base)
        self.layers = layers

    def get_config(self) -> dict[str, Any]:
        """Return the settings."""
        return {**super().get_config(), "layers": self.layers}


def _check_names(layers: Any) -> None:
    """Refuse layers that are not told by names."""
    if isinstance(layers, Mapping):
        names = [*layers.keys(), *layers.values()]
    else:
        names = [layers] if isinstance(layers, str) else list(() if layers is None else layers)
    for name in names:
        if not isinstance(name, str):
            raise ArgumentError(
                f"layers holds {describe(name)}: features are told by the name of a layer or a "
                f"regular expression, or by a dict of teacher's layer to student's layer."
            )
