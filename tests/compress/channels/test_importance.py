"""Importance against closed forms: NumPy's own arithmetic, and networks small enough to derive."""

import numpy as np
import pytest

from tfedge.compress.pruning.channels.group import ChannelGroup, Member
from tfedge.compress.pruning.channels.importance import saliency
from tfedge.compress.pruning.channels.importance.combine import normalized, reduced
from tfedge.compress.pruning.channels.importance.gradients import curvatures
from tfedge.compress.pruning.channels.importance.score import ChannelImportance, channel_scores
from tfedge.compress.pruning.channels.weights import rows
from tfedge.core.errors import ArgumentError, DataError
from tfedge.models.flavours import keras3, tf_keras

KERASES = pytest.mark.parametrize("keras", [keras3(), tf_keras()], ids=["keras3", "tf_keras"])


@pytest.fixture
def values():
    return np.random.default_rng(0).normal(size=(6, 10))


def each(size, k=1):
    return np.arange(size * k).reshape(size, k)


def small(keras, units=4, activation="linear"):
    """A network whose loss can be derived by hand, and the group of its hidden channels."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((3,), name="x")
    hidden = keras.layers.Dense(units, activation=activation, name="hidden")(inputs)
    outputs = keras.layers.Dense(2, name="head")(hidden)
    members = (
        Member("hidden", "kernel", 1, each(units), "out"),
        Member("hidden", "bias", 0, each(units), "follows"),
        Member("head", "kernel", 0, each(units), "in"),
    )
    return keras.Model(inputs, outputs, name="small"), [ChannelGroup("hidden", units, members)]


def samples(n=40):
    generator = np.random.default_rng(1)
    return generator.normal(size=(n, 3)).astype("float32"), generator.normal(size=(n, 2)).astype(
        "float32"
    )


def weights(model):
    first, second = model.get_layer("hidden"), model.get_layer("head")
    return [np.asarray(w.numpy(), np.float64) for w in (*first.weights, *second.weights)]


def test_norms_are_numpys(values):
    np.testing.assert_allclose(saliency.l1(values), np.linalg.norm(values, 1, axis=1))
    np.testing.assert_allclose(saliency.l2(values), np.linalg.norm(values, 2, axis=1))


def test_geometric_median_is_the_sum_of_distances(values):
    expected = [sum(np.linalg.norm(a - b) for b in values) for a in values]
    np.testing.assert_allclose(saliency.geometric_median(values), expected, rtol=1e-9)


def test_lamp_is_the_papers_formula(values):
    energy = (values**2).sum(axis=1)
    expected = [e / sum(other for other in energy if other >= e) for e in energy]
    np.testing.assert_allclose(saliency.lamp(energy), expected)
    assert saliency.lamp(np.zeros(3)).tolist() == [0, 0, 0]


def test_members_are_put_together_and_made_comparable():
    parts = [np.array([1.0, 2.0, 6.0]), np.array([3.0, 0.0, 0.0])]
    assert reduced(parts, "sum").tolist() == [4, 2, 6]
    assert reduced(parts, "mean").tolist() == [2, 1, 3]
    assert reduced(parts, "max").tolist() == [3, 2, 6]
    assert normalized(np.array([2.0, 4.0]), "max").tolist() == [0.5, 1]
    assert normalized(np.array([2.0, 6.0]), "mean").tolist() == [0.5, 1.5]
    assert normalized(np.array([2.0, 6.0]), "none").tolist() == [2, 6]
    assert normalized(np.zeros(2), "mean").tolist() == [0, 0]


def test_rows_hold_all_positions_of_a_unit():
    weight = np.arange(24).reshape(2, 4, 3)
    member = Member("a", "kernel", 1, np.array([[0, 2], [1, 3]]), "in")
    expected = [weight[:, [0, 2]].transpose(1, 0, 2).ravel(), weight[:, [1, 3]].transpose(1, 0, 2)]
    np.testing.assert_array_equal(rows(weight, member), [expected[0], expected[1].ravel()])


@KERASES
def test_weights_of_a_group(keras):
    model, groups = small(keras)
    w1, _, w2, _ = weights(model)
    for kind, order in (("l1", 1), ("l2", 2)):
        norms = np.linalg.norm(w1, order, axis=0), np.linalg.norm(w2, order, axis=1)
        expected = (norms[0] + norms[1]) / 2
        found = channel_scores(model, groups, kind)["hidden"]
        np.testing.assert_allclose(found, expected / expected.mean(), rtol=1e-6)
    energy = ((w1**2).sum(0) + (w2**2).sum(1)) / 2
    expected = [e / energy[energy >= e].sum() for e in energy]
    np.testing.assert_allclose(channel_scores(model, groups, "lamp")["hidden"], expected, rtol=1e-6)
    expected = np.array([np.linalg.norm(w1 - w1[:, [i]], axis=0).sum() for i in range(4)])
    found = channel_scores(model, groups, "fpgm")["hidden"]
    np.testing.assert_allclose(found, expected / expected.mean(), rtol=1e-5)


def derivatives(model, x, y):
    """Per sample, the derivative of the mean squared error by each weight, by hand."""
    w1, b1, w2, b2 = weights(model)
    hidden = x @ w1 + b1
    delta = 2 * (hidden @ w2 + b2 - y) / y.shape[1]
    back = delta @ w2.T
    return x[:, :, None] * back[:, None, :], back, hidden[:, :, None] * delta[:, None, :]


@KERASES
def test_taylor_by_hand(keras):
    model, groups = small(keras)
    x, y = samples(64)
    w1, _, w2, _ = weights(model)
    g1, _, g2 = derivatives(model, x, y)
    expected = []
    for batch in np.split(np.arange(64), 4):
        gates = [(g1[batch].mean(0) * w1).sum(0), (g2[batch].mean(0) * w2).sum(1)]
        expected.append(np.abs(gates))
    expected = np.mean(expected, axis=0)
    found = channel_scores(model, groups, "taylor", data=(x, y), loss="mse")["hidden"]
    np.testing.assert_allclose(found, expected[1] / expected[1].mean(), rtol=1e-4, atol=1e-8)
    consumers = (Member("hidden", "kernel", 1, each(4), "in"), groups[0].members[2])
    both = [ChannelGroup("hidden", 4, consumers)]
    for reduce, combine in (("mean", np.mean), ("sum", np.sum), ("max", np.max)):
        importance = ChannelImportance("taylor", reduce=reduce, normalize="none")
        found = channel_scores(model, both, importance, data=(x, y), loss="mse")["hidden"]
        np.testing.assert_allclose(found, combine(expected, axis=0), rtol=1e-4, atol=1e-8)


@KERASES
def test_fisher_by_hand(keras):
    model, groups = small(keras)
    x, y = samples(20)
    w1, b1, w2, _ = weights(model)
    importance = ChannelImportance("fisher", normalize="none")
    g1, gb, g2 = derivatives(model, x, y)
    found = channel_scores(model, groups, importance, data=(x, y), loss="mse")["hidden"]
    expected = ((g2 * w2).sum(2) ** 2).mean(axis=0) / 2
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-8)
    makers = [ChannelGroup("hidden", 4, groups[0].members[:2])]
    found = channel_scores(model, makers, importance, data=(x, y), loss="mse")["hidden"]
    gates = [(g1 * w1).sum(1), gb * b1]
    expected = np.mean([(gate**2).mean(axis=0) / 2 for gate in gates], axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-8)


@KERASES
def test_curvature_of_the_last_layer(keras):
    """The loss is quadratic in the last kernel; signs off its diagonal average out."""
    model, _ = small(keras)
    x, y = samples(32)
    w1, b1, _, _ = weights(model)
    expected = np.tile(((x @ w1 + b1) ** 2).mean(axis=0)[:, None], (1, 2))
    kernel = model.get_layer("head").kernel
    draws = [next(curvatures(model, [kernel], (x, y), "mse", seed=seed))[0] for seed in range(80)]
    spread = np.std(draws, axis=0) / np.sqrt(80)
    assert (np.abs(np.mean(draws, axis=0) - expected) < 4 * spread + 1e-6).all()


@KERASES
def test_hessian_by_hand(keras):
    model, groups = small(keras)
    x, y = samples(64)
    w2 = weights(model)[2]
    kernel = model.get_layer("head").kernel
    diagonal = np.mean([one[0] for one in curvatures(model, [kernel], (x, y), "mse")], axis=0)
    found = channel_scores(model, groups, "hessian", data=(x, y), loss="mse")["hidden"]
    expected = (w2**2 * np.abs(diagonal)).sum(axis=1) / 2
    np.testing.assert_allclose(found, expected / expected.mean(), rtol=1e-3)


@KERASES
def test_activations_are_what_consumers_take_in(keras):
    model, groups = small(keras, activation="relu")
    x, _ = samples()
    w1, b1, _, _ = weights(model)
    expected = np.maximum(x @ w1 + b1, 0).mean(axis=0)
    importance = ChannelImportance("activation", normalize="none")
    found = channel_scores(model, groups, importance, data=x)["hidden"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@KERASES
def test_batch_normalization_scales(keras):
    inputs = keras.Input((3,))
    scaled = keras.layers.BatchNormalization(name="bn")(keras.layers.Dense(3, name="d")(inputs))
    model = keras.Model(inputs, keras.layers.LayerNormalization(name="ln")(scaled))
    model.get_layer("bn").gamma.assign([-3.0, 0.5, 1.0])
    model.get_layer("ln").gamma.assign([9.0, 9.0, 9.0])
    gammas = tuple(Member(name, "gamma", 0, each(3), "follows") for name in ("bn", "ln"))
    groups = [ChannelGroup("d", 3, gammas), ChannelGroup("other", 3, gammas[1:])]
    importance = ChannelImportance("bn_scale", normalize="none")
    found = channel_scores(model, groups, importance)
    assert list(found) == ["d"]
    assert found["d"].tolist() == [3, 0.5, 1]


def test_random_is_seeded():
    model, groups = small(keras3())
    scores = [channel_scores(model, groups, ChannelImportance("random", seed=s)) for s in (1, 1, 2)]
    assert (scores[0]["hidden"] == scores[1]["hidden"]).all()
    assert (scores[0]["hidden"] != scores[2]["hidden"]).all()


@KERASES
def test_data_in_any_form_and_the_compiled_loss(keras):
    import tensorflow as tf

    model, groups = small(keras)
    x, y = samples(40)
    expected = channel_scores(model, groups, "taylor", data=(x, y), loss="mse")["hidden"]
    model.compile("sgd", keras.losses.MeanSquaredError())
    before = [w.copy() for w in model.get_weights()]
    forms = {
        "arrays": (x, y),
        "dict": ({"x": x}, y),
        "dataset": tf.data.Dataset.from_tensor_slices((x, y)).batch(7),
        "generator": ((a, b) for a, b in zip(x, y, strict=True)),
        "function": lambda: zip(x, y, strict=True),
    }
    for name, data in forms.items():
        found = channel_scores(model, groups, "taylor", data=data)["hidden"]
        np.testing.assert_allclose(found, expected, rtol=1e-5, err_msg=name)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@KERASES
def test_frozen_layers_and_penalties_do_not_change_it(keras):
    model, groups = small(keras)
    data = samples(32)
    expected = channel_scores(model, groups, "taylor", data=data, loss="mse")["hidden"]
    model.get_layer("hidden").trainable = False
    found = channel_scores(model, groups, "taylor", data=data, loss="mse")["hidden"]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    inputs = keras.Input((3,), name="x")
    hidden = keras.layers.Dense(4, name="hidden")(inputs)
    head = keras.layers.Dense(2, kernel_regularizer=keras.regularizers.L2(10.0), name="head")
    twin = keras.Model(inputs, head(hidden))
    twin.set_weights(model.get_weights())
    found = channel_scores(twin, groups, "taylor", data=data, loss="mse")["hidden"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


def test_samples_are_spread_over_arrays():
    model, groups = small(keras3())
    x, y = samples(100)
    chosen = np.unique(np.linspace(0, 99, 10).round().astype(int))
    importance = ChannelImportance("fisher", samples=10)
    found = channel_scores(model, groups, importance, data=(x, y), loss="mse")["hidden"]
    expected = channel_scores(model, groups, "fisher", data=(x[chosen], y[chosen]), loss="mse")
    np.testing.assert_allclose(found, expected["hidden"], rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"kind": "magnitude"}, "importance='magnitude' is not known"),
        ({"reduce": "median"}, "reduce='median'"),
        ({"normalize": "std"}, "normalize='std'"),
        ({"samples": 0}, "samples=0"),
    ],
)
def test_unknown_settings_are_refused(settings, says):
    with pytest.raises(ArgumentError, match=says):
        ChannelImportance(**settings)


@KERASES
def test_missing_data_loss_or_labels(keras):
    model, groups = small(keras)
    x, y = samples(8)
    with pytest.raises(ArgumentError, match="'taylor' is measured on data, and none were given"):
        channel_scores(model, groups, "taylor")
    with pytest.raises(ArgumentError, match="'activation' is measured on data"):
        channel_scores(model, groups, "activation")
    with pytest.raises(ArgumentError, match="needs a loss, and 'small' is not compiled"):
        channel_scores(model, groups, "fisher", data=(x, y))
    with pytest.raises(DataError, match="the data bring no labels"):
        channel_scores(model, groups, "taylor", data=x, loss="mse")
