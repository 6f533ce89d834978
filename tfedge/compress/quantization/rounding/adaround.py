"""AdaRound's arithmetic: which weights of one kernel are rounded up, found by gradient."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

_LOW, _HIGH = -0.1, 1.1
_FREE = 0.2
"""Share of the steps in which nothing yet pulls to a decision."""

_FIRST_BETA, _LAST_BETA = 20.0, 2.0
_STRENGTH = 10.0
_MEMORY, _SQUARES = 0.9, 0.999
_TINY = 1e-12


class Task(NamedTuple):
    """An operator that is to make of rounded inputs what it makes in float of exact ones.

    Attributes:
        rows: What its matrices are multiplied with, ``(rows, groups, inputs)``.
        target: What it makes in float, ``(rows, channels)``.
        scale: What each channel is multiplied with after the product, ``(channels,)``.
        shift: What is then added, ``(channels,)``.
        ends: Smallest and largest value that it makes, ``(2,)``.
    """

    rows: Any
    target: Any
    scale: Any
    shift: Any
    ends: Any


class Grid(NamedTuple):
    """The integers between which the weights of a kernel are rounded.

    Attributes:
        floor: The integer below each weight, float32 ``(groups, inputs, channels)``.
        rest: How far the weight is above it, in [0, 1).
        free: 1 for a weight that may be rounded up, 0 for one whose integer is settled.
        size: What one step of the integers stands for.
        most: The largest integer; its negative is the smallest.
    """

    floor: Any
    rest: Any
    free: Any
    size: Any
    most: Any

    def weights(self, up: Any) -> Any:
        """Return the weights if each is rounded up as far as 0 to 1 says.

        Example:
            >>> one = tf.constant([[[2.0]]])
            >>> Grid(one, one * 0, one / one, one / 8, tf.constant(7.0)).weights(1.0).numpy()
            array([[[0.75]]], dtype=float32)
        """
        return tf.clip_by_value(self.floor + up * self.free, -self.most, self.most) * self.size


def made(task: Task, rows: Any, weights: Any) -> Any:
    """Return what an operator makes of rows with some weights.

    Example:
        >>> one = tf.ones((1, 1, 1))
        >>> task = Task(one, None, tf.ones(1), tf.ones(1), tf.constant([0.0, 6.0]))
        >>> made(task, one, 3 * one).numpy()
        array([[4.]], dtype=float32)
    """
    if rows.shape[1] == 1:
        product = rows[:, 0] @ weights[0]
    else:
        product = tf.einsum("bgd,gdo->bgo", rows, weights)
        product = tf.reshape(product, (-1, tf.size(task.scale)))
    return tf.clip_by_value(product * task.scale + task.shift, task.ends[0], task.ends[1])


def errors(task: Task, weights: Any) -> Any:
    """Return the mean squared error of each channel with some weights.

    Example:
        >>> one = tf.ones((1, 1, 1))
        >>> task = Task(one, one[0] * 3, tf.ones(1), tf.zeros(1), tf.constant([-9.0, 9.0]))
        >>> errors(task, one).numpy()
        array([4.], dtype=float32)
    """
    return tf.reduce_mean((made(task, task.rows, weights) - task.target) ** 2, 0)


def rectified_sigmoid(values: Any) -> Any:
    """Return the sigmoid stretched to the range from -0.1 to 1.1 and cut off at 0 and 1.

    Example:
        >>> rectified_sigmoid(tf.constant([-9.0, 0.0, 9.0])).numpy().tolist()
        [0.0, 0.5, 1.0]

    Reference:
        Nagel et al., ICML 2020, arXiv:2004.10568, equation 23.
    """
    return tf.clip_by_value(tf.sigmoid(values) * (_HIGH - _LOW) + _LOW, 0.0, 1.0)


def learned(
    task: Task, grid: Grid, *, steps: int, batch_size: int, learning_rate: float, seed: int
) -> Any:
    """Return 1 for weights that are rounded up and 0 for those that are rounded down.

    Gradient descent (Adam) moves each weight between its two integers, so that the operator's
    squared error falls, in units of that of rounding to the nearest, channel by channel. A
    penalty pulls to either integer; its exponent falls from 20 to 2 after the first fifth of
    the steps. A channel in which rounding to the nearest is better in the end is rounded so.

    Args:
        task: What the operator is to make.
        grid: The integers.
        steps: Number of gradients.
        batch_size: Rows for each.
        learning_rate: Of Adam.
        seed: Of the choice of rows.

    Returns:
        Tensor shaped like the weights.

    Example:
        >>> rows = tf.ones((8, 1, 2))
        >>> task = Task(rows, 0.8 * rows[:, 0, :1], tf.ones(1), tf.zeros(1), [-9.0, 9.0])
        >>> rest = tf.constant([[[0.41], [0.39]]])
        >>> grid = Grid(rest * 0, rest, rest * 0 + 1, rest * 0 + 1, tf.constant(7.0))
        >>> up = learned(task, grid, steps=200, batch_size=4, learning_rate=0.1, seed=0)
        >>> tf.reshape(up, -1).numpy()
        array([1., 0.], dtype=float32)

    Reference:
        Nagel et al., ICML 2020, arXiv:2004.10568, sections 3.2 to 3.4 and 4.
    """
    nearest = tf.round(grid.rest)
    before = errors(task, grid.weights(nearest))
    task = task._replace(ends=tf.convert_to_tensor(task.ends))
    descend = _descend_plain if grid.floor.shape[0] == 1 else _descend_grouped
    chances = descend(
        task, grid, 1 / tf.maximum(before, _TINY), steps, batch_size, learning_rate, seed
    )
    up = tf.cast(chances >= 0.5, tf.float32)
    better = tf.reshape(errors(task, grid.weights(up)) < before, (len(up), 1, -1))
    return tf.where(better, up, nearest)


def _descent(groups: int | None) -> Any:
    """Return the descent for kernels of one group or of any number, traced once for all shapes."""
    spec = tf.TensorSpec
    rows, vector, scalar = spec((None, groups, None)), spec((None,)), spec(())
    task = Task(rows, spec((None, None)), vector, vector, spec((2,)))
    weights = spec((groups, None, None))
    grid = Grid(weights, weights, weights, weights, scalar)
    whole = spec((), tf.int32)
    signature = (task, grid, vector, whole, whole, scalar, whole)
    return tf.function(_descend, input_signature=signature)


def _descend(
    task: Task, grid: Grid, units: Any, steps: Any, batch_size: Any, rate: Any, seed: Any
) -> Any:
    """Return how far up each weight is rounded after all steps."""
    ratio = tf.clip_by_value((_HIGH - _LOW) / (grid.rest - _LOW) - 1, 1e-3, 1e3)
    values = -tf.math.log(ratio)
    momentum, squares = tf.zeros_like(values), tf.zeros_like(values)
    for number in tf.range(steps):
        at = tf.cast(number, tf.float32)
        chosen = tf.random.stateless_uniform(
            [batch_size], tf.stack([seed, number]), 0, tf.shape(task.rows)[0], tf.int32
        )
        slope = _slope(task, grid, units, values, chosen, at / tf.cast(steps, tf.float32))
        momentum += (1 - _MEMORY) * (slope - momentum)
        squares += (1 - _SQUARES) * (slope**2 - squares)
        size = rate * tf.sqrt(1 - _SQUARES ** (at + 1)) / (1 - _MEMORY ** (at + 1))
        values -= size * momentum / (tf.sqrt(squares) + 1e-8)
    return rectified_sigmoid(values)


def _slope(task: Task, grid: Grid, units: Any, values: Any, chosen: Any, done: Any) -> Any:
    """Return the gradient of error and penalty on some rows."""
    rows, target = tf.gather(task.rows, chosen), tf.gather(task.target, chosen)
    left = 1 - tf.maximum(done - _FREE, 0.0) / (1 - _FREE)
    beta = _LAST_BETA + (_FIRST_BETA - _LAST_BETA) * left
    depth = tf.cast(tf.shape(values)[1], tf.float32)
    strength = tf.where(done < _FREE, 0.0, _STRENGTH / depth)
    with tf.GradientTape() as tape:
        tape.watch(values)
        up = rectified_sigmoid(values)
        wrong = (made(task, rows, grid.weights(up)) - target) ** 2
        error = tf.reduce_sum(tf.reduce_mean(wrong, 0) * units)
        loss = error + strength * tf.reduce_sum(1 - tf.abs(2 * up - 1) ** beta)
    return tape.gradient(loss, values)


_descend_plain, _descend_grouped = _descent(1), _descent(None)
