"""tfmot's pruning wrapper, for any layer with kernels."""

from __future__ import annotations

import functools
import importlib
import inspect
from typing import Any

from tfedge.models.flavours import tf_keras, tfmot

keras: Any = tf_keras()
tfmot()
_wrapper: Any = importlib.import_module(
    "tensorflow_model_optimization.python.core.sparsity.keras.pruning_wrapper"
)


@keras.saving.register_keras_serializable("tfedge", "Pruned")
class Pruned(_wrapper.PruneLowMagnitude):
    """tfmot's ``PruneLowMagnitude``, told by attribute path which weights to prune.

    Masks, thresholds and steps are tfmot's. tfmot itself knows the kernels of a fixed list of
    layer classes only, drops masks that Keras passes between layers, renames
    the layer (and so the model's outputs), and does not save ``sparsity_m_by_n``; here any layer
    works, masks pass, names stay, and files carry all settings.

    Args:
        layer: The layer to prune.
        pruning_schedule: A tfmot schedule, for example :class:`tfedge.PolynomialDecay`.
        kernels: Attribute paths of the weights to prune, such as ``"cell.recurrent_kernel"``.
        **settings: What else ``PruneLowMagnitude`` takes.

    Example:
        >>> from tfedge.models.training.schedules import ConstantSparsity
        >>> layer = Pruned(keras.layers.Dense(2, name="head"), ConstantSparsity(0.5, 0))
        >>> layer.name, layer(keras.Input((4,))).shape
        ('head', TensorShape([None, 2]))
    """

    def __init__(
        self, layer: Any, pruning_schedule: Any, kernels: Any = ("kernel",), **settings: Any
    ) -> None:
        layer.get_prunable_weights = functools.partial(weights_at, layer, tuple(kernels))
        super().__init__(layer, pruning_schedule, **settings)
        self._name = layer.name
        self.kernels = list(kernels)
        self.supports_masking = layer.supports_masking

    def add_weight(self, name: str, **settings: Any) -> Any:
        """Create a variable; masks of several kernels are numbered, as an ``.h5`` file needs."""
        same = sum(f"/{name}" in f"/{weight.name}" for weight in self._non_trainable_weights)
        return super().add_weight(f"{name}_{same}" if same else name, **settings)

    def call(self, inputs: Any, training: Any = None, **arguments: Any) -> Any:
        """Count the step, update and apply the masks when training, then call the layer."""
        known = inspect.signature(self.layer.call).parameters
        arguments = {name: value for name, value in arguments.items() if name in known}
        return super().call(inputs, training=training, **arguments)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask that the layer inside passes on."""
        return self.layer.compute_mask(inputs, mask)

    def get_config(self) -> dict[str, Any]:
        """Return what a file needs to make the wrapper again."""
        own = {"kernels": list(self.kernels), "sparsity_m_by_n": self.sparsity_m_by_n}
        return {**super().get_config(), **own}


def weights_at(layer: Any, paths: tuple[str, ...]) -> list[Any]:
    """Return the weights at attribute paths; digits index into lists.

    Example:
        >>> cell = keras.layers.LSTMCell(2)
        >>> cell.build((None, 3))
        >>> [weight.shape for weight in weights_at(cell, ("kernel", "recurrent_kernel"))]
        [TensorShape([3, 8]), TensorShape([2, 8])]
    """
    return [functools.reduce(_step, path.split("."), layer) for path in paths]


def _step(owner: Any, name: str) -> Any:
    """Return one attribute, or one item of a list."""
    return owner[int(name)] if name.isdigit() else getattr(owner, name)
