import numpy as np
import pytest

from tfedge.compress.distillation.decoupled import DecoupledKD
from tfedge.compress.distillation.hints import FeatureHint
from tfedge.compress.distillation.mutual import MutualLearning
from tfedge.compress.distillation.soft import SoftTarget
from tfedge.compress.quantization.aware import quantize
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.flavours import keras3, tf_keras

LOSS = "sparse_categorical_crossentropy"


def net(name, units=6, flavour=tf_keras, activation="softmax", classes=3):
    layers = flavour().layers
    inputs = layers.Input((8,))
    x = layers.Dense(units, "relu")(inputs)
    return flavour().Model(inputs, layers.Dense(classes, activation)(x), name=name)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 8)).astype("float32")
    return x, x[:, :3].argmax(1)


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def divergence(p, q):
    return float(np.mean(np.sum(p * np.log(p / q), -1)))


def test_the_loss_is_that_of_the_paper(data):
    x, y = data
    models = [net(name, activation=None) for name in "abc"]
    p = [softmax(model.predict(x, verbose=0)) for model in models]
    labels = [-np.mean(np.log(q[np.arange(60), y])) for q in p]
    peers = MutualLearning(models, alpha=0.5)
    peers.compile("sgd", tf_keras().losses.SparseCategoricalCrossentropy(from_logits=True))
    found = peers.evaluate(x, y, batch_size=20, verbose=0, return_dict=True)
    mimicry = sum(np.mean([divergence(p[j], p[i]) for j in range(3) if j != i]) for i in range(3))
    assert found["b_loss"] == pytest.approx(labels[1], rel=1e-5)
    assert found["distillation_loss"] == pytest.approx(mimicry, rel=1e-4)
    assert found["loss"] == pytest.approx(0.5 * sum(labels) + 0.5 * mimicry, rel=1e-4)


def test_peers_agree_more_and_each_learns(data):
    x, y = data
    tf_keras().utils.set_random_seed(0)
    peers = MutualLearning([net("a"), net("b", 8, keras3)], alpha=0.3)
    peers.compile(keras3().optimizers.Adam(0.02), LOSS, metrics=["accuracy"])
    logs = peers.fit(x, y, epochs=30, validation_data=(x, y), verbose=0).history
    assert logs["a_accuracy"][-1] > 0.9 and logs["val_b_accuracy"][-1] > 0.9
    assert logs["distillation_loss"][-1] < 0.3 * max(logs["distillation_loss"])
    assert set(peers.predict(x, verbose=0)) == {"a", "b"}
    assert peers.students["a"].predict(x, verbose=0).shape == (60, 3)


def test_a_student_learns_nothing_through_its_peer(data):
    """Peers are constants: with alpha=0 and a peer that is frozen, only one changes."""
    x, y = data
    models = [net("a"), net("b")]
    models[1].trainable = False
    peers = MutualLearning(models, alpha=0.0, losses=SoftTarget(2))
    peers.students["b"].trainable = False
    before = {name: model.get_weights() for name, model in peers.students.items()}
    peers.compile("sgd", LOSS)
    peers.fit(x, y, verbose=0)
    for name, model in peers.students.items():
        same = [np.array_equal(*p) for p in zip(before[name], model.get_weights(), strict=True)]
        assert all(same) == (name == "b")


def test_wrapped_peers_and_equal_names(data):
    x, y = data
    peers = MutualLearning([quantize(net("a"), calibration=x), net("a")])
    peers.compile("adam", LOSS)
    logs = peers.fit(x, y, verbose=0).history
    assert list(peers.students) == ["a", "a_1"] and np.isfinite(logs["loss"][0])


def test_labels_that_do_not_exclude_each_other(data):
    x, _ = data
    y = (x[:, :3] > 0).astype("float32")
    p = [net(name, activation="sigmoid") for name in "ab"]
    peers = MutualLearning(p)
    peers.compile("adam", "binary_crossentropy")
    found = peers.evaluate(x, y, verbose=0, return_dict=True)["distillation_loss"]
    a, b = (np.stack([q, 1 - q], -1) for q in (m.predict(x, verbose=0) for m in p))
    divergences = [np.sum(one * np.log(one / other), -1) for one, other in ((a, b), (b, a))]
    assert found == pytest.approx(np.mean(divergences[0]) + np.mean(divergences[1]), rel=1e-3)


def test_losses_that_need_labels_and_schedules(data):
    cooling = keras3().optimizers.schedules.PolynomialDecay(8.0, 3, 0.0)
    peers = MutualLearning([net("a"), net("b")], [DecoupledKD(temperature=cooling)])
    peers.compile("adam", LOSS)
    logs = peers.fit(*data, batch_size=10, epochs=2, verbose=0).history
    assert np.isfinite(logs["loss"]).all()


def test_bad_input_is_refused(tmp_path):
    with pytest.raises(ArgumentError, match="losses compares features"):
        MutualLearning([net("a"), net("b")], FeatureHint())
    with pytest.raises(ArgumentError, match="at least two models"):
        MutualLearning([net("a")])
    with pytest.raises(ModelError, match="differ in their outputs"):
        MutualLearning([net("a"), net("b", classes=4)])
    with pytest.raises(ModelError, match=r"mutual.students\['a'\].save"):
        MutualLearning([net("a"), net("b")]).save(tmp_path / "both.keras")
    layers = tf_keras().layers
    inputs = layers.Input((8,))
    two = tf_keras().Model(inputs, [layers.Dense(3)(inputs), layers.Dense(3)(inputs)])
    with pytest.raises(ModelError, match="2 outputs"):
        MutualLearning([two, two])


def test_data_without_labels_are_refused_before_training(data):
    mutual = MutualLearning([net("a"), net("b")])
    mutual.compile("adam", LOSS)
    with pytest.raises(ArgumentError, match="no labels in the data"):
        mutual.fit(data[0], verbose=0)
