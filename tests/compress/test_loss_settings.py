"""What losses of distillation take, and how they come back from a config."""

import loss_formulas as papers
import numpy as np
import pytest
import tensorflow as tf

from tfedge.compress.distillation.losses import checked_losses, default_losses
from tfedge.core.errors import ArgumentError
from tfedge.distill import (
    DIST,
    AttentionTransfer,
    BinarySoftTarget,
    ContrastiveKD,
    DecoupledKD,
    DistillationLoss,
    FeatureHint,
    RegressionTarget,
    RelationalKD,
    SimilarityPreserving,
    SoftTarget,
    TripletMargin,
)
from tfedge.models.flavours import keras3, tf_keras

keras = tf_keras()


def rising(first, last):
    return keras.optimizers.schedules.PolynomialDecay(first, 10, last)


LOSSES = [
    SoftTarget(2.0, "cross_entropy", weight=0.5),
    SoftTarget(rising(8.0, 1.0), weight=rising(0.0, 2.0), name="cooling"),
    BinarySoftTarget(rising(8.0, 1.0), "cross_entropy", 3, name="labels"),
    RegressionTarget("huber", 0.5, rising(0.0, 1.0)),
    DecoupledKD(0.5, 2.0, rising(4.0, 1.0), 3.0),
    DIST(2.0, 0.5, rising(4.0, 1.0), 3.0),
    FeatureHint({"a": "b"}, rising(1.0, 0.0)),
    AttentionTransfer(["a", "b.*"], 3.0, name="looks"),
    RelationalKD("a", 1.0, 2.0, 3.0),
    SimilarityPreserving(None, rising(1.0, 0.0)),
    ContrastiveKD("a", rising(1.0, 0.1), "instance", 3.0),
    TripletMargin({"a": "b"}, 0.2, 3.0),
]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_losses_come_back_from_their_config(loss, tmp_path):
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss) and again.get_config() == loss.get_config()
    rng = np.random.default_rng(0)
    known, made = rng.normal(size=(2, 4, 5, 3) if "looks" in loss.name else (2, 4, 3))
    for step in (None, 7):
        loss.clock = again.clock = step
        labels = [0, 1, 2, 0]
        np.testing.assert_array_equal(
            again.call(known, made, labels), loss.call(known, made, labels)
        )
    loss.clock = None


def test_schedules_are_read_at_the_clock():
    loss = SoftTarget(rising(6.0, 1.0), weight=rising(0.0, 2.0))
    known, made = np.random.default_rng(1).normal(size=(2, 3, 4))
    loss.clock = tf.Variable(0, dtype=tf.int64)
    for step, tau, weight in ((0, 6.0, 0.0), (5, 3.5, 1.0), (50, 1.0, 2.0)):
        loss.clock.assign(step)
        expected = weight * papers.soft_target(known, made, tau)
        np.testing.assert_allclose(loss.call(known, made), expected, rtol=1e-4, atol=1e-7)


def test_schedules_of_keras_3():
    loss = SoftTarget(keras3().optimizers.schedules.CosineDecay(4.0, 10))
    loss.clock = 5
    assert float(loss.now("temperature")) == pytest.approx(2.0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_half_precision(loss, dtype):
    rng = np.random.default_rng(0)
    known, made = (
        tf.cast(x, dtype)
        for x in rng.normal(size=(2, 4, 5, 3) if "looks" in loss.name else (2, 4, 3))
    )
    labels = [0, 1, 2, 0]
    found = loss.call(known, made, labels)
    assert found.dtype == tf.float32
    whole = loss.call(tf.cast(known, "float32"), tf.cast(made, "float32"), labels)
    np.testing.assert_array_equal(found, whole)


@pytest.mark.parametrize("scale", [1e3, 1e-4])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_large_and_small_outputs_give_finite_gradients(loss, scale):
    rng = np.random.default_rng(0)
    shape = (2, 4, 5, 3) if "looks" in loss.name else (2, 4, 3)
    known, made = (tf.constant(scale * x, tf.float32) for x in rng.normal(size=shape))
    with tf.GradientTape() as tape:
        tape.watch(made)
        mean = tf.reduce_mean(loss.call(known, made, [0, 1, 2, 0]))
    assert np.isfinite(mean) and np.all(np.isfinite(tape.gradient(mean, made)))


def test_sample_weights_as_in_keras():
    known, made = np.random.default_rng(0).normal(size=(2, 4, 3))
    weights = np.array([0.0, 1.0, 2.0, 0.5])
    for loss in (SoftTarget(), BinarySoftTarget(), RegressionTarget(), DIST(), FeatureHint()):
        expected = np.mean(weights * loss.call(known, made).numpy())
        assert float(loss(known, made, weights)) == pytest.approx(expected, rel=1e-5)


def test_labels_in_every_form():
    known, made = np.random.default_rng(0).normal(size=(2, 4, 3))
    right = np.array([2, 0, 1, 1])
    loss = DecoupledKD()
    expected = papers.decoupled(known, made, right)
    forms = right, right[:, None], right.astype("float32"), np.eye(3)[right]
    for labels in (*forms, 0.8 * np.eye(3)[right] + 0.1):
        np.testing.assert_allclose(loss.call(known, made, labels), expected, rtol=1e-4)
    best = papers.decoupled(known, made, known.argmax(-1))
    for missing in (None, np.full(4, -1), np.full(4, 255)):
        np.testing.assert_allclose(loss.call(known, made, missing), best, rtol=1e-4)
    with pytest.raises(ArgumentError, match=r"shape \(4, 2, 3\)"):
        loss.call(known, made, np.zeros((4, 2, 3)))


def test_classes_at_positions():
    known, made = np.random.default_rng(0).normal(size=(2, 2, 3, 4))
    right = np.array([[0, 1, 2], [3, 0, 1]])
    found = DecoupledKD().call(known, made, right).numpy()
    flat = papers.decoupled(known.reshape(6, 4), made.reshape(6, 4), right.reshape(6))
    np.testing.assert_allclose(found, flat.reshape(2, 3), rtol=1e-4)
    found = DIST().call(known, made).numpy()
    assert found.shape == (2, 3)
    expected = papers.dist(known.reshape(6, 4), made.reshape(6, 4))
    assert found.mean() == pytest.approx(expected, rel=1e-4)


def test_decoupled_parts_make_soft_targets():
    """Section 3.1: the divergence is TCKD and (1 - p) times NCKD."""
    known, made = np.random.default_rng(0).normal(size=(2, 4, 3))
    right = np.array([2, 0, 1, 1])
    target, rest = DecoupledKD(1, 0), DecoupledKD(0, 1)
    unsure = 1 - papers.softmax(known / 4)[np.arange(4), right]
    whole = target.call(known, made, right) + unsure * rest.call(known, made, right)
    np.testing.assert_allclose(whole, SoftTarget().call(known, made), rtol=1e-4)


def test_two_classes_are_one_label():
    known, made = np.random.default_rng(0).normal(size=(2, 4, 1))
    pairs = [np.concatenate([np.zeros_like(z), z], axis=1) for z in (known, made)]
    np.testing.assert_allclose(
        BinarySoftTarget(3).call(known, made), SoftTarget(3).call(*pairs), rtol=1e-4
    )
    assert np.all(np.isfinite(DecoupledKD().call(*pairs)))


def test_relations_do_not_change_when_embeddings_are_turned():
    rng = np.random.default_rng(0)
    known, made = rng.normal(size=(2, 6, 4))
    turn, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    for loss, change in (
        (RelationalKD(), 5 * made @ turn + 3),
        (SimilarityPreserving(), 5 * made @ turn),
        (AttentionTransfer(), 5 * made @ turn),
        (ContrastiveKD(), 5 * made),
    ):
        first, second = (
            loss.call(known[:, None], x[:, None])
            if loss.name == "attention_transfer"
            else loss.call(known, x)
            for x in (made, change)
        )
        np.testing.assert_allclose(first, second, rtol=1e-3, atol=1e-4)


def test_relations_of_samples_that_coincide():
    known, made = np.random.default_rng(0).normal(size=(2, 5, 3))
    made[1] = made[3]
    found = RelationalKD().call(known, made).numpy().mean()
    assert found == pytest.approx(papers.relational(known, made), rel=1e-4)


def test_attention_at_two_resolutions():
    """A map that is the same everywhere is the same at any resolution; a corner is not."""
    wide, small = np.ones((1, 8, 8, 3)), np.ones((1, 4, 4, 2))
    loss = AttentionTransfer()
    np.testing.assert_allclose(loss.call(wide, small), 0, atol=1e-5)
    np.testing.assert_allclose(loss.call(small, wide), 0, atol=1e-5)
    corner = np.zeros((1, 8, 8, 3))
    corner[:, :2, :2] = 1
    near, far = np.zeros((2, 1, 4, 4, 1))
    near[:, 0, 0], far[:, 3, 3] = 1, 1
    assert float(loss.call(corner, near)[0]) < 0.5 < 1.5 < float(loss.call(corner, far)[0])
    board = np.indices((8, 8)).sum(0).reshape(1, 8, 8, 1) % 2
    assert float(loss.call(board, small)[0]) < 0.05  # made larger instead, 0.59
    series = np.ones((2, 12, 3)), np.ones((2, 6, 5))
    np.testing.assert_allclose(loss.call(*series), 0, atol=1e-5)


def test_a_loss_of_your_own():
    class LogitError(DistillationLoss):
        def compare(self, known, made):
            return tf.reduce_mean(tf.abs(made - known), axis=-1)

    assert float(LogitError(2.0)([[1.0, 3.0]], [[1.0, 2.0]])) == pytest.approx(1.0)
    with pytest.raises(NotImplementedError, match="compare"):
        DistillationLoss().call([1.0], [1.0])


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: SoftTarget(0), "temperature"),
        (lambda: SoftTarget(rising(0.0, 1.0)), "temperature at step 0"),
        (lambda: SoftTarget(form="mse"), "form='mse'"),
        (lambda: SoftTarget(weight=-1), "weight"),
        (lambda: BinarySoftTarget(form="both"), "form='both'"),
        (lambda: BinarySoftTarget("hot"), "temperature"),
        (lambda: RegressionTarget("cubic"), "form='cubic'"),
        (lambda: RegressionTarget(delta=0), "delta=0"),
        (lambda: DecoupledKD(alpha=-1), "alpha=-1"),
        (lambda: DecoupledKD(beta="much"), "beta='much'"),
        (lambda: DIST(beta=float("nan")), "beta=nan"),
        (lambda: DIST(gamma=-1), "gamma=-1"),
        (lambda: RelationalKD(distance=-1), "distance=-1"),
        (lambda: RelationalKD(angle=float("inf")), "angle=inf"),
        (lambda: ContrastiveKD(temperature=0), "temperature"),
        (lambda: ContrastiveKD(form="triplet"), "form='triplet'"),
        (lambda: TripletMargin(margin=3), "margin=3"),
        (lambda: AttentionTransfer([3]), "layers holds 3"),
        (lambda: TripletMargin().call([[1.0]], [[1.0]]), "needs labels"),
        (lambda: checked_losses(None), "losses is empty"),
        (lambda: checked_losses({"a": []}), "losses is empty"),
        (lambda: checked_losses([SoftTarget]), "the class SoftTarget"),
    ],
)
def test_bad_arguments_are_refused(make, name):
    with pytest.raises(ArgumentError, match=name):
        make()


def test_losses_of_keras_3_are_rebuilt():
    [loss] = checked_losses(keras3().losses.MeanSquaredError())
    assert type(loss) is keras.losses.MeanSquaredError


def heads(**outputs):
    inputs = keras.Input((4,))
    made = {
        name: keras.layers.Dense(units, activation, name=name)(inputs)
        for name, (units, activation) in outputs.items()
    }
    return keras.Model(inputs, made if len(made) > 1 else next(iter(made.values())))


def test_losses_where_none_are_given():
    assert [type(x) for x in default_losses(heads(a=(3, "softmax")))] == [SoftTarget]
    assert [type(x) for x in default_losses(heads(a=(3, None)))] == [SoftTarget]
    assert [type(x) for x in default_losses(heads(a=(1, "sigmoid")))] == [SoftTarget]
    assert [type(x) for x in default_losses(heads(a=(3, "sigmoid")))] == [BinarySoftTarget]
    both = default_losses(heads(a=(3, "softmax"), b=(3, "sigmoid")))
    assert {name: type(x) for name, x in both.items()} == {"a": SoftTarget, "b": BinarySoftTarget}
    with pytest.raises(ArgumentError, match=r"'b' is one number.*RegressionTarget"):
        default_losses(heads(a=(3, "softmax"), b=(1, None)))
