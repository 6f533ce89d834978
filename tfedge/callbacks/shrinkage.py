"""Penalties that make channels small while a model trains, applied after the optimizer's step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfedge.callbacks.hooks import Callback
from tfedge.compress.pruning.channels.gradual import GradualRemoval
from tfedge.compress.pruning.channels.graph import read_channels
from tfedge.compress.pruning.channels.group import ChannelGroup
from tfedge.compress.pruning.channels.planning.candidates import candidates
from tfedge.compress.pruning.channels.planning.limits import Limits
from tfedge.compress.pruning.channels.planning.request import request_of
from tfedge.compress.pruning.channels.prune import opened
from tfedge.compress.pruning.channels.surgery import remove
from tfedge.compress.pruning.channels.weights import is_batch_scale, variable_of
from tfedge.compress.pruning.regularizers.shrinking import (
    group_lasso_factors,
    ridge_factor,
    soft_threshold,
)
from tfedge.compress.pruning.regularizers.units import UnitWeights
from tfedge.core.checks import one_of, whole_number
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.graph import LayerGraph, read_graph

KINDS = ("group_lasso", "bn_scale")


class ChannelShrinkage(Callback):
    """Makes channels of a model small while it trains, so that few of them matter at the end.

    After each step of the optimizer the proximal operator of a penalty is applied, with the
    learning rate of the moment. It knows which channels are tied, and reaches exact zeros:
    :func:`tfedge.remove_dead_channels` or :func:`tfedge.prune_channels` removes them then.

    - ``"group_lasso"``: all kernels of a channel, together: ``sqrt(n) * ||w||``, n its weights.
    - ``"bn_scale"``: the scales of BatchNormalization: ``|gamma|`` (network slimming).

    Args:
        kind: The penalty.
        strength: Its factor.
        exclude: Layers whose channels are left alone: names, regular expressions, classes.

    Raises:
        ArgumentError: If a setting is wrong.
        ModelError: When training starts: if the model is subclassed, wears wrappers, or has
            nothing to shrink.

    Example:
        >>> import numpy as np
        >>> layers = tf.keras.layers
        >>> model = tf.keras.Sequential([layers.Input((6,)), layers.Dense(8), layers.Dense(1)])
        >>> model.compile(tf.keras.optimizers.SGD(0.1), "mse")
        >>> shrink = ChannelShrinkage("group_lasso", strength=1.0)
        >>> history = model.fit(np.ones((64, 6)), np.ones(64), verbose=0, callbacks=[shrink])

    Reference:
        Wen et al., NeurIPS 2016, arXiv:1608.03665; over tied weights: Fang et al., CVPR 2023,
        arXiv:2301.12900; Liu et al., "Network Slimming", ICCV 2017, arXiv:1708.06519.
    """

    def __init__(
        self, kind: str = "group_lasso", strength: float = 1e-4, *, exclude: Any = ()
    ) -> None:
        one_of("kind", kind, KINDS)
        _check_strength("strength", strength)
        self._kind, self._strength, self._exclude = kind, strength, exclude
        self._shrink: Callable[[Any], None] | None = None
        self._trained: Any = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Find what belongs together."""
        if self._trained is not self.model:
            maker = _lasso if self._kind == "group_lasso" else _slimming
            self._shrink = tf.function(maker(opened(self.model), self._exclude))
            self._trained = self.model

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Shrink."""
        assert self._shrink is not None
        self._shrink(tf.constant(_learning_rate(self.model) * self._strength, tf.float32))

    def _implements_train_batch_hooks(self) -> bool:
        """Tell tf_keras to call at each batch."""
        return True


class GrowingRegularization(Callback):
    """Pushes the channels that are to go towards zero, gently at first, so that others take over.

    When training starts, the channels that :func:`tfedge.prune_channels` would remove are chosen.
    Their weights get an L2 penalty that grows by ``growth`` every few steps up to ``ceiling``.
    After ``fit``, :meth:`pruned_model` removes them.

    Args:
        ratio: As :func:`tfedge.prune_channels` takes it, like all settings.
        growth: How much the factor of the penalty grows at a time.
        every: Steps between two times.
        ceiling: Largest factor.
        **settings: Other arguments of :func:`tfedge.prune_channels`, but ``measure``.

    Raises:
        ArgumentError: If a setting is wrong. When training starts: if the target cannot be
            reached.
        ModelError: When training starts: as :class:`tfedge.callbacks.ChannelPruning`.

    Example:
        >>> import numpy as np
        >>> layers = tf.keras.layers
        >>> model = tf.keras.Sequential([layers.Input((6,)), layers.Dense(8), layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> growing = GrowingRegularization(ratio=0.5, growth=0.1, every=1)
        >>> history = model.fit(np.ones((64, 6)), np.ones(64), verbose=0, callbacks=[growing])
        >>> growing.pruned_model().layers[0].units
        4

    Reference:
        Wang et al., "Neural Pruning via Growing Regularization" (GReg-1), ICLR 2021,
        arXiv:2012.09243.
    """

    def __init__(
        self,
        ratio: Any = None,
        *,
        growth: float = 1e-3,
        every: int = 10,
        ceiling: float = 1.0,
        **settings: Any,
    ) -> None:
        _check_strength("growth", growth)
        _check_strength("ceiling", ceiling)
        whole_number("every", every)
        self._request = request_of(ratio, **settings)
        self._growth, self._every, self._ceiling = growth, every, ceiling
        self._steps = 0
        self._trained: Any = None
        self._drop: dict[str, list[int]] = {}
        self._shrink: Callable[[Any], None] | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Choose the channels that are to go."""
        if self._trained is not self.model:
            self._drop = GradualRemoval(opened(self.model), self._request).goal
            self._shrink = tf.function(_ridge(self.model, self._drop))
            self._trained, self._steps = self.model, 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Shrink the chosen channels, more and more."""
        assert self._shrink is not None
        self._steps += 1
        strength = min(self._growth * (self._steps // self._every), self._ceiling)
        self._shrink(tf.constant(_learning_rate(self.model) * strength, tf.float32))

    def pruned_model(self) -> Any:
        """Return the model without the chosen channels.

        Returns:
            A new model of the same Keras, not compiled.

        Raises:
            ModelError: If no training ran.
        """
        if self._trained is None:
            raise ModelError("No model was trained with this callback yet: pass it to fit first.")
        return remove(self._trained, self._drop)

    def _implements_train_batch_hooks(self) -> bool:
        """Tell tf_keras to call at each batch."""
        return True


def _groups(model: Any, graph: LayerGraph, exclude: Any) -> Sequence[ChannelGroup]:
    """Return the groups whose channels could go."""
    channels, layers = read_channels(model), graph.layers()
    return candidates(channels, layers, limits=Limits(), exclude=exclude, owner=graph.name).groups


def _lasso(model: Any, exclude: Any) -> Callable[[Any], None]:
    """Return the step of the group lasso."""
    graph = read_graph(model)
    layers = graph.layers()
    found = _groups(model, graph, exclude)
    if not found:
        raise ModelError(f"{graph.name!r} has no channels that could go, so nothing can shrink.")
    parts = [UnitWeights(layers, group) for group in found]

    def shrink(amount: Any) -> None:
        """Multiply every unit by its factor."""
        for part in parts:
            part.multiply(group_lasso_factors(part.norms(), amount * part.counts**0.5))

    return shrink


def _slimming(model: Any, exclude: Any) -> Callable[[Any], None]:
    """Return the step of network slimming."""
    graph = read_graph(model)
    layers = graph.layers()
    found = _groups(model, graph, exclude)
    members = [one for group in found for one in group.members]
    scales = {
        (one.layer, one.weight): variable_of(layers, one)
        for one in members
        if is_batch_scale(one, layers)
    }
    if not scales:
        raise ModelError(
            f"{graph.name!r} has no BatchNormalization with a scale on channels that could go. "
            f"Use kind='group_lasso'."
        )

    def shrink(amount: Any) -> None:
        """Move every scale towards zero."""
        for scale in scales.values():
            scale.assign(soft_threshold(tf.convert_to_tensor(scale), amount))

    return shrink


def _ridge(model: Any, drop: dict[str, list[int]]) -> Callable[[Any], None]:
    """Return the step of an L2 penalty on some units."""
    layers = read_graph(model).layers()
    groups = [group for group in read_channels(model).removable if group.name in drop]
    parts = [(UnitWeights(layers, one), tf.one_hot(drop[one.name], one.size)) for one in groups]
    chosen = [(part, tf.reduce_sum(hot, 0)) for part, hot in parts]

    def shrink(amount: Any) -> None:
        """Multiply the chosen units by the factor."""
        for part, hot in chosen:
            part.multiply(ridge_factor(amount * hot))

    return shrink


def _learning_rate(model: Any) -> float:
    """Return the learning rate of the moment."""
    rate = model.optimizer.learning_rate
    return float(rate(model.optimizer.iterations) if callable(rate) else rate)


def _check_strength(name: str, value: Any) -> None:
    """Raise unless a factor is a number above 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ArgumentError(f"{name}={value!r} must be a number above 0.")
