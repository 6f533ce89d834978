"""Each weight becomes the nearest of a few values, and gradients reach both."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def shared_values(weights: Any, centroids: Any, used: Any = None, *, average: bool = True) -> Any:
    """Return for each weight the nearest centroid of its row.

    The gradient goes straight through to the weights, so that they may move to another
    cluster, and is gathered for each centroid from the weights that use it.

    Args:
        weights: Tensor of shape ``(rows, weights)``.
        centroids: Tensor of shape ``(rows, clusters)``, in any order, of the same dtype.
        used: Boolean tensor shaped like ``weights``: False gives 0 and no gradient. Default:
            all are used.
        average: Gather the mean of the gradients, so that a centroid moves as its weights
            would on average; else their sum, as in the reference.

    Returns:
        Tensor shaped like ``weights``. In the middle between two centroids the smaller counts.

    Example:
        >>> shared_values(tf.constant([[0.1, 0.9, 0.4]]), tf.constant([[1.0, 0.0]])).numpy()
        array([[0., 1., 0.]], dtype=float32)

    Reference:
        Han et al., ICLR 2016, arXiv:1510.00149, section 3.3.
    """
    weights, centroids = tf.convert_to_tensor(weights), tf.convert_to_tensor(centroids)
    used = tf.ones_like(weights, "bool") if used is None else used
    gather = tf.math.unsorted_segment_mean if average else tf.math.unsorted_segment_sum

    @tf.custom_gradient
    def shared(weights: Any, centroids: Any) -> Any:
        """Look up the values; hand the gradient to weights and centroids."""
        places = _places(weights, centroids)

        def gradient(upstream: Any) -> tuple[Any, Any]:
            """Return the gradients of weights and centroids; a place of -1 is not gathered."""
            gathered = gather(upstream, tf.where(used, places, -1), tf.size(centroids))
            own = tf.where(used, upstream, tf.zeros_like(upstream))
            return own, tf.reshape(gathered, tf.shape(centroids))

        values = tf.gather(tf.reshape(centroids, [-1]), places)
        return tf.where(used, values, tf.zeros_like(values)), gradient

    return shared(weights, centroids)


def _places(weights: Any, centroids: Any) -> Any:
    """Return where in the flattened centroids the value of each weight lies."""
    order = tf.argsort(centroids, axis=-1)
    ranked = tf.gather(centroids, order, batch_dims=1)
    middles = (ranked[:, 1:] + ranked[:, :-1]) / 2
    ranks = tf.searchsorted(middles, weights)
    rows, clusters = tf.unstack(tf.shape(centroids))
    return tf.gather(order, ranks, batch_dims=1) + tf.range(rows)[:, None] * clusters
