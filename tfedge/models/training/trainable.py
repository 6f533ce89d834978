"""The model that every wrapped model is: an ordinary tf_keras model that trains without traps."""

from __future__ import annotations

from typing import Any

from tfedge.models.flavours import tf_keras, tfmot
from tfedge.models.training import feeds
from tfedge.models.training.bridge import bridged
from tfedge.models.training.stepping import pruned_layers, stepping
from tfedge.models.training.translate import to_tf_keras
from tfedge.models.wrappers import is_pruning

keras: Any = tf_keras()


class TrainsHere:
    """Mixin of tf_keras models: ``compile`` takes both Kerases, ``fit`` brings its callbacks."""

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        **settings: Any,
    ) -> None:
        """Configure training, as ``tf_keras.Model.compile`` does.

        Args:
            optimizer: Name, tf_keras optimizer, or Keras 3 optimizer (its settings and
                learning-rate schedule are rebuilt, its state is not).
            loss: Name, function, or loss object of either Keras; lists or dicts per output.
            metrics: Names, functions or metric objects of either Keras; lists or dicts.
            loss_weights: Numbers per output.
            weighted_metrics: Like ``metrics``, weighted by the sample weights.
            **settings: What else ``tf_keras.Model.compile`` takes.

        Raises:
            ArgumentError: If a Keras 3 object has no equal in tf_keras.
        """
        if settings.get("jit_compile") == "auto":
            settings["jit_compile"] = None
        super().compile(  # type: ignore[misc]
            optimizer=to_tf_keras(optimizer, "optimizer"),
            loss=to_tf_keras(loss, "loss"),
            metrics=to_tf_keras(metrics, "metric"),
            loss_weights=loss_weights,
            weighted_metrics=to_tf_keras(weighted_metrics, "metric"),
            **settings,
        )

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        **settings: Any,
    ) -> Any:
        """Train, as ``tf_keras.Model.fit`` does; callbacks that layers need come by themselves.

        Args:
            x: Arrays, dict of arrays, ``tf.data.Dataset``, generator, Keras ``Sequence`` or
                Keras 3 ``PyDataset``.
            y: Targets, unless ``x`` yields them.
            batch_size: Samples per step, for arrays.
            epochs: Number of the last epoch.
            verbose: As in Keras.
            callbacks: Callbacks of either Keras. What pruned layers need is added:
                ``UpdatePruningStep`` if it is not among them, rewinding if a schedule asks.
            validation_split: Fraction of the arrays kept for validation.
            validation_data: Like ``x``, or ``(x, y)``.
            **settings: What else ``tf_keras.Model.fit`` takes.

        Returns:
            The tf_keras ``History``.
        """
        return super().fit(  # type: ignore[misc]
            x=feeds.for_tf_keras(x),
            y=y,
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=_with_steps(self, callbacks),
            validation_split=validation_split,
            validation_data=feeds.for_tf_keras(validation_data),
            **settings,
        )

    def evaluate(self, x: Any = None, *args: Any, **settings: Any) -> Any:
        """Return loss and metrics, as ``tf_keras.Model.evaluate`` does."""
        return super().evaluate(feeds.for_tf_keras(x), *args, **_bridged(settings))  # type: ignore[misc]

    def predict(self, x: Any, *args: Any, **settings: Any) -> Any:
        """Return the outputs, as ``tf_keras.Model.predict`` does."""
        return super().predict(feeds.for_tf_keras(x), *args, **_bridged(settings))  # type: ignore[misc]

    def step_callbacks(self) -> Any:
        """Return the callbacks that the layers need, ready for a training loop of your own.

        Each call of the model with ``training=True`` advances the pruning step by one, updates
        the masks by the schedule and applies them. What is left for the loop: start the count
        before the first step, and mask the weights after the last one.

        Returns:
            A tf_keras ``CallbackList``; empty if no layer needs one.

        Example:
            >>> import tensorflow as tf
            >>> inputs = keras.Input((4,))
            >>> model = TrainableModel(inputs, keras.layers.Dense(1)(inputs))
            >>> optimizer, steps = keras.optimizers.SGD(0.1), model.step_callbacks()
            >>> steps.on_train_begin()
            >>> for epoch in range(2):
            ...     with tf.GradientTape() as tape:
            ...         loss = tf.reduce_mean(model(tf.ones((8, 4)), training=True) ** 2)
            ...     optimizer.minimize(loss, model.trainable_variables, tape=tape)
            ...     steps.on_epoch_end(epoch)
        """
        return keras.callbacks.CallbackList(_with_steps(self, []), model=self)

    def compile_from_config(self, config: Any) -> None:
        """Compile as a file says, and make the optimizer's variables, ready to be loaded."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.built and hasattr(self.optimizer, "build"):  # type: ignore[attr-defined]
            self.optimizer.build(self.trainable_variables)  # type: ignore[attr-defined]


@keras.saving.register_keras_serializable("tfedge", "TrainableModel")
class TrainableModel(TrainsHere, keras.Model):
    """A functional tf_keras model whose layers may be training-time wrappers.

    ``compile`` also takes Keras 3 optimizers, losses and metrics; ``fit`` brings the callbacks
    that its layers need. Saving as ``.keras`` or ``.h5`` and loading with ``tfedge.load`` keeps
    weights, masks, pruning step and optimizer state, so training goes on where it stopped.

    Example:
        >>> import numpy as np
        >>> from tfedge.models.flavours import keras3
        >>> inputs = keras.Input((4,))
        >>> model = TrainableModel(inputs, keras.layers.Dense(1)(inputs))
        >>> model.compile(keras3().optimizers.SGD(0.1), keras3().losses.MeanSquaredError())
        >>> history = model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)
    """

    def _run_internal_graph(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Step the pruning wrappers all at once, then run the layers."""
        phase = keras.backend.learning_phase() if training is None else training
        with stepping(pruned_layers(self), phase):
            return super()._run_internal_graph(inputs, training=training, mask=mask)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> TrainableModel:
        """Return the model of a config.

        Layers are built when they are called. Building them from the recorded shape before
        that, as a ``.keras`` file asks, would make the variables of tfmot's wrappers twice.
        """
        layers = [{**layer, "build_config": None} for layer in config["layers"]]
        return super().from_config({**config, "layers": layers}, custom_objects)


def trainable(model: Any) -> TrainableModel:
    """Return a functional tf_keras model as a :class:`TrainableModel` of the same layers.

    Example:
        >>> inputs = keras.Input((4,))
        >>> model = keras.Model(inputs, keras.layers.Dense(1)(inputs), name="tiny")
        >>> trainable(model).name
        'tiny'
    """
    return TrainableModel(inputs=model.input, outputs=model.output, name=model.name)


def with_callback(callbacks: Any, own: Any) -> Any:
    """Return what ``fit`` takes as callbacks, with one more.

    Args:
        callbacks: One callback, several, None, or a tf_keras ``CallbackList``.
        own: A tf_keras callback.

    Example:
        >>> with_callback(None, "one")
        ['one']
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks.append(own)
        return callbacks
    return [*_listed(callbacks), own]


def _bridged(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a loop with its callbacks in the flavour of the model."""
    given = settings.get("callbacks")
    if given is None or isinstance(given, keras.callbacks.CallbackList):
        return settings
    return {**settings, "callbacks": [bridged(callback) for callback in _listed(given)]}


def _listed(callbacks: Any) -> list[Any]:
    """Return one callback, several or none as a list."""
    given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
    return [callback for callback in given if callback is not None]


def _with_steps(model: Any, callbacks: Any) -> Any:
    """Return the callbacks with those that the model's layers need, none of them twice."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        for callback in _missing_steps(model, callbacks.callbacks):
            callbacks.append(callback)
        return callbacks
    given = [bridged(callback) for callback in _listed(callbacks)]
    return [*_missing_steps(model, given), *given]


def _missing_steps(model: Any, present: list[Any]) -> list[Any]:
    """Return the callbacks that a layer needs and that are not there."""
    layers = [layer for layer in model._flatten_layers(include_self=False) if is_pruning(layer)]
    if not layers:
        return []
    kind = tfmot().sparsity.keras.UpdatePruningStep
    counting = [] if any(isinstance(callback, kind) for callback in present) else [kind()]
    return counting + _rewinding(model, layers)


def _rewinding(model: Any, layers: list[Any]) -> list[Any]:
    """Return the callback that rewinds weights, if a schedule asks for it."""
    schedules = [layer.pruning_schedule for layer in layers]
    asking = next((one for one in schedules if hasattr(one, "rounds_done")), None)
    if asking is None:
        return []
    from tfedge.models.training.rewinding import Rewinder, RewindingCallback

    if getattr(model, "_rewinder", None) is None:
        model._rewinder = Rewinder(asking)
    return [RewindingCallback(model._rewinder)]
