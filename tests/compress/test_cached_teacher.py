import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from tfedge.compress.distillation.cached import fingerprint
from tfedge.compress.distillation.distiller import Distiller
from tfedge.compress.distillation.hints import FeatureHint
from tfedge.compress.distillation.moving_average import MovingAverage
from tfedge.compress.distillation.roles import as_student
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import keras3, tf_keras

keras = tf_keras()
LOSS = "sparse_categorical_crossentropy"


def net(units, seed=0, flavour=tf_keras, activation="softmax"):
    flavour().utils.set_random_seed(seed)
    layers = flavour().layers
    inputs = layers.Input((8,))
    x = layers.Dense(units, "relu")(inputs)
    return flavour().Model(inputs, layers.Dense(3, activation)(x))


def sure(units):
    """A teacher whose probabilities are 0 and 1 in float32, but not its logits."""
    model = net(units, 1)
    model.set_weights([100 * weight for weight in model.get_weights()])
    return model


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(96, 8)).astype("float32")
    return x, x[:, :3].argmax(1)


def trained(data, teacher, cache, epochs=3, forms=lambda x, y: {"x": x, "y": y, "batch_size": 32}):
    keras.utils.set_random_seed(7)
    distiller = Distiller(net(4, 2), teacher, alpha=0.3, cache=cache)
    distiller.compile(keras.optimizers.Adam(0.01), LOSS)
    logs = distiller.fit(**forms(*data), epochs=epochs, verbose=0).history
    return logs, distiller


@pytest.mark.parametrize(
    "teacher", [lambda: net(16, 1), lambda: net(16, 1, keras3), lambda: sure(16)]
)
def test_losses_are_those_without_a_cache(data, teacher, tmp_path):
    plain, _ = trained(data, teacher(), None)
    cached, distiller = trained(data, teacher(), tmp_path)
    for name, values in plain.items():
        np.testing.assert_allclose(cached[name], values, rtol=1e-6, atol=1e-6)
    assert len(distiller._cached.answers) == 96


def test_the_teacher_runs_once(data, tmp_path, monkeypatch):
    _, first = trained(data, net(16, 1), tmp_path, epochs=1)
    assert len(first._cached.answers) == 96
    keras.backend.clear_session()
    again = Distiller(net(4, 2), net(16, 1, activation="softmax"), cache=tmp_path)
    monkeypatch.setattr(again._cached, "_scores", None)
    again.compile("adam", LOSS)
    again.fit(*data, epochs=2, verbose=0)


def streams(x, y):
    def batches():
        while True:
            for part in np.array_split(np.random.default_rng(3).permutation(96), 3):
                yield x[part], y[part]

    return {"x": batches(), "steps_per_epoch": 3}


FORMS = {
    "tf.data": lambda x, y: {"x": tf.data.Dataset.from_tensor_slices((x, y)).shuffle(96).batch(32)},
    "generator": streams,
    "weights": lambda x, y: {"x": x, "y": y, "sample_weight": np.linspace(0, 1, 96)},
    "validation": lambda x, y: {"x": x[:64], "y": y[:64], "validation_data": (x[64:], y[64:])},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_data(data, form, tmp_path):
    logs, distiller = trained(data, net(16, 1), tmp_path, 3, FORMS[form])
    assert len(distiller._cached.answers) == 96 and np.isfinite(logs["loss"]).all()


def test_several_inputs_by_name(tmp_path):
    def two():
        inputs = {name: keras.Input((4,), name=name) for name in ("b", "a")}
        x = keras.layers.Concatenate()([inputs["a"], inputs["b"]])
        return keras.Model(inputs, keras.layers.Dense(3)(x))

    rng = np.random.default_rng(0)
    x = {name: rng.normal(size=(20, 4)).astype("float32") for name in ("a", "b")}
    teacher = two()
    distiller = Distiller(two(), teacher, alpha=0.0, cache=tmp_path)
    distiller.compile("adam")
    distiller.fit(x, epochs=2, verbose=0)
    [said] = distiller._cached({name: tf.constant(part) for name, part in x.items()})
    np.testing.assert_allclose(said, teacher.predict(x, verbose=0), rtol=1e-5, atol=1e-6)


def test_steps_per_execution_replicas_and_half_precision(data, tmp_path):
    distiller = Distiller(net(4, 2), net(16, 1), cache=tmp_path / "a")
    distiller.compile("adam", LOSS, steps_per_execution=3)
    distiller.fit(*data, batch_size=32, epochs=2, verbose=0)
    assert len(distiller._cached.answers) == 96
    devices = [device.name for device in tf.config.list_logical_devices("CPU")[:2]]
    with tf.distribute.MirroredStrategy(devices).scope():
        replicas = Distiller(net(4, 2), net(16, 1), cache=tmp_path / "b")
        replicas.compile("adam", LOSS)
    replicas.fit(*data, batch_size=32, epochs=2, verbose=0)
    assert len(replicas._cached.answers) == 96
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        half = Distiller(net(4, 2), net(16, 1), cache=tmp_path / "c")
        half.compile("adam", LOSS)
        assert np.isfinite(half.fit(*data, epochs=2, verbose=0).history["loss"]).all()
    finally:
        keras.mixed_precision.set_global_policy("float32")


def test_augmentation_is_noticed(data, tmp_path):
    def noisy(x, y):
        rng = np.random.default_rng(0)

        def batches():
            while True:
                yield (x + rng.normal(size=x.shape)).astype("float32"), y

        return {"x": batches(), "steps_per_epoch": 1}

    with pytest.warns(UserWarning, match="keep augmentation off"):
        trained(data, net(16, 1), tmp_path, 4, noisy)


def test_fingerprints():
    def same(a, b):
        return fingerprint(as_student(a)) == fingerprint(as_student(b))

    assert same(net(6), net(6))
    assert not same(net(6), net(6, seed=1)) and not same(net(6), net(6, activation=None))


def test_bad_input_is_refused(data, tmp_path):
    Distiller(net(4), net(16, 1), cache=tmp_path)
    with pytest.raises(ArgumentError, match="stale"):
        Distiller(net(4), net(16, 2), cache=tmp_path)
    with pytest.raises(ArgumentError, match="is looked into"):
        Distiller(net(4), net(16), [FeatureHint()], cache=tmp_path / "hints")
    with pytest.raises(ArgumentError, match="changes with every step"):
        Distiller(net(4), MovingAverage(), cache=tmp_path / "average")
    with pytest.raises(ArgumentError, match="XLA"):
        Distiller(net(4), net(16, 1), cache=tmp_path).compile("adam", LOSS, jit_compile=True)


ONE_THREAD = """
import sys
import numpy as np
import tf_keras
import tfedge

def net(units):
    inputs = tf_keras.Input((8,))
    x = tf_keras.layers.Dense(units, "relu")(inputs)
    return tf_keras.Model(inputs, tf_keras.layers.Dense(3, "softmax")(x))

x = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
distiller = tfedge.Distiller(net(4), net(32), cache=sys.argv[1])
distiller.compile("adam", "sparse_categorical_crossentropy")
distiller.fit(x, x[:, :3].argmax(1), epochs=2, verbose=0)
"""


def test_one_thread_between_operators_is_enough(tmp_path):
    environment = {**os.environ, "TF_NUM_INTEROP_THREADS": "1"}
    command = [sys.executable, "-c", ONE_THREAD, str(tmp_path)]
    subprocess.run(command, env=environment, check=True, timeout=300)
    assert (tmp_path / "answers.bin").stat().st_size
