"""One tf_keras layer becomes another of the same class, wrappers of tfmot included."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from typing import Any

from tfedge.core.errors import ModelError
from tfedge.models.adoption.activations import portable_activation
from tfedge.models.adoption.settings import config_of
from tfedge.models.flavours import tf_keras, tfmot
from tfedge.models.nodes import has_graph
from tfedge.models.wrappers import is_shared

_ACTIVATIONS = ("activation", "recurrent_activation")
_PRUNING = ("block_size", "block_pooling_type", "sparsity_m_by_n")


def clone(layer: Any, copy_model: Callable[[Any], Any]) -> Any:
    """Return a new tf_keras layer with the same config and fresh weights.

    Args:
        layer: A tf_keras layer, plain, custom, or wrapped by tfmot.
        copy_model: Adopts a model that sits inside a wrapper layer such as TimeDistributed.

    Raises:
        ModelError: If the layer cannot be made from its config.
    """
    if has_graph(layer):
        return copy_model(layer)
    maker = _MAKERS.get(type(layer).__name__)
    try:
        with wrapper_scope(layer):
            return maker(layer, copy_model) if maker is not None else _from_config(layer)
    except (TypeError, ValueError, KeyError, NotImplementedError) as error:
        raise ModelError(
            f"The layer {layer.name!r} ({type(layer).__name__}) cannot be made again from its "
            f"config: {error} Give the class a get_config that returns every argument of its "
            f"constructor."
        ) from error


@contextlib.contextmanager
def wrapper_scope(*layers: Any):
    """Let tf_keras find tfmot's classes and those of the given layers while it reads configs."""
    classes = {type(part).__name__: type(part) for layer in layers for part in _parts(layer)}
    with contextlib.ExitStack() as stack:
        if any(is_wrapped(layer) for layer in layers):
            keras_apis = tfmot()
            stack.enter_context(keras_apis.sparsity.keras.prune_scope())
            stack.enter_context(keras_apis.clustering.keras.cluster_scope())
            stack.enter_context(keras_apis.quantization.keras.quantize_scope())
        stack.enter_context(tf_keras().utils.custom_object_scope(classes))
        yield


def is_wrapped(layer: Any) -> bool:
    """Return whether a layer is one of the training-time wrappers, tfmot's or tfedge's."""
    homes = [kind.__module__ for kind in type(layer).__mro__]
    library = "tensorflow_model_optimization."
    return is_shared(layer) or any(home.startswith(library) for home in homes)


def _parts(layer: Any) -> list[Any]:
    """Return a layer and the custom objects it is made of."""
    inside = [getattr(layer, name, None) for name in ("layer", "cell", "quantize_config")]
    found = [part for part in inside if part is not None and not isinstance(part, (list, tuple))]
    foreign = [one for one in (layer, *found) if not type(one).__module__.startswith("tf_keras.")]
    deeper = [part for one in found if hasattr(one, "get_config") for part in _parts(one)]
    return [*foreign, *deeper]


def _from_config(layer: Any) -> Any:
    """Make a layer the way Keras does, with activations that can be saved."""
    config = config_of(layer)
    for key in _ACTIVATIONS:
        if callable(getattr(layer, key, None)) and key in config:
            portable = portable_activation(getattr(layer, key))
            config[key] = config[key] if portable is None else portable
    return type(layer).from_config(config)


def _lambda(layer: Any, copy_model: Callable) -> Any:
    """Carry the function over as it is; a config would hold its byte code."""
    config = config_of(layer)
    base = {key: config[key] for key in ("name", "trainable", "dtype")}
    return type(layer)(
        layer.function,
        output_shape=layer._output_shape,
        mask=layer.mask,
        arguments=layer.arguments,
        **base,
    )


def _time_distributed(layer: Any, copy_model: Callable) -> Any:
    """The layer inside may be a whole model."""
    config = config_of(layer)
    base = {key: config[key] for key in ("name", "trainable", "dtype")}
    return type(layer)(clone(layer.layer, copy_model), **base)


def _pruned(layer: Any, copy_model: Callable) -> Any:
    """Keep the N:M pattern, which the config of the wrapper forgets."""
    settings = {key: getattr(layer, key) for key in _PRUNING}
    schedule = copy.deepcopy(layer.pruning_schedule)
    inner = clone(layer.layer, copy_model)
    return type(layer)(inner, pruning_schedule=schedule, name=layer.name, **settings)


def _clustered(layer: Any, copy_model: Callable) -> Any:
    """The layer inside may hold what a config does not."""
    return type(layer)(**{**layer.get_config(), "layer": clone(layer.layer, copy_model)})


def _function(layer: Any, copy_model: Callable) -> Any:
    """A TensorFlow function without a public name has no config."""
    return type(layer)(layer.function, name=layer.name)


_MAKERS: dict[str, Callable[[Any, Callable], Any]] = {
    "Clustered": _clustered,
    "Lambda": _lambda,
    "PruneLowMagnitude": _pruned,
    "SlicingOpLambda": _function,
    "TFOpLambda": _function,
    "TimeDistributed": _time_distributed,
}
