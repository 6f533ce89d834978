"""Channels that go while a model trains, in a fit loop that exists already."""

from __future__ import annotations

from typing import Any

from tfedge.callbacks.hooks import Callback
from tfedge.compress.pruning.channels.gradual import GradualRemoval
from tfedge.compress.pruning.channels.planning.request import request_of
from tfedge.compress.pruning.channels.prune import opened
from tfedge.compress.pruning.channels.recalibration import recalibrate
from tfedge.compress.pruning.channels.surgery import remove
from tfedge.core.checks import whole_number
from tfedge.core.errors import ArgumentError, ModelError


class ChannelPruning(Callback):
    """Takes channels out of a model, a few at the beginning of each epoch, while it trains.

    Variables of a compiled model cannot shrink, so channels are masked while ``fit`` runs: the
    kernels that consume them are set to zero after every step, and the model computes what the
    smaller one would. How many go of each layer is settled when training starts, which ones at each
    epoch; channels that went stay away. After ``fit``, :meth:`pruned_model` returns the
    smaller model. Training itself gets no faster; :func:`tfedge.channel_steps` trains smaller
    models.

    Logs get ``channels_removed``, the fraction of the removable channels that is masked.

    With ``steps_per_execution=n`` zeros are written every n steps.

    Args:
        ratio: As :func:`tfedge.prune_channels` takes it, like all settings.
        begin_epoch: First epoch (from 0) at whose beginning channels go.
        end_epoch: Last one; from then on the target is met. Default: half of the epochs.
        **settings: Other arguments of :func:`tfedge.prune_channels`, but ``measure``. Where
            importance needs a loss, it is by default the one that the model is compiled with.

    Raises:
        ArgumentError: If a setting is wrong. When training starts: if the target cannot be
            reached.
        ModelError: When training starts: if the model is subclassed or wears wrappers, or none of
            its channels can go.

    Example:
        >>> import numpy as np, tensorflow as tf
        >>> layers = tf.keras.layers
        >>> model = tf.keras.Sequential([layers.Input((6,)), layers.Dense(8), layers.Dense(2)])
        >>> model.compile("adam", "mse")
        >>> channels = ChannelPruning(ratio=0.5, end_epoch=1)
        >>> history = model.fit(
        ...     np.ones((8, 6)), np.ones((8, 2)), epochs=3, verbose=0, callbacks=[channels]
        ... )
        >>> history.history["channels_removed"]
        [0.25, 0.5, 0.5]
        >>> [tuple(weight.shape) for weight in channels.pruned_model().weights]
        [(6, 4), (4,), (4, 2), (2,)]
    """

    def __init__(
        self,
        ratio: Any = None,
        *,
        begin_epoch: int = 0,
        end_epoch: int | None = None,
        **settings: Any,
    ) -> None:
        whole_number("begin_epoch", begin_epoch, least=0)
        whole_number("end_epoch", begin_epoch if end_epoch is None else end_epoch, begin_epoch)
        self._request = request_of(ratio, **settings)
        self._begin, self._end = begin_epoch, end_epoch
        self._removal: GradualRemoval | None = None
        self._trained: Any = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Refuse what cannot be reached before training starts."""
        if self._trained is not self.model:
            self._removal = GradualRemoval(opened(self.model), self._request)
            self._trained = self.model

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Mask more channels if it is time."""
        assert self._removal is not None
        end = self._end
        if end is None:
            end = max(self._begin, int(self.params.get("epochs") or 1) // 2 - 1)
        if self._begin <= epoch <= end:
            self._removal.advance((epoch - self._begin + 1) / (end - self._begin + 1))

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Set to zero again what the optimizer moved."""
        assert self._removal is not None
        self._removal.apply()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Log how much is gone."""
        assert self._removal is not None
        if logs is not None:
            logs["channels_removed"] = self._removal.ratio()

    def pruned_model(self, data: Any = None) -> Any:
        """Return the smaller model: what was masked is removed.

        Args:
            data: Samples on which the statistics of BatchNormalization are estimated again. None
                leaves them: training with the masks has already adapted them.

        Returns:
            A new model of the same Keras, not compiled.

        Raises:
            ModelError: If no training ran.
            ArgumentError: If training stopped before the first channels went.
        """
        if self._removal is None:
            raise ModelError("No model was trained with this callback yet: pass it to fit first.")
        if not self._removal.drop:
            raise ArgumentError(
                f"No channel went yet: training stopped before epoch {self._begin}. Train longer, "
                f"or set begin_epoch to less."
            )
        slim = remove(self._trained, self._removal.drop)
        if data is not None:
            recalibrate(slim, data)
        return slim

    def _implements_train_batch_hooks(self) -> bool:
        """Tell tf_keras to call at each batch."""
        return True
