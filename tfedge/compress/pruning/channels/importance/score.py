"""How much each unit of each channel group matters."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.group import ChannelGroup
from tfedge.compress.pruning.channels.importance.combine import (
    NORMALIZATIONS,
    REDUCTIONS,
    normalized,
)
from tfedge.compress.pruning.channels.importance.measures import FROM_LOSS, KINDS, Source
from tfedge.core.checks import one_of, whole_number
from tfedge.core.errors import ArgumentError
from tfedge.models.graph import read_graph


@dataclasses.dataclass(frozen=True)
class ChannelImportance:
    """How channels are ranked: what is measured, and how the weights of a group are put together.

    ====================  =========================================================  ===========
    kind                  what a small value means                                   needs
    ====================  =========================================================  ===========
    ``"l1"``, ``"l2"``    small weights, normalization scales included               nothing
    ``"bn_scale"``        BatchNormalization scales it down                          nothing
    ``"fpgm"``            close to the geometric median: others can express it       nothing
    ``"lamp"``            small share of its layer's energy                          nothing
    ``"random"``          nothing: the baseline                                      nothing
    ``"activation"``      consumers see small values                                 data
    ``"taylor"``          to first order the loss does not change without it         data, loss
    ``"fisher"``          the same to second order, by the Fisher diagonal           data, loss
    ``"hessian"``         the same to second order, by the Hessian diagonal          data, loss
    ====================  =========================================================  ===========

    Formulas and papers stand in `tfedge.compress.pruning.channels.importance.saliency`.

    Args:
        kind: One of the above.
        reduce: How the weights of a group are put together: ``"mean"``, ``"max"``, ``"sum"``.
        normalize: ``"mean"`` or ``"max"`` makes groups comparable, ``"none"`` leaves the values.
            Default: ``"mean"``; ``"none"`` for ``"lamp"`` and ``"random"``.
        samples: Number of samples, for the kinds that need data.
        seed: Seed, for ``"random"`` and ``"hessian"``.

    Raises:
        ArgumentError: If a setting is unknown.

    Example:
        >>> ChannelImportance("taylor", samples=512).needs_loss
        True
    """

    kind: str = "l2"
    reduce: str = "mean"
    normalize: str | None = None
    samples: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the settings."""
        one_of("importance", self.kind, list(KINDS))
        one_of("reduce", self.reduce, list(REDUCTIONS))
        one_of("normalize", self.normalize, [None, *NORMALIZATIONS])
        whole_number("samples", self.samples)

    @property
    def needs_loss(self) -> bool:
        """Whether labelled data and a loss are needed."""
        return self.kind in FROM_LOSS

    @property
    def needs_data(self) -> bool:
        """Whether samples are needed."""
        return self.needs_loss or self.kind == "activation"

    def normalization(self) -> str:
        """Return how scores are normalized: as asked, or as suits the kind."""
        return self.normalize or ("none" if self.kind in ("lamp", "random") else "mean")


def channel_scores(
    model: Any,
    groups: Sequence[ChannelGroup],
    importance: ChannelImportance | str = "l2",
    *,
    data: Any = None,
    loss: Any = None,
) -> dict[str, np.ndarray]:
    """Return how much each unit matters; small ones go first.

    Args:
        model: The model of either Keras that the groups were read from.
        groups: Channel groups.
        importance: A :class:`ChannelImportance`, or its kind.
        data: Samples, with labels where the loss is needed, in any form.
        loss: A loss as ``compile`` takes it; default: the one that the model is compiled with.

    Returns:
        By group name: float64, shape (units,). A group without the weights that are measured
        (``"bn_scale"`` without a BatchNormalization) is missing.

    Raises:
        ArgumentError: If the kind is unknown, or data or loss are missing.
        DataError: If the data bring no labels, or do not fit the model.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> from tfedge.compress.pruning.channels.group import Member
        >>> keras = keras3()
        >>> dense = keras.layers.Dense(2, kernel_initializer="ones", name="hidden")
        >>> model = keras.Sequential([keras.Input((4,)), dense])
        >>> out = Member("hidden", "kernel", 1, np.arange(2)[:, None], "out")
        >>> channel_scores(model, [ChannelGroup("hidden", 2, (out,))], "l1")
        {'hidden': array([1., 1.])}
    """
    if not isinstance(importance, ChannelImportance):
        importance = ChannelImportance(importance)
    _check_data(importance, data)
    source = Source(
        model=model,
        layers=read_graph(model).layers(),
        groups=groups,
        data=data,
        loss=loss,
        reduce=importance.reduce,
        samples=importance.samples,
        seed=importance.seed,
    )
    measured = KINDS[importance.kind](source)
    how = importance.normalization()
    return {name: normalized(scores, how) for name, scores in measured.items()}


def _check_data(importance: ChannelImportance, data: Any) -> None:
    """Raise if samples are needed and there are none."""
    if data is None and importance.needs_data:
        labelled = "(x, y)" if importance.needs_loss else "samples"
        raise ArgumentError(
            f"importance={importance.kind!r} is measured on data, and none were given: pass "
            f"data= with {labelled}, or choose one that looks at weights only, such as 'l2'."
        )
