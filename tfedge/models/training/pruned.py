"""tfmot's pruning wrapper, for any layer with kernels and any pattern of zeros."""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import Any

from tfedge.core.checks import one_of
from tfedge.core.errors import ModelError
from tfedge.core.patterns import ELEMENT, check_fits, parse_pattern
from tfedge.models.flavours import tf_keras, tfmot
from tfedge.models.kernels import weights_at
from tfedge.models.layers import input_axis_of
from tfedge.models.training.stepping import GLOBAL, SCOPES, MaskWriter, advance, is_stepped

keras: Any = tf_keras()
tfmot()
_wrapper: Any = importlib.import_module(
    "tensorflow_model_optimization.python.core.sparsity.keras.pruning_wrapper"
)
_REPLACED = ("block_size", "block_pooling_type")


@keras.saving.register_keras_serializable("tfedge", "Pruned")
class Pruned(_wrapper.PruneLowMagnitude):
    """tfmot's ``PruneLowMagnitude``, told by attribute path which weights to prune.

    The step counter, the masks and the schedule are tfmot's. tfmot itself knows the kernels of a
    fixed list of layer classes only, chooses N:M masks once, knows blocks in two dimensions,
    counts a layer that is called twice in a step twice, drops masks that Keras passes between
    layers, and renames the layer (and so the model's outputs).

    Args:
        layer: The layer to prune.
        pruning_schedule: A tfmot schedule, for example :class:`tfedge.PolynomialDecay`.
        kernels: Attribute paths of the weights to prune, such as ``"cell.recurrent_kernel"``.
        pattern: Where zeros may lie, as :func:`tfedge.core.patterns.parse_pattern` reads it.
        scope: ``"layer"``, or ``"global"`` for one threshold over all layers of the
            ``TrainableModel`` that say so.
        **base: What every Keras layer takes.

    Raises:
        ModelError: When it is built, if the pattern does not fit a kernel.

    Example:
        >>> from tfedge.models.training.schedules import ConstantSparsity
        >>> layer = Pruned(keras.layers.Dense(2, name="head"), ConstantSparsity(0.5, 0))
        >>> layer.name, layer(keras.Input((4,))).shape
        ('head', TensorShape([None, 2]))
    """

    def __init__(
        self,
        layer: Any,
        pruning_schedule: Any,
        kernels: Any = ("kernel",),
        pattern: str = ELEMENT,
        scope: str = "layer",
        **base: Any,
    ) -> None:
        one_of("scope", scope, SCOPES)
        self.parsed_pattern = parse_pattern(pattern)
        layer.get_prunable_weights = functools.partial(weights_at, layer, tuple(kernels))
        base.setdefault("dtype", layer._dtype_policy)
        super().__init__(layer, pruning_schedule, **base)
        self._name = layer.name
        self.kernels = list(kernels)
        self.pattern, self.scope = pattern, scope
        self.supports_masking = layer.supports_masking

    def build(self, input_shape: Any = None) -> None:
        """Create masks, thresholds and the step counter."""
        _build_projections(self.layer)
        super().build(input_shape)
        self.axes = [input_axis_of(self.layer, path) for path in self.kernels]
        for (weight, *_), axis in zip(self.pruning_vars, self.axes, strict=True):
            check_fits(self.parsed_pattern, self.name, tuple(weight.shape), axis)
        self.pruning_obj = MaskWriter(self)

    def add_weight(self, name: str, **settings: Any) -> Any:
        """Create a variable; masks of several kernels are numbered, as an ``.h5`` file needs."""
        same = sum(f"/{name}" in f"/{weight.name}" for weight in self._non_trainable_weights)
        return super().add_weight(f"{name}_{same}" if same else name, **settings)

    def call(self, inputs: Any, *args: Any, training: Any = None, **arguments: Any) -> Any:
        """Call the layer; count the step and write masks before, unless the model does."""
        if training is None:
            training = keras.backend.learning_phase()
        if not is_stepped(self):
            self._refuse_alone(training)
            advance([self], training)
        known = inspect.signature(self.layer.call).parameters
        arguments = {name: value for name, value in arguments.items() if name in known}
        if "training" in known:
            arguments["training"] = training
        return self.layer.call(inputs, *args, **arguments)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask that the layer inside passes on."""
        return self.layer.compute_mask(inputs, mask)

    def get_config(self) -> dict[str, Any]:
        """Return what a file needs to make the wrapper again."""
        base = {k: v for k, v in super().get_config().items() if k not in _REPLACED}
        own = {"kernels": list(self.kernels), "pattern": self.pattern, "scope": self.scope}
        return {**base, **own}

    def _refuse_alone(self, training: Any) -> None:
        """Refuse to train by a threshold that only the whole model can find."""
        if self.scope == GLOBAL and training is True:
            raise ModelError(
                f"{self.name!r} shares its threshold with the other layers of the model that "
                f"tfedge.prune returned, and is trained outside of it. Train that model, or make "
                f"yours of the same inputs and outputs a TrainableModel."
            )


def _build_projections(layer: Any) -> None:
    """Build the dense layers in attention that was made from a config: Keras waits for a call."""
    if "MultiHeadAttention" not in [kind.__name__ for kind in type(layer).__mro__]:
        return
    heads = (*layer._query_shape[:-1], layer._num_heads, layer._value_dim or layer._key_dim)
    for part, shape in {
        "query": layer._query_shape,
        "key": layer._key_shape,
        "value": layer._value_shape,
        "output": heads,
    }.items():
        dense = getattr(layer, f"_{part}_dense")
        if not dense.built:
            with keras.backend.name_scope(dense.name):
                dense.build(shape)
            dense.built = True
