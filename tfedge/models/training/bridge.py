"""Callbacks of Keras 3 in the fit loop of a tf_keras model."""

from __future__ import annotations

from typing import Any

from tfedge.models.flavours import keras3, tf_keras

keras: Any = tf_keras()

_BATCH_HOOKS = {
    "train": ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end"),
    "test": ("on_test_batch_begin", "on_test_batch_end"),
    "predict": ("on_predict_batch_begin", "on_predict_batch_end"),
}
_PHASE_HOOKS = tuple(
    f"on_{phase}_{moment}"
    for phase in ("epoch", "train", "test", "predict")
    for moment in ("begin", "end")
)


def bridged(callback: Any) -> Any:
    """Return a Keras 3 callback as a tf_keras callback; everything else as it is.

    Args:
        callback: A callback of either Keras. It sees the tf_keras model as its ``model``.

    Example:
        >>> early = bridged(keras3().callbacks.EarlyStopping("loss"))
        >>> isinstance(early, keras.callbacks.Callback)
        True
    """
    own = isinstance(callback, keras.callbacks.Callback)
    kinds = {(kind.__module__.split(".")[0], kind.__name__) for kind in type(callback).__mro__}
    return _Bridge(callback) if not own and ("keras", "Callback") in kinds else callback


class _Bridge(keras.callbacks.Callback):
    """Passes every call on to the callback of the other Keras."""

    def __init__(self, callback: Any) -> None:
        """Keep the callback and take over its hooks."""
        super().__init__()
        self.callback = callback
        for hook in (*_PHASE_HOOKS, *(hook for hooks in _BATCH_HOOKS.values() for hook in hooks)):
            setattr(self, hook, getattr(callback, hook))

    def set_params(self, params: Any) -> None:
        """Pass on how long the loop is."""
        super().set_params(params)
        self.callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Pass on the model; its metrics do not tell Keras 3 whether more of them is better."""
        super().set_model(model)
        self.callback.set_model(model)
        if getattr(self.callback, "mode", "") == "auto" and hasattr(self.callback, "monitor"):
            self.callback.mode = _better(self.callback.monitor)

    def _implements_train_batch_hooks(self) -> bool:
        """Return whether the loop has to stop at each training batch."""
        return self._overrides("train")

    def _implements_test_batch_hooks(self) -> bool:
        """Return whether the loop has to stop at each test batch."""
        return self._overrides("test")

    def _implements_predict_batch_hooks(self) -> bool:
        """Return whether the loop has to stop at each prediction batch."""
        return self._overrides("predict")

    def _overrides(self, phase: str) -> bool:
        """Return whether the callback does something at each batch."""
        base, own = keras3().callbacks.Callback, type(self.callback)
        return any(getattr(own, hook) is not getattr(base, hook) for hook in _BATCH_HOOKS[phase])


def _better(monitor: str) -> str:
    """Return in which direction a metric gets better, as tf_keras's callbacks guess it."""
    ends, begins = ("acc", "accuracy", "auc"), ("fmeasure", "val_fmeasure")
    return "max" if monitor.endswith(ends) or monitor.startswith(begins) else "min"
