"""MagnitudePruning: unwrapped models of both Kerases, in fit and in loops of one's own."""

import keras as keras3
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

import tfedge
from tfedge.callbacks import MagnitudePruning
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.flavours import tfmot

both = pytest.mark.parametrize("keras", [keras3, tf_keras], ids=["keras3", "tf_keras"])
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 8)).astype("float32")
Y = RNG.normal(size=(64, 4)).astype("float32")


def net(keras, optimizer="sgd", seed=0, **settings):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((8,))
    x = keras.layers.Dense(32, activation="relu", name="hidden")(inputs)
    x = keras.layers.Dense(32, activation="relu", name="middle")(x)
    model = keras.Model(inputs, keras.layers.Dense(4, name="head")(x), name="net")
    model.compile(optimizer, "mse", **settings)
    return model


def subclassed(keras, optimizer="sgd"):
    keras.utils.set_random_seed(0)

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.body = keras.Sequential(
                [keras.layers.Dense(32, "relu", name="hidden"), keras.layers.Dense(32, "relu")]
            )
            self.head = keras.layers.Dense(4, name="head")

        def call(self, x):
            return self.head(self.body(x))

    model = Net()
    model.compile(optimizer, "mse")
    return model


def fit(model, *callbacks, epochs=2, **settings):
    settings = {"batch_size": 8, "verbose": 0, "shuffle": False, **settings}
    return model.fit(X, Y, epochs=epochs, callbacks=list(callbacks), **settings)


def zeros(model, name="hidden"):
    return {row.name: row.sparsity for row in tfedge.sparsity(model).layers}[name]


def test_the_same_weights_as_tfmot():
    model = net(tf_keras)
    start = model.get_weights()
    fit(model, MagnitudePruning(tfedge.PolynomialDecay(0.2, 0.8, 4, 12, frequency=4), layers=".*"))
    raw = net(tf_keras)
    raw.set_weights(start)
    theirs = tfmot().sparsity.keras
    # tfmot chooses masks when a step begins, the callback when the step before it ends.
    schedule = theirs.PolynomialDecay(0.2, 0.8, 5, 13, frequency=4)
    wrapped = theirs.prune_low_magnitude(raw, schedule)
    wrapped.compile("sgd", "mse")
    fit(wrapped, theirs.UpdatePruningStep())
    stripped = theirs.strip_pruning(wrapped)
    for ours, other in zip(model.get_weights(), stripped.get_weights(), strict=True):
        np.testing.assert_allclose(ours, other, atol=1e-6)
    assert tfedge.sparsity(model).sparsity == pytest.approx(0.8, abs=0.005)


@both
@pytest.mark.parametrize("make", [net, subclassed])
def test_masks_follow_the_schedule_and_hold(keras, make):
    model, seen = make(keras), []
    watch = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(zeros(model))
    )
    pruning = MagnitudePruning(tfedge.PolynomialDecay(0.0, 0.75, 0, 12, frequency=4))
    history = fit(model, pruning, watch, validation_split=0.0)
    scheduled = {step: 0.75 - 0.75 * (1 - step / 12) ** 3 for step in (1, 4, 8, 12)}
    expected = [scheduled[max(k for k in scheduled if k <= step)] for step in range(1, 17)]
    assert seen == pytest.approx(expected, abs=1 / 256)
    assert history.history["sparsity"][-1] == pytest.approx(0.75, abs=0.01)
    assert pruning.steps_done == 16
    fit(model, pruning, epochs=1)
    assert pruning.steps_done == 24 and zeros(model) == pytest.approx(0.75, abs=1 / 256)


@both
def test_a_loop_of_ones_own(keras):
    model, pruning = subclassed(keras), MagnitudePruning(tfedge.OneShot(0.5, step=3))
    model(X[:1])
    optimizer, seen = keras.optimizers.Adam(1e-2), []
    for _ in range(5):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(X, training=True) - Y) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        pruning.step(model)
        seen.append(zeros(model))
    assert seen == [0, 0, 0.5, 0.5, 0.5]
    first = model.body.layers[0].kernel.numpy() == 0
    pruning.step(model)
    np.testing.assert_array_equal(model.body.layers[0].kernel.numpy() == 0, first)


@both
def test_a_checkpoint_goes_on_in_a_new_process(keras, tmp_path):
    schedule = tfedge.PolynomialDecay(0.0, 0.8, 0, 30, frequency=3)
    whole = net(keras, "sgd")
    fit(whole, MagnitudePruning(schedule), epochs=5)
    half = net(keras, "sgd")
    path = tmp_path / "half.keras"
    fit(half, MagnitudePruning(schedule), keras.callbacks.ModelCheckpoint(str(path)), epochs=2)
    again, pruning = keras.models.load_model(path), MagnitudePruning(schedule)
    fit(again, pruning, epochs=5, initial_epoch=2)
    assert pruning.steps_done == 40
    for ours, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(ours, other, atol=1e-6)
    assert zeros(again) == pytest.approx(0.8, abs=0.005)


@both
@pytest.mark.parametrize("first", ["pruning", "restore"])
def test_an_interrupted_training_is_restored(keras, first, tmp_path):
    schedule = tfedge.ConstantSparsity(0.5, 5, frequency=4)

    def callbacks():
        restore = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
        pruning = MagnitudePruning(schedule)
        return [pruning, restore] if first == "pruning" else [restore, pruning]

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("power cut")

    whole = net(keras)
    fit(whole, MagnitudePruning(schedule), epochs=4)
    with pytest.raises(RuntimeError, match="power cut"):
        fit(net(keras), *callbacks(), Interrupt(), epochs=4)
    again, restored = net(keras, seed=9), callbacks()
    fit(again, *restored, epochs=4)
    pruning = restored[0] if first == "pruning" else restored[1]
    assert pruning.steps_done == 32
    for ours, other in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(ours, other, atol=1e-6)


def test_a_backup_file_keeps_masks_and_step(tmp_path):
    schedule, path = tfedge.PolynomialDecay(0.0, 0.8, 0, 30, frequency=3), tmp_path / "masks.npz"
    model = net(keras3)
    fit(model, epochs=1)  # the optimizer counts steps that the schedule does not
    fit(model, MagnitudePruning(schedule, backup=path))
    model.save(tmp_path / "model.keras")
    again = keras3.models.load_model(tmp_path / "model.keras")
    pruning = MagnitudePruning(schedule, backup=path)
    fit(again, pruning, epochs=1)
    assert pruning.steps_done == 24
    known = MagnitudePruning(schedule, initial_step=16)
    fit(keras3.models.load_model(tmp_path / "model.keras"), known, epochs=1)
    assert known.steps_done == 24
    fresh = MagnitudePruning(schedule)
    fit(keras3.models.load_model(tmp_path / "model.keras"), fresh, epochs=1)
    assert fresh.steps_done == 8
    with pytest.raises(ModelError, match="weights where its mask has zeros"):
        fit(net(keras3), MagnitudePruning(schedule, backup=path))
    inputs = keras3.Input((8,))
    other = keras3.Model(inputs, keras3.layers.Dense(4, name="hidden")(inputs), name="other")
    other.compile("sgd", "mse")
    with pytest.raises(ModelError, match=r"another model.*'net', 2 kernels; this is 'other', 1"):
        fit(other, MagnitudePruning(schedule, backup=path))
    path.write_bytes(b"no masks")
    with pytest.raises(ModelError, match="no backup of masks"):
        fit(net(keras3), MagnitudePruning(schedule, backup=path))


@both
@pytest.mark.parametrize("settings", [{"steps_per_execution": 4}, {"jit_compile": True}])
def test_compiled_steps(keras, settings):
    model, pruning = net(keras, **settings), MagnitudePruning(tfedge.ConstantSparsity(0.5, 0))
    fit(model, pruning)
    assert pruning.steps_done == 16 and zeros(model) == 0.5


@both
def test_a_lottery_ticket_goes_back_and_survives_a_restart(keras, tmp_path):
    schedule = tfedge.LotteryTicket(0.75, rounds=2, round_steps=8, rewind_step=2)
    model, seen = net(keras, keras.optimizers.Adam(1e-2)), []

    def look(batch, logs):
        seen.append((model.get_layer("middle").kernel.numpy().copy(), model.get_weights()[-1]))

    watch = keras.callbacks.LambdaCallback(on_train_batch_end=look)
    backup = tmp_path / "masks.npz"
    fit(model, MagnitudePruning(schedule, backup=backup), watch, epochs=1)
    np.testing.assert_array_equal(seen[7][0], seen[1][0] * (seen[7][0] != 0))
    np.testing.assert_array_equal(seen[7][1], seen[1][1])
    assert int(model.optimizer.iterations.numpy()) == 2
    model.save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    fit(model, MagnitudePruning(schedule, backup=backup), watch, epochs=1)
    np.testing.assert_array_equal(seen[15][0], seen[1][0] * (seen[15][0] != 0))
    assert zeros(model, "middle") == 0.75
    with pytest.raises(ModelError, match=r"weights of step 2, and these are not here"):
        fit(model, MagnitudePruning(schedule, initial_step=12), epochs=1)


def test_scope_pattern_and_sparsity_by_layer():
    model = net(keras3)
    fit(model, MagnitudePruning(tfedge.ConstantSparsity(0.9, 0), scope="global"), epochs=1)
    rows = tfedge.sparsity(model).layers
    share = sum(row.zeros for row in rows[:2]) / sum(row.weights for row in rows[:2])
    assert share == pytest.approx(0.9, abs=0.001) and rows[0].sparsity != rows[1].sparsity
    model = net(keras3)
    fit(model, MagnitudePruning(pattern="1:4", layers=keras3.layers.Dense), epochs=1)
    kernel = model.get_layer("middle").kernel.numpy().reshape(8, 4, 32)
    assert (np.count_nonzero(kernel, axis=1) == 1).all()
    model = net(keras3)
    shares = {"hidden": 0.25, "m.*": tfedge.OneShot(0.75), keras3.layers.Dense: 0.5}
    fit(model, MagnitudePruning(tfedge.ConstantSparsity(0.9, 0), layers=shares), epochs=1)
    assert [row.sparsity for row in tfedge.sparsity(model).layers] == [0.25, 0.75, 0.5]


@both
def test_attention_and_recurrence(keras):
    inputs = keras.Input((6, 8))
    x = keras.layers.MultiHeadAttention(2, 4, name="attention")(inputs, inputs)
    x = keras.layers.Bidirectional(keras.layers.GRU(8), name="both")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
    model.compile("adam", "mse")
    pruning = MagnitudePruning(tfedge.ConstantSparsity(0.5, 0), layers=["attention", "both"])
    model.fit(np.ones((8, 6, 8)), np.ones((8, 2)), verbose=0, callbacks=[pruning])
    assert zeros(model, "attention") == zeros(model, "both") == 0.5


def test_bad_input_is_refused():
    model = net(keras3)
    for settings, error, says in (
        ({"schedule": 0.5}, ArgumentError, "found 0.5"),
        ({"pattern": "4:2"}, ArgumentError, "is not known"),
        ({"initial_step": -1}, ArgumentError, "initial_step=-1"),
        ({"backup": "nowhere/masks.npz"}, ArgumentError, "there is no folder 'nowhere'"),
        ({"scope": "all"}, ArgumentError, "scope='all'"),
        ({"layers": "hiden"}, ArgumentError, "Nearest names: 'hidden'"),
        ({"layers": {"hidden": "much"}}, ArgumentError, "found 'much'"),
        ({"layers": {"hidden": 1.5}}, ArgumentError, "sparsity=1.5"),
        ({"layers": {"hidden": 0.5}, "scope": "global"}, ArgumentError, "scope='layer'"),
        ({"schedule": tfedge.OneShot(0.8), "pattern": "2:4"}, ArgumentError, "ends at 80.0%"),
        ({"exclude": ".*"}, ModelError, "no kernel left"),
        ({"pattern": "4:16"}, ModelError, r"'hidden' with shape \(8, 32\) has 8 input channels"),
    ):
        with pytest.raises(error, match=says):
            fit(model, MagnitudePruning(**settings))
    with pytest.raises(ModelError, match="pruned already"):
        fit(compiled(tfedge.prune(model)), MagnitudePruning())


def compiled(model):
    model.compile("sgd", "mse")
    return model
