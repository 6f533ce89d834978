import numpy as np
import pytest
import tensorflow as tf

from tfedge.compress.distillation.distiller import Distiller
from tfedge.compress.quantization.aware import quantize
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import keras3, tf_keras
from tfedge.models.wrappers import unwrapped

keras = tf_keras()
LOSS = "sparse_categorical_crossentropy"


def net(units, seed=0):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((8,))
    x = keras.layers.Dense(units, "relu", name="stem")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Dense(units, "relu", name="body")(x)
    return keras.Model(inputs, keras.layers.Dense(3, "softmax", name="head")(x))


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(64, 8)).astype("float32"), rng.integers(0, 3, 64)


def history(distiller, data, epochs=4):
    distiller.compile("sgd", LOSS)
    return distiller.fit(*data, batch_size=16, epochs=epochs, shuffle=False, verbose=0).history


@pytest.mark.parametrize("flavour", [tf_keras, keras3])
def test_alpha_follows_its_schedule(data, flavour):
    schedules = flavour().optimizers.schedules
    alpha = schedules.PiecewiseConstantDecay([3, 7], [1.0, 0.0, 0.5])
    logs = history(Distiller(net(4), net(16, 1), alpha=alpha), data)
    expected = [
        [1.0, 0.0],  # steps 0 to 3
        [0.0, 1.0],  # steps 4 to 7
        [0.5, 0.5],
    ]
    for epoch, (labels, teacher) in enumerate(expected):
        whole = labels * logs["student_loss"][epoch] + teacher * logs["distillation_loss"][epoch]
        assert logs["loss"][epoch] == pytest.approx(whole, rel=1e-5)


def test_the_teacher_is_warmed_up(data):
    frozen_rate = keras.optimizers.SGD(0.0)
    distiller = Distiller(net(4), net(16, 1), alpha=0.2, warmup_steps=8)
    distiller.compile(frozen_rate, LOSS)
    logs = distiller.fit(*data, batch_size=16, epochs=4, shuffle=False, verbose=0).history
    parts = np.array([np.mean([0, 1, 2, 3]), np.mean([4, 5, 6, 7]), 8, 8]) / 8
    own, taught = np.array(logs["student_loss"]), np.array(logs["distillation_loss"])
    # the batches differ, so a mean over an epoch of products is compared loosely
    np.testing.assert_allclose(logs["loss"], 0.2 * own + 0.8 * parts * taught, rtol=0.1)
    np.testing.assert_allclose(logs["loss"][2:], 0.2 * own[2:] + 0.8 * taught[2:], rtol=1e-5)


def test_settings_are_checked():
    rising = keras.optimizers.schedules.PolynomialDecay(2.0, 10, 1.0)
    for settings, said in (
        ({"alpha": 1.5}, r"alpha=1.5 must be a number in \[0, 1\]"),
        ({"alpha": "half"}, "alpha='half' must be a number, or a .*LearningRateSchedule"),
        ({"alpha": rising}, "alpha at step 0=2.0"),
        ({"warmup_steps": -1}, "warmup_steps=-1"),
        ({"freeze": "stam"}, "stam"),
        ({"freeze": ".*"}, "leaves no weight"),
    ):
        with pytest.raises(ArgumentError, match=said):
            Distiller(net(4), net(16), **settings)


@pytest.mark.parametrize("wrap", [lambda model: model, quantize], ids=["plain", "quantized"])
def test_frozen_layers_stay(data, wrap):
    student = wrap(net(4))
    distiller = Distiller(student, net(16, 1), freeze=("stem", "norm.*"))
    layers = {layer.name: layer for layer in distiller.student.layers}
    before = {name: kernels(layer) for name, layer in layers.items()}
    history(distiller, data, epochs=1)
    for name, layer in layers.items():
        same = [np.array_equal(*pair) for pair in zip(before[name], kernels(layer), strict=True)]
        assert all(same) if name.startswith(("stem", "norm")) else not any(same)


def kernels(layer):
    """Everything but ranges and counters of the wrapper."""
    return [weight.numpy() for weight in unwrapped(layer).weights]


@pytest.mark.parametrize("form", ["array", "data set"])
def test_a_loss_of_labels_needs_labels(data, form):
    x = data[0] if form == "array" else tf.data.Dataset.from_tensor_slices(data[0]).batch(16)
    distiller = Distiller(net(4), net(16, 1))
    distiller.compile("sgd", LOSS)
    with pytest.raises(ArgumentError, match="no labels in the data"):
        distiller.fit(x, verbose=0)
    alone = Distiller(net(4), net(16, 1), alpha=0)
    alone.compile("sgd")
    alone.fit(x, verbose=0)
