"""A wrapper that lets any layer compute as its int8 operators will, and be trained so."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfedge.models.flavours import tf_keras
from tfedge.models.kernels import weights_at
from tfedge.models.training.activation_range import NOT_SET, Range, is_watching
from tfedge.models.training.kernel_scheme import KernelScheme
from tfedge.models.training.logits import logits_of, with_logits
from tfedge.models.training.passing import PassingWrapper
from tfedge.models.training.rounded_activations import rounded_activation
from tfedge.models.training.stand_in import stand_in

keras: Any = tf_keras()


@keras.saving.register_keras_serializable("tfedge", "Quantized")
class Quantized(PassingWrapper):
    """Calls a layer with fake-quantized kernels, and fake-quantizes what comes out.

    The layer keeps its variables. tfmot's ``QuantizeWrapperV2`` does the same for a fixed list of
    layers of one input; here any layer works, with any arguments, masks and dtype policy, and
    everything that the wrapper knows is in its config.

    Args:
        layer: The layer.
        kernels: How its kernels are quantized, :class:`KernelScheme` or configs of them.
        before: Range of what goes into its activation, where that is an operator of its own.
        output: Range of its output; None where the next operator does the rounding, or where
            values only move.
        freeze_after: For a normalization: after how many training steps it uses its moving
            statistics; None for never.
        **settings: What else a Keras layer takes.

    Example:
        >>> head = keras.layers.Dense(8, name="head")
        >>> head.build((None, 4))
        >>> layer = Quantized(head, [KernelScheme("kernel")], output=Range())
        >>> layer(keras.Input((4,))).shape, [weight.name for weight in layer.weights[3:]]
        (TensorShape([None, 8]), ['head/kernel_max:0', 'head/output_min:0', 'head/output_max:0'])
    """

    def __init__(
        self,
        layer: Any,
        kernels: Sequence[Any] = (),
        before: Any = None,
        output: Any = None,
        freeze_after: int | None = None,
        **settings: Any,
    ) -> None:
        own = {"name": layer.name, "dtype": "float32", "autocast": False}
        super().__init__(layer, **{**settings, **own})
        self.kernels = tuple(_made(KernelScheme, kernel) for kernel in kernels)
        self.before, self.output_range = _made(Range, before), _made(Range, output)
        self.freeze_after = freeze_after
        self.supports_masking = layer.supports_masking

    def build(self, input_shape: Any = None) -> None:
        """Make the variables of the kernels and ranges."""
        super().build(input_shape)
        self.optimizer_step = _counter(self)
        variables = weights_at(self.layer, tuple(kernel.path for kernel in self.kernels))
        # Named as in tfmot's wrapper, where reports look for them.
        self._weight_vars = [
            (variable, kernel, kernel.build(self, variable))
            for variable, kernel in zip(variables, self.kernels, strict=True)
        ]
        places = {"pre_activation": self.before, "output": self.output_range}
        self.ranges = {
            name: (one, one.build(self, name)) for name, one in places.items() if one is not None
        }

    def call(self, inputs: Any, *args: Any, training: Any = None, **arguments: Any) -> Any:
        """Call the layer as its int8 operators would compute."""
        training = keras.backend.learning_phase() if training is None else training
        values = {
            kernel.path: kernel.apply(variable, training, state)
            for variable, kernel, state in self._weight_vars
        }
        if getattr(self.layer, "activation", None) is not None:
            values["activation"] = self._activation(training)
        arguments = self._accepted(arguments, training)
        with stand_in(self.layer, values):
            outputs = self.layer(inputs, *args, **arguments)
        logits = inputs if _is_softmax(self.layer, outputs) else logits_of(outputs)
        outputs = self._ranged("output", outputs, training)
        count(self.optimizer_step, training)
        return outputs if logits is None else with_logits(outputs, logits)

    def get_config(self) -> dict[str, Any]:
        """Return what a file needs to make the wrapper again."""
        own = {
            "kernels": [dataclasses.asdict(kernel) for kernel in self.kernels],
            "before": _config(self.before),
            "output": _config(self.output_range),
            "freeze_after": self.freeze_after,
        }
        return {**super().get_config(), **own}

    def _activation(self, training: Any) -> Any:
        """Return what stands in for the activation of the layer."""
        function = self.layer.activation
        rounded = function if is_watching() else rounded_activation(function)
        return lambda values: rounded(self._ranged("pre_activation", values, training))

    def _ranged(self, place: str, values: Any, training: Any) -> Any:
        """Return values as the range of a place rounds them."""
        if place not in self.ranges:
            return values
        one, variables = self.ranges[place]
        return one.apply(values, training, variables, tf.convert_to_tensor(self.optimizer_step))

    def _accepted(self, arguments: dict[str, Any], training: Any) -> dict[str, Any]:
        """Return the arguments that the layer takes, a frozen normalization not in training."""
        known = inspect.signature(self.layer.call).parameters
        arguments = {name: value for name, value in arguments.items() if name in known}
        if "training" in known:
            if self.freeze_after is not None and (tf.is_tensor(training) or training):
                training = tf.cast(training, tf.bool) & (self.optimizer_step < self.freeze_after)
            arguments["training"] = training
        return arguments


@keras.saving.register_keras_serializable("tfedge", "QuantizeLayer")
class QuantizeLayer(keras.layers.Layer):
    """Fake-quantizes a tensor: an input of the model, or what a layer in float hands on.

    Args:
        output: The range, or its config.
        **settings: What else a Keras layer takes.

    Example:
        >>> QuantizeLayer(Range(), name="quantize_layer")(keras.Input((4,))).shape
        TensorShape([None, 4])
    """

    def __init__(self, output: Any, **settings: Any) -> None:
        super().__init__(**{**settings, "dtype": "float32", "autocast": False})
        self.output_range = _made(Range, output)
        self.supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        """Make the variables of the range, once."""
        if not hasattr(self, "ranges"):
            self.optimizer_step = _counter(self)
            self.ranges = {"output": (self.output_range, self.output_range.build(self, "output"))}
        super().build(input_shape)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Return the values as the range rounds them."""
        training = keras.backend.learning_phase() if training is None else training
        one, variables = self.ranges["output"]
        steps = tf.convert_to_tensor(self.optimizer_step)
        outputs = one.apply(inputs, training, variables, steps)
        count(self.optimizer_step, training)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Return what a file needs to make the layer again."""
        return {**super().get_config(), "output": _config(self.output_range)}


def _is_softmax(layer: Any, outputs: Any) -> bool:
    """Return whether a layer is a softmax along the last axis and nothing else."""
    return type(layer).__name__ == "Softmax" and layer.axis in (-1, len(outputs.shape) - 1)


def count(steps: Any, training: Any) -> None:
    """Count a training step; the first step after no calibration is number 1 too.

    Example:
        >>> steps = tf.Variable(-1)
        >>> count(steps, True)
        >>> int(steps)
        1
    """
    if is_watching() or not (tf.is_tensor(training) or training):
        return
    now = tf.convert_to_tensor(steps)
    steps.assign(tf.where(tf.cast(training, tf.bool), tf.maximum(now, 0) + 1, now))


def _counter(layer: Any) -> Any:
    """Return a new count of training steps, which starts where nothing is set yet."""
    return layer.add_weight(
        "optimizer_step",
        initializer=keras.initializers.Constant(NOT_SET),
        dtype=tf.int32,
        trainable=False,
        aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
    )


def _made(kind: Any, given: Any) -> Any:
    """Return an object of a kind, or None, from itself or its config."""
    if given is None or isinstance(given, kind):
        return given
    return kind(**{key: _tuples(value) for key, value in given.items()})


def _tuples(value: Any) -> Any:
    """Return lists, as files hold them, as tuples."""
    return tuple(value) if isinstance(value, (list, tuple)) else value


def _config(one: Range | None) -> dict[str, Any] | None:
    """Return a range as plain data."""
    return None if one is None else dataclasses.asdict(one)
