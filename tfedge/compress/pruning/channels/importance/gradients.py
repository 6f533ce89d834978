"""Derivatives of a loss by the weights of a model, batch by batch, for any data set and loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.compress.pruning.channels.samples import labelled
from tfedge.compress.pruning.channels.weights import plain_variable
from tfedge.core.errors import ArgumentError
from tfedge.models.edges import map_tensors
from tfedge.models.flavours import KERAS3, flavour_of, keras3, tf_keras
from tfedge.models.graph import LayerGraph, read_graph
from tfedge.models.nodes import functional, inputs_of, outputs_of
from tfedge.models.samples import by_input
from tfedge.models.training.translate import to_tf_keras


def gradients(
    model: Any,
    variables: Sequence[Any],
    data: Any,
    loss: Any = None,
    *,
    samples: int = 256,
    batch_size: int = 32,
) -> Iterator[list[np.ndarray]]:
    """Yield the gradient of the loss for one batch after the other.

    The model runs as in inference, so that no statistics change and nothing is dropped.
    Penalties on weights and activations are not part of the loss.

    Args:
        model: A functional or Sequential model of either Keras; it stays as it is.
        variables: Its variables, frozen ones too.
        data: Samples with labels, in any form that `tfedge.core.data.batches` reads.
        loss: A loss as ``compile`` takes it; None: the one that the model was compiled with.
        samples: Number of samples to use; of arrays they are taken evenly over their length.
        batch_size: Samples per gradient.

    Yields:
        One array per variable, of its shape.

    Raises:
        ArgumentError: If there is neither a loss nor a compiled model.
        DataError: If the data bring no labels.

    Example:
        >>> keras = keras3()
        >>> dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
        >>> model = keras.Sequential([keras.Input((2,)), dense])
        >>> data = np.array([[1.0, 2.0]]), np.array([[0.0]])
        >>> [[gradient]] = gradients(model, [dense.kernel], data, "mse")
        >>> gradient.ravel().tolist()
        [6.0, 12.0]
    """
    loss_of, graph = loss_function(model, loss), read_graph(model)
    plain = [plain_variable(variable) for variable in variables]

    @tf.function(reduce_retracing=True)
    def compute(x: Any, y: Any, weight: Any) -> Any:
        """Return the gradient for one batch."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(plain)
            value = loss_of(x, y, weight)
        return tape.gradient(value, plain, unconnected_gradients="zero")

    for batch in labelled(model, data, samples, batch_size):
        yield [_dense(one) for one in compute(_packed(graph, batch.x), batch.y, batch.weight)]


def curvatures(
    model: Any,
    variables: Sequence[Any],
    data: Any,
    loss: Any = None,
    *,
    samples: int = 256,
    batch_size: int = 32,
    seed: int = 0,
) -> Iterator[list[np.ndarray]]:
    """Yield an estimate of the diagonal of the Hessian of the loss, batch by batch.

    Hutchinson's estimator: ``E[v * Hv]`` for random signs ``v`` is the diagonal of ``H``.

    Args:
        model: As for :func:`gradients`, like the rest.
        variables: Variables.
        data: Samples with labels.
        loss: A loss, or None.
        samples: Number of samples.
        batch_size: Samples per estimate.
        seed: Seed of the random signs.

    Yields:
        One array per variable, of its shape. Average them.

    Example:
        >>> keras = keras3()
        >>> dense = keras.layers.Dense(1, use_bias=False)
        >>> model = keras.Sequential([keras.Input((1,)), dense])
        >>> data = np.array([[3.0]]), np.array([[0.0]])
        >>> [[curvature]] = curvatures(model, [dense.kernel], data, "mse")
        >>> curvature.item()
        18.0

    Reference:
        Bekas et al., "An estimator for the diagonal of a matrix", 2007.
    """
    loss_of, graph = loss_function(model, loss), read_graph(model)
    plain = [plain_variable(variable) for variable in variables]
    generator = np.random.default_rng(seed)

    @tf.function(reduce_retracing=True)
    def compute(signs: Any, x: Any, y: Any, weight: Any) -> Any:
        """Return signs * (Hessian @ signs) for one batch."""
        with tf.GradientTape(watch_accessed_variables=False) as outer:
            outer.watch(plain)
            with tf.GradientTape(watch_accessed_variables=False) as inner:
                inner.watch(plain)
                value = loss_of(x, y, weight)
            slopes = inner.gradient(value, plain, unconnected_gradients="zero")
            along = tf.add_n([tf.reduce_sum(one) for one in _products(signs, slopes)])
        return _products(signs, outer.gradient(along, plain, unconnected_gradients="zero"))

    for batch in labelled(model, data, samples, batch_size):
        signs = [_signs(generator, one) for one in plain]
        x = _packed(graph, batch.x)
        yield [_dense(one) for one in compute(signs, x, batch.y, batch.weight)]


def loss_function(model: Any, loss: Any = None) -> Callable[[Any, Any, Any], Any]:
    """Return a function of inputs, labels and sample weights that gives the mean loss.

    Args:
        model: A model of either Keras; it is neither compiled nor changed.
        loss: A loss as ``compile`` takes it; None: the one that the model was compiled with.

    Raises:
        ArgumentError: If there is none.

    Example:
        >>> model = keras3().Sequential([keras3().Input((1,)), keras3().layers.ReLU()])
        >>> float(loss_function(model, "mse")(np.ones((4, 1)), np.zeros((4, 1)), None))
        1.0
    """
    weights = None
    if loss is None:
        loss, weights = getattr(model, "loss", None), _loss_weights(model)
    if loss is None:
        raise ArgumentError(
            f"This importance needs a loss, and {model.name!r} is not compiled: pass loss=, for "
            f"example loss='sparse_categorical_crossentropy', or compile the model first."
        )
    twin = _compiled(model, loss, weights)

    def mean_loss(x: Any, y: Any, weight: Any) -> Any:
        """Return the loss of one batch without penalties."""
        outputs = twin(x, training=False)
        value = twin.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=weight)
        return value - tf.add_n([tf.cast(one, value.dtype) for one in twin.losses] or [0.0])

    return mean_loss


def _packed(graph: LayerGraph, x: Any) -> Any:
    """Return a batch in the structure that the model takes."""
    return map_tensors(graph.inputs, by_input(graph, x).get)


def _compiled(model: Any, loss: Any, weights: Any) -> Any:
    """Return a model of the same layers that is compiled with a loss; the user's is left alone."""
    graph = functional(model)
    if flavour_of(model) == KERAS3:
        twin = keras3().Model(inputs_of(graph), outputs_of(graph))
        twin.compile(loss=loss, loss_weights=weights)
    else:
        twin = tf_keras().Model(inputs_of(graph), outputs_of(graph))
        twin.compile(loss=to_tf_keras(loss, "loss"), loss_weights=weights)
    return twin


def _loss_weights(model: Any) -> Any:
    """Return the loss weights that a model was compiled with."""
    holder = getattr(model, "_compile_loss", None) or getattr(model, "compiled_loss", None)
    return getattr(holder, "_user_loss_weights", None)


def _products(signs: list[Any], slopes: list[Any]) -> list[Any]:
    """Return the products, gradients of embeddings made dense."""
    return [v * tf.convert_to_tensor(one) for v, one in zip(signs, slopes, strict=True)]


def _dense(gradient: Any) -> np.ndarray:
    """Return a gradient as an array, also that of an embedding."""
    return np.asarray(tf.convert_to_tensor(gradient))


def _signs(generator: np.random.Generator, variable: Any) -> Any:
    """Return random signs in the shape of a variable."""
    signs = generator.integers(0, 2, tuple(variable.shape)) * 2 - 1
    return tf.constant(signs, variable.dtype)
