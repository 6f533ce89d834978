"""Starting values and the layer's arithmetic, against scikit-learn, NumPy and tfmot."""

import importlib

import numpy as np
import pytest
import tensorflow as tf
from sklearn.cluster import KMeans

from tfedge.compress.clustering.centroids import INITS, starting_centroids
from tfedge.models.flavours import tfmot
from tfedge.models.training.clustered import as_rows, from_rows
from tfedge.models.training.shared_values import shared_values

RNG = np.random.default_rng(3)
WEIGHTS = np.concatenate([RNG.normal(0, 1, 700), RNG.normal(4, 0.2, 300)])
TFMOT = "tensorflow_model_optimization.python.core.clustering.keras"


def tfmot_module(name):
    tfmot()
    return importlib.import_module(f"{TFMOT}.{name}")


@pytest.mark.parametrize(
    ("init", "clusters"), [(init, n) for init in INITS for n in (2, 5, 16)][:-1]
)
def test_refined_values_are_those_of_scikit_learn(init, clusters):
    start = starting_centroids(WEIGHTS, clusters, init, refine=False)
    assert start.shape == (clusters,)
    other = KMeans(clusters, init=start[:, None], n_init=1, max_iter=300, tol=0)
    expected = np.sort(other.fit(WEIGHTS[:, None]).cluster_centers_.ravel())
    np.testing.assert_allclose(starting_centroids(WEIGHTS, clusters, init), expected, atol=1e-6)


def test_values_that_start_where_no_weight_is_are_put_to_use():
    values = starting_centroids(np.concatenate([WEIGHTS, [1000.0]]), 16, "linear")
    nearest = np.argmin(np.abs(WEIGHTS[:, None] - values), axis=1)
    assert values[-1] == pytest.approx(1000)
    assert sorted(set(nearest)) == list(range(15))
    means = [WEIGHTS[nearest == one].mean() for one in range(15)]
    np.testing.assert_allclose(values[:-1], means)


def test_kmeans_plus_plus_is_nearly_as_good_as_the_best_of_many_runs():
    best = KMeans(8, n_init=30, random_state=0).fit(WEIGHTS[:, None]).inertia_
    found = starting_centroids(WEIGHTS, 8)
    error = np.min((WEIGHTS[:, None] - found) ** 2, axis=1).sum()
    assert error < 1.3 * best


def test_linear_values_are_those_of_tfmot():
    kind = tfmot_module("clustering_centroids").LinearCentroidsInitialisation
    expected = kind(tf.constant(WEIGHTS), 7).get_cluster_centroids().numpy()
    np.testing.assert_allclose(
        starting_centroids(WEIGHTS, 7, "linear", refine=False), expected, atol=1e-6
    )


def test_density_gives_each_value_equally_many_weights():
    values = starting_centroids(np.arange(1000.0), 4, "density", refine=False)
    np.testing.assert_allclose(values, [124.875, 374.625, 624.375, 874.125])


def test_few_distinct_values_and_very_many():
    assert starting_centroids(np.array([2.0, 1.0, 2.0]), 4).tolist() == [1, 2, 2, 2]
    many = RNG.normal(0, 1, 2**20)
    few = starting_centroids(many[: 2**18], 4)
    np.testing.assert_allclose(starting_centroids(many, 4), few, atol=0.01)


def test_each_weight_gets_the_nearest_value():
    rows = RNG.normal(size=(3, 50)).astype("float32")
    centroids = RNG.normal(size=(3, 6)).astype("float32")
    nearest = np.argmin(np.abs(rows[:, :, None] - centroids[:, None]), axis=-1)
    expected = np.take_along_axis(centroids, nearest, axis=1)
    np.testing.assert_array_equal(shared_values(rows, centroids), expected)
    used = rows > 0
    np.testing.assert_array_equal(shared_values(rows, centroids, used), expected * used)


@pytest.mark.parametrize("average", [True, False])
def test_gradients_are_those_of_tfmot(average):
    kinds = tfmot_module("cluster_config").GradientAggregation
    weights = tf.Variable(RNG.normal(size=40).astype("float32"))
    centroids = tf.Variable(np.sort(RNG.normal(size=5)).astype("float32"))
    upstream = tf.constant(RNG.normal(size=40).astype("float32"))
    other = tfmot_module("clustering_algorithm").ClusteringAlgorithm(
        centroids, kinds.AVG if average else kinds.SUM
    )
    with tf.GradientTape(persistent=True) as tape:
        expected = other.get_clustered_weight(other.get_pulling_indices(weights), weights)
        found = shared_values(weights[None], centroids[None], average=average)[0]
        losses = [tf.reduce_sum(values * upstream) for values in (expected, found)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for variable in (weights, centroids):
        ours, theirs = (tf.convert_to_tensor(tape.gradient(one, variable)) for one in losses[::-1])
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_weights_that_are_not_used_have_no_say_in_the_mean():
    weights, centroids = tf.constant([[0.1, 0.2, 0.9]]), tf.Variable([[0.0, 1.0]])
    used = tf.constant([[True, False, True]])
    with tf.GradientTape() as tape:
        tape.watch(weights)
        loss = tf.reduce_sum(shared_values(weights, centroids, used) * [[2.0, 50.0, 3.0]])
    of_weights, of_centroids = tape.gradient(loss, [weights, centroids])
    np.testing.assert_array_equal(of_weights, [[2.0, 0.0, 3.0]])
    np.testing.assert_array_equal(of_centroids, [[2.0, 3.0]])


@pytest.mark.parametrize("axis", [None, 0, 1, 2])
def test_rows_go_back_to_their_kernel(axis):
    kernel = RNG.normal(size=(3, 4, 5))
    rows = as_rows(kernel, axis)
    if axis is not None:
        np.testing.assert_array_equal(rows[1], np.take(kernel, 1, axis=axis).ravel())
    np.testing.assert_array_equal(from_rows(rows, kernel.shape, axis), kernel)
