"""Real Keras models and tf.data, of both Kerases."""

import numpy as np
import pytest

from tfedge.evaluate import compare, evaluate, layer_outputs
from tfedge.runtime.model import TFLiteModel

tf = pytest.importorskip("tensorflow")
tf_keras = pytest.importorskip("tf_keras")

FLAVOURS = {"keras": tf.keras, "tf_keras": tf_keras}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 6)).astype("float32")
Y = RNG.integers(0, 3, 150)


def classifier(flavour):
    """Return a small classifier that knows nothing."""
    layers = FLAVOURS[flavour].layers
    source = FLAVOURS[flavour].Input((6,), name="x")
    hidden = layers.Dense(8, activation="tanh", name="hidden")(source)
    target = layers.Dense(3, activation="softmax", name="target")(hidden)
    return FLAVOURS[flavour].Model(source, target, name="classifier")


def convert(model):
    """Return the float file of a model, made by TensorFlow's converter."""
    return TFLiteModel(tf.lite.TFLiteConverter.from_keras_model(model).convert(), "file")


@pytest.fixture(scope="module", params=FLAVOURS)
def flavour(request):
    return request.param


@pytest.fixture(scope="module")
def model(flavour):
    return classifier(flavour)


def test_a_model_scores_as_keras_says(model, flavour):
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    _, expected = model.evaluate(X, Y, verbose=0)
    assert evaluate(model, X, Y, verbose=0).accuracy == pytest.approx(expected)


def test_keras_metrics_and_losses(model, flavour):
    keras = FLAVOURS[flavour]
    metric = keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")
    loss = keras.losses.sparse_categorical_crossentropy
    record = evaluate(model, X, Y, metrics=[metric, "top_2", loss], verbose=0)
    assert record.top2 == pytest.approx(record.top_2)
    probabilities = model.predict(X, verbose=0)
    expected = -np.mean(np.log(probabilities[np.arange(150), Y]))
    assert record.sparse_categorical_crossentropy == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_datasets(model, batched, weighted):
    weights = np.where(Y == 0, 1.0, 0.0)
    parts = (X, Y, weights) if weighted else (X, Y)
    dataset = tf.data.Dataset.from_tensor_slices(parts)
    dataset = dataset.batch(32) if batched else dataset
    expected = evaluate(model, parts, verbose=0).accuracy
    assert evaluate(model, dataset, verbose=0).accuracy == pytest.approx(expected)


def test_sequences(model, flavour):
    keras = FLAVOURS[flavour]
    base = keras.utils.PyDataset if flavour == "keras" else keras.utils.Sequence

    class Parts(base):
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return X[50 * index : 50 * index + 50], Y[50 * index : 50 * index + 50]

    expected = evaluate(model, X, Y, verbose=0).accuracy
    assert evaluate(model, Parts(), verbose=0).accuracy == pytest.approx(expected)


def test_layer_by_layer_against_the_file(model):
    found = compare(model, convert(model), X, Y, layers=True)
    assert found.sqnr_db > 100
    assert found.agreement == 1
    assert {layer.layer for layer in found.layers} == {"hidden", "target"}
    assert min(layer.sqnr_db for layer in found.layers) > 100
    assert found.a.runtime == "keras"
    assert found.a.latency_ms > found.b.latency_ms > 0


def test_sequential_models_show_their_layers(flavour):
    layers = FLAVOURS[flavour].layers
    model = FLAVOURS[flavour].Sequential([layers.Dense(4, name="a"), layers.Dense(2, name="b")])
    model.build((None, 6))
    model(X[:1])
    found = layer_outputs(model, X[:5])
    assert {name: value.shape for name, value in found.items()} == {"a": (5, 4), "b": (5, 2)}
    np.testing.assert_allclose(found["b"], model.predict(X[:5], verbose=0), atol=1e-6)


def test_subclassed_models_predict(flavour):
    keras = FLAVOURS[flavour]

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.inner = keras.layers.Dense(3)

        def call(self, x):
            return self.inner(x)

    assert 0 <= evaluate(Own(), X, Y, verbose=0).accuracy <= 1


def test_real_valued_targets_get_an_error_not_an_accuracy(flavour):
    layers = FLAVOURS[flavour].layers
    model = FLAVOURS[flavour].Sequential([FLAVOURS[flavour].Input((6,)), layers.Dense(1)])
    target = X.sum(1) / 7
    found = compare(model, convert(model), X, target, latency=False)
    expected = np.mean(np.abs(model.predict(X, verbose=0)[:, 0] - target))
    assert found.a.metrics == {"mae": pytest.approx(expected, rel=1e-5)}
    assert found.outputs[0].agreement_of == "variance"
    assert found.agreement == pytest.approx(1)
