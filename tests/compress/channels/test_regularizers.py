"""Sparse training: penalties by NumPy, gates by the paper's formulas and by sampling."""

import numpy as np
import pytest
import tensorflow as tf

import tfedge
from tfedge.callbacks import ChannelShrinkage, GrowingRegularization
from tfedge.compress.pruning.channels.graph import read_channels
from tfedge.compress.pruning.channels.group import ChannelGroup, Member
from tfedge.compress.pruning.regularizers import (
    ExpectedL0,
    GroupLasso,
    L0Gate,
    L0Weights,
    TFKerasL0Gate,
    TFKerasL0Weights,
    shrinking,
)
from tfedge.compress.pruning.regularizers import hard_concrete as concrete
from tfedge.compress.pruning.regularizers.units import UnitWeights
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.flavours import flavour_of, keras3, tf_keras

KERASES = pytest.mark.parametrize("keras", [keras3(), tf_keras()], ids=["keras3", "tf_keras"])
GATES = {keras3(): (L0Gate, L0Weights), tf_keras(): (TFKerasL0Gate, TFKerasL0Weights)}


@pytest.fixture(scope="module")
def data():
    """Two of twelve features decide."""
    x = np.random.default_rng(0).normal(size=(512, 12)).astype("float32")
    return x, (x[:, 0] * x[:, 1] > 0).astype("int64")


def mlp(keras, *between, units=24, **settings):
    keras.utils.set_random_seed(2)
    layers = keras.layers
    inputs = keras.Input((12,), name="x")
    x = layers.Dense(units, activation="relu", name="hidden", **settings)(inputs)
    for layer in between:
        x = layer(x)
    model = keras.Model(inputs, layers.Dense(2, activation="softmax", name="head")(x), name="mlp")
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    return model


def test_group_lasso_is_the_sum_of_norms():
    weight = np.random.default_rng(0).normal(size=(3, 3, 4, 8)).astype("float32")
    norms = np.linalg.norm(weight.reshape(-1, 8), axis=0)
    assert float(GroupLasso(0.1)(weight)) == pytest.approx(0.1 * 6 * norms.sum(), rel=1e-5)
    norms = np.linalg.norm(np.moveaxis(weight, 2, 0).reshape(4, -1), axis=1)
    expected = 0.1 * 72**0.5 * norms.sum()
    assert float(GroupLasso(0.1, axis=-2)(weight)) == pytest.approx(expected, rel=1e-5)
    with tf.GradientTape() as tape:
        zero = tf.Variable(tf.zeros((4, 2)))
        loss = GroupLasso(1.0)(zero)
    assert np.isfinite(tape.gradient(loss, zero)).all()


@KERASES
def test_regularizers_in_layers_of_both_kerases(keras, tmp_path, data):
    model = mlp(keras, kernel_regularizer=GroupLasso(1e-2))
    model.fit(*data, verbose=0)
    kernel = model.get_layer("hidden").kernel.numpy()
    expected = 1e-2 * 12**0.5 * np.linalg.norm(kernel, axis=0).sum()
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-4)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("hidden").kernel_regularizer.strength == 1e-2
    assert tfedge.models.adopt(model).get_layer("hidden").kernel_regularizer.strength == 1e-2


def test_hard_concrete_is_the_papers():
    log_alpha = np.linspace(-4, 4, 9).astype("float32")
    u = np.random.default_rng(0).uniform(1e-4, 1 - 1e-4, (200_000, 9)).astype("float32")
    s = 1 / (1 + np.exp(-(np.log(u) - np.log(1 - u) + log_alpha) / (2 / 3)))
    expected = np.clip(s * 1.2 - 0.1, 0, 1)
    gates = concrete.sampled(tf.constant(log_alpha), tf.constant(u)).numpy()
    np.testing.assert_allclose(gates, expected, atol=1e-5)
    found = concrete.open_probability(log_alpha).numpy()
    np.testing.assert_allclose((gates > 0).mean(axis=0), found, atol=5e-3)
    assert float(ExpectedL0(0.5)(log_alpha)) == pytest.approx(0.5 * found.sum(), rel=1e-5)
    expected = np.clip(1.2 / (1 + np.exp(-log_alpha)) - 0.1, 0, 1)
    np.testing.assert_allclose(concrete.settled(log_alpha).numpy(), expected, atol=1e-6)


def test_proximal_operators_solve_their_problems():
    """Each returns the minimum of ``(x - v)² / 2 + t * penalty(x)``: compared with a fine grid."""
    grid = np.linspace(-3, 3, 60_001)
    for v in (-2.0, -0.3, 0.1, 1.7):
        for t in (0.2, 1.0):
            best = grid[np.argmin((grid - v) ** 2 / 2 + t * np.abs(grid))]
            assert float(shrinking.soft_threshold(tf.constant(v), t)) == pytest.approx(
                best, abs=1e-3
            )
            best = grid[np.argmin((grid - v) ** 2 / 2 + t * grid**2)]
            assert v * float(shrinking.ridge_factor(t)) == pytest.approx(best, abs=1e-3)
            lengths = grid[grid >= 0]
            best = lengths[np.argmin((lengths - abs(v)) ** 2 / 2 + t * lengths)]
            factor = float(shrinking.group_lasso_factors(tf.constant([abs(v)]), t)[0])
            assert abs(v) * factor == pytest.approx(best, abs=1e-3)
    assert shrinking.group_lasso_factors(tf.zeros(1), 0.1).numpy().tolist() in ([0.0], [1.0])


@KERASES
def test_gates_close_what_is_not_needed(keras, data, tmp_path):
    gate = GATES[keras][0](strength=2e-2, keep=0.6, name="gate")
    model = mlp(keras, gate)
    assert float(model.losses[0]) == pytest.approx(
        2e-2 * float(tf.reduce_sum(concrete.open_probability(gate.log_alpha))), rel=1e-5
    )
    model.fit(*data, epochs=60, batch_size=64, verbose=0)
    gates = concrete.settled(gate.log_alpha).numpy()
    assert 0 < (gates > 0).sum() < 24
    accuracy = np.mean(model.predict(data[0], verbose=0).argmax(1) == data[1])
    assert accuracy > 0.85
    slim = tfedge.remove_dead_channels(model, data[0])
    assert flavour_of(slim) == flavour_of(model)
    assert slim.get_layer("hidden").units <= (gates > 0).sum()
    expected = model.predict(data[0], verbose=0)
    np.testing.assert_allclose(slim.predict(data[0], verbose=0), expected, atol=1e-5)
    plain = tfedge.settle_gates(slim)
    np.testing.assert_allclose(plain.predict(data[0], verbose=0), expected, atol=1e-5)
    assert not [one for one in plain.layers if "tfedge" in type(one).__module__]
    model.save(tmp_path / "gated.keras")
    loaded = keras.models.load_model(tmp_path / "gated.keras")
    np.testing.assert_allclose(loaded.predict(data[0], verbose=0), expected, atol=1e-5)


@KERASES
def test_gates_on_single_weights(keras, data):
    gated = GATES[keras][1]
    keras.utils.set_random_seed(0)
    inputs = keras.Input((12,))
    dense = keras.layers.Dense(16, activation="relu", name="dense")
    x = gated(dense, strength=4e-3, keep=0.6, name="hidden")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax", name="head")(x))
    model.compile(keras.optimizers.Adam(1e-2), "sparse_categorical_crossentropy")
    shapes = sorted(tuple(weight.shape) for weight in model.trainable_weights)
    assert shapes == [(2,), (12, 16), (12, 16), (16,), (16, 2)]
    before = dense.kernel.numpy().copy()
    model.fit(*data, epochs=60, batch_size=64, verbose=0)
    assert np.abs(dense.kernel.numpy() - before).max() > 1e-3
    plain = tfedge.settle_gates(model)
    kernel = plain.get_layer("hidden").kernel.numpy()
    closed = concrete.settled(model.get_layer("hidden").log_alpha).numpy() == 0
    assert 0.2 < closed.mean() < 1
    assert (kernel[closed] == 0).all()
    expected = model.predict(data[0], verbose=0)
    np.testing.assert_allclose(plain.predict(data[0], verbose=0), expected, atol=1e-5)
    assert flavour_of(plain) == flavour_of(model)
    assert np.mean(expected.argmax(1) == data[1]) > 0.85


def test_gates_of_keras3_are_adopted(data):
    model = mlp(keras3(), L0Gate(name="gate"))
    adopted = tfedge.models.adopt(model)
    assert isinstance(adopted.get_layer("gate"), TFKerasL0Gate)
    expected = model.predict(data[0], verbose=0)
    np.testing.assert_allclose(adopted.predict(data[0], verbose=0), expected, atol=1e-5)


@KERASES
def test_group_lasso_reaches_zero_for_tied_channels(keras, data):
    model = mlp(keras)
    shrink = ChannelShrinkage("group_lasso", strength=0.3)
    model.fit(*data, epochs=40, batch_size=64, verbose=0, callbacks=[shrink])
    hidden, head = (model.get_layer(name).kernel.numpy() for name in ("hidden", "head"))
    zero = ~hidden.any(axis=0)
    assert 0 < zero.sum() < 24
    np.testing.assert_array_equal(zero, ~head.any(axis=1))
    slim = tfedge.remove_dead_channels(model)
    assert slim.get_layer("hidden").units == 24 - zero.sum()
    expected = model.predict(data[0], verbose=0)
    np.testing.assert_allclose(slim.predict(data[0], verbose=0), expected, atol=1e-5)


@KERASES
def test_one_step_of_the_group_lasso_by_hand(keras, data):
    model = mlp(keras)
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    before = [model.get_layer(name).kernel.numpy().copy() for name in ("hidden", "head")]
    model.optimizer.learning_rate = 0.0
    shrink = ChannelShrinkage("group_lasso", strength=0.5)
    shrink.set_model(model)
    shrink.on_train_begin()
    model.optimizer.learning_rate = 0.1
    shrink.on_train_batch_end(0)
    norms = np.sqrt((before[0] ** 2).sum(0) + (before[1] ** 2).sum(1))
    factors = np.maximum(0, 1 - 0.1 * 0.5 * np.sqrt(12 + 2) / norms)
    np.testing.assert_allclose(
        model.get_layer("hidden").kernel.numpy(), before[0] * factors, atol=1e-6
    )
    np.testing.assert_allclose(
        model.get_layer("head").kernel.numpy(), before[1] * factors[:, None], atol=1e-6
    )


def test_weights_of_other_groups_stay_as_they_are():
    dense = keras3().layers.Dense(3, kernel_initializer="ones")
    dense.build((None, 6))
    member = Member("head", "kernel", 0, np.array([[1, 4], [2, 5]]), "in")
    part = UnitWeights({"head": dense}, ChannelGroup("made", 2, (member,)))
    assert part.counts == 6
    np.testing.assert_allclose(part.norms(), [6**0.5, 6**0.5])
    part.multiply(tf.constant([0.0, 0.5]))
    expected = np.ones((6, 3)) * np.array([1, 0, 0.5, 1, 0, 0.5])[:, None]
    np.testing.assert_array_equal(dense.kernel.numpy(), expected)


@KERASES
def test_slimming_shrinks_scales_only(keras, data):
    model = mlp(keras, keras.layers.BatchNormalization(name="bn"))
    model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    shrink = ChannelShrinkage("bn_scale", strength=0.05)
    for one in (shrink,):
        one.set_model(model)
        one.on_train_begin()
    gamma = np.linspace(-1, 1, 24).astype("float32")
    model.get_layer("bn").gamma.assign(gamma)
    kernel = model.get_layer("hidden").kernel.numpy().copy()
    shrink.on_train_batch_end(0)
    expected = np.sign(gamma) * np.maximum(np.abs(gamma) - 0.01 * 0.05, 0)
    np.testing.assert_allclose(model.get_layer("bn").gamma.numpy(), expected, atol=1e-7)
    np.testing.assert_array_equal(model.get_layer("hidden").kernel.numpy(), kernel)
    model.fit(*data, verbose=0, callbacks=[shrink])


@KERASES
def test_growing_regularization_empties_what_is_removed(keras, data):
    model = mlp(keras)
    settings = {"growth": 5.0, "every": 2, "ceiling": 100.0}
    growing = GrowingRegularization(ratio=0.5, **settings)
    with pytest.raises(ModelError, match="No model was trained"):
        growing.pruned_model()
    model.fit(*data, epochs=12, batch_size=64, verbose=0, callbacks=[growing])
    slim = growing.pruned_model()
    assert slim.get_layer("hidden").units == 12
    expected = model.predict(data[0], verbose=0)
    np.testing.assert_allclose(slim.predict(data[0], verbose=0), expected, atol=0.02)
    norms = np.sort(np.linalg.norm(model.get_layer("hidden").kernel.numpy(), axis=0))
    assert norms[11] < 0.05 * norms[12]


def test_dead_channels_need_data_for_relus_that_never_fire():
    keras = keras3()
    model = mlp(keras)
    bias = model.get_layer("hidden").bias
    bias.assign(np.where(np.arange(24) < 5, -1e3, 0.0))
    x = np.random.default_rng(1).normal(size=(64, 12)).astype("float32")
    sizes = [
        read_channels(tfedge.remove_dead_channels(model, given)).removable[0].size
        for given in (None, x)
    ]
    assert sizes == [24, 19]
    model.get_layer("head").kernel.assign(np.zeros((24, 2)))
    assert tfedge.remove_dead_channels(model).get_layer("hidden").units == 1


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: GroupLasso(-1.0), "strength=-1.0"),
        (lambda: ExpectedL0(float("nan")), "strength=nan"),
        (lambda: L0Gate(keep=1.0), "keep=1.0"),
        (lambda: L0Gate(keep=0), "keep=0"),
        (lambda: ChannelShrinkage("l7"), "kind='l7'"),
        (lambda: ChannelShrinkage(strength=0), "strength=0"),
        (lambda: GrowingRegularization(0.5, every=0), "every=0"),
        (lambda: GrowingRegularization(0.5, growth=-1), "growth=-1"),
        (lambda: GrowingRegularization(), "One target is needed"),
    ],
)
def test_impossible_settings_are_refused(make, says):
    with pytest.raises(ArgumentError, match=says):
        make()


def test_what_does_not_fit_the_model_is_refused(data):
    keras = keras3()
    model = mlp(keras)
    with pytest.raises(ModelError, match="has no BatchNormalization with a scale"):
        model.fit(*data, verbose=0, callbacks=[ChannelShrinkage("bn_scale")])
    with pytest.raises(ModelError, match="no L0 gates to settle"):
        tfedge.settle_gates(model)
    with pytest.raises(ArgumentError, match="has no kernel whose weights"):
        L0Weights(keras.layers.ReLU(name="relu")).build((None, 3))
