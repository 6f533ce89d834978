"""A wrapped model goes back to where it began after each round of a lottery ticket."""

import subprocess
import sys

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import ModelError
from tfedge.models.flavours import keras3, tf_keras
from tfedge.models.training.lottery import LotteryTicket

LOSS = "sparse_categorical_crossentropy"


def ticket(mlp, **settings):
    schedule = LotteryTicket(0.75, rounds=2, round_steps=8, rewind_step=3)
    sparse = tfedge.prune(mlp(keras3()), schedule, layers=".*")
    keras = keras3()
    rate = keras.optimizers.schedules.ExponentialDecay(1e-2, 4, 0.5)
    sparse.compile(keras.optimizers.Adam(rate), LOSS, **settings)
    return sparse


def watched(model, seen):
    def look(batch, logs):
        seen.append([weight.numpy() for weight in model.trainable_variables])

    return tf_keras().callbacks.LambdaCallback(on_train_batch_end=look)


@pytest.mark.parametrize("fits", [1, 3])
def test_weights_and_optimizer_go_back(fits, mlp, flat):
    sparse, seen = ticket(mlp), []
    x, y = flat[0][:192], flat[1][:192]
    for part in np.split(np.arange(192), fits):
        sparse.fit(x[part], y[part], batch_size=8, verbose=0, callbacks=[watched(sparse, seen)])
    assert len(seen) == 24
    for end, share in ((7, 0.5), (15, 0.75)):
        for now, then in zip(seen[end], seen[2], strict=True):
            np.testing.assert_array_equal(now, then * (now != 0))
        assert np.mean(seen[end][0] == 0) == pytest.approx(share, abs=1e-3)
        assert (seen[end][1] == seen[2][1]).all()  # biases are not masked
    assert int(sparse.optimizer.iterations) == 3 + 8
    assert tfedge.sparsity(sparse).sparsity == pytest.approx(0.75, abs=1e-3)


def test_a_loop_of_ones_own(mlp, flat):
    import tensorflow as tf

    sparse = ticket(mlp)
    steps, optimizer = sparse.step_callbacks(), sparse.optimizer
    loss_of = tf_keras().losses.SparseCategoricalCrossentropy()
    steps.on_train_begin()
    kernel = sparse.get_layer("hidden").layer.kernel
    seen = []
    for batch in range(8):
        steps.on_train_batch_begin(batch)
        with tf.GradientTape() as tape:
            loss = loss_of(flat[1], sparse(flat[0], training=True))
        optimizer.minimize(loss, sparse.trainable_variables, tape=tape)
        steps.on_train_batch_end(batch)
        seen.append(kernel.numpy())
    np.testing.assert_array_equal(seen[7], seen[2] * (seen[7] != 0))
    assert (seen[7] == 0).mean() == 0.5


def test_a_file_does_not_hold_the_first_weights(mlp, flat, tmp_path):
    sparse = ticket(mlp)
    sparse.fit(flat[0][:40], flat[1][:40], batch_size=8, verbose=0)
    sparse.save(tmp_path / "ticket.keras")
    again = tfedge.load(tmp_path / "ticket.keras")
    with pytest.raises(ModelError, match=r"at step 5 .* weights of step 3.*backup='masks.npz'"):
        again.fit(flat[0][:40], flat[1][:40], batch_size=8, verbose=0)
    sparse.fit(flat[0][:96], flat[1][:96], batch_size=8, verbose=0)
    sparse.save(tmp_path / "ticket.keras")
    again = tfedge.load(tmp_path / "ticket.keras")
    again.fit(flat[0][:40], flat[1][:40], batch_size=8, verbose=0)
    assert int(again.get_layer("hidden").pruning_step) == 22


MIRRORED = """
import numpy as np, tensorflow as tf
cpus = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2)
import tfedge
from tfedge.models.flavours import keras3
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
keras3().utils.set_random_seed(0)
inputs = keras3().Input((8,))
x = keras3().layers.BatchNormalization()(keras3().layers.Dense(16, name="hidden")(inputs))
model = keras3().Model(inputs, keras3().layers.Dense(4, name="head")(x))
rng = np.random.default_rng(0)
data = rng.normal(size=(64, 8)).astype("float32"), rng.normal(size=(64, 4)).astype("float32")
for scope in ("layer", "global"):
    with strategy.scope():
        schedule = tfedge.PolynomialDecay(0.0, 0.75, 0, 8, frequency=2)
        sparse = tfedge.prune(model, schedule, layers=".*", scope=scope)
        sparse.compile("sgd", "mse")
    sparse.fit(*data, batch_size=8, epochs=2, verbose=0)
    kernel = sparse.get_layer("hidden").layer.kernel
    one, other = (value.numpy() for value in strategy.experimental_local_results(kernel))
    assert (one == other).all()
    print(int(sparse.get_layer("hidden").pruning_step.numpy()), tfedge.sparsity(sparse).sparsity)
"""


@pytest.mark.slow
def test_two_replicas_share_their_masks():
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [line.split() for line in done.stdout.splitlines() if line[:2] == "16"]
    assert [float(share) for _, share in lines] == pytest.approx([0.75, 0.75], abs=0.01)
