import warnings

import numpy as np
import pytest
import tensorflow as tf

import tfedge
from tfedge.compress.pruning.magnitude import prune
from tfedge.compress.pruning.report import sparsity
from tfedge.compress.quantization.aware import quantize
from tfedge.core.errors import ArgumentError, DataError
from tfedge.models.flavours import keras3, tf_keras
from tfedge.models.training.schedules import ConstantSparsity, PolynomialDecay
from tfedge.models.training.scope import training_scope
from tfedge.models.training.trainable import TrainableModel
from tfedge.models.training.translate import to_tf_keras

LOSS = "sparse_categorical_crossentropy"


def saved(model, path):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are saving your model as an HDF5")
        model.save(path)
    return tfedge.load(path)


def pruned(model, flat):
    sparse = prune(model, PolynomialDecay(0.0, 0.6, 0, 12, frequency=2))
    sparse.compile(keras3().optimizers.Adam(1e-2), LOSS, metrics=["accuracy"])
    return sparse


def sparse_qat(model, flat):
    sparse = prune(model, ConstantSparsity(0.6, 0))
    sparse.compile("sgd", LOSS)
    sparse.fit(*flat, batch_size=64, verbose=0)
    qat = quantize(sparse, calibration=flat[0])
    qat.compile(keras3().optimizers.Adam(1e-2), LOSS, metrics=["accuracy"])
    return qat


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("wrap", [pruned, sparse_qat])
def test_training_goes_on_where_the_file_left_it(wrap, suffix, mlp, flat, tmp_path):
    model = wrap(mlp(keras3()), flat)
    model.fit(*flat, batch_size=64, verbose=0, shuffle=False)
    again = saved(model, tmp_path / f"model.{suffix}")
    assert type(again) is TrainableModel
    for ours, theirs in (
        (model.weights, again.weights),
        (model.optimizer.variables, again.optimizer.variables),
    ):
        assert [w.shape for w in ours] == [w.shape for w in theirs]
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(mine.numpy(), other.numpy())
    for one in (model, again):
        one.fit(*flat, batch_size=64, epochs=2, initial_epoch=1, verbose=0, shuffle=False)
    assert sparsity(again).sparsity == pytest.approx(0.6, abs=0.01)
    np.testing.assert_allclose(
        model.predict(flat[0], verbose=0), again.predict(flat[0], verbose=0), atol=1e-5
    )


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_layers_of_several_kernels_are_saved(suffix, tmp_path):
    keras, layers = keras3(), keras3().layers
    steps = [keras.Input((6, 4)), layers.Bidirectional(layers.LSTM(4)), layers.Dense(2)]
    model = prune(keras.Sequential(steps), ConstantSparsity(0.5, 0), layers=".*")
    model.compile("adam", "mse")
    model.fit(np.ones((8, 6, 4)), np.ones((8, 2)), verbose=0)
    again = saved(model, tmp_path / f"model.{suffix}")
    for mine, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert [row.sparsity for row in sparsity(again).layers] == [0.5, 0.5]


def test_config_round_trip(mlp):
    model = prune(mlp(keras3()))
    with training_scope():
        again = TrainableModel.from_config(model.get_config())
    assert again.get_config() == model.get_config()


class _PyDataset(keras3().utils.PyDataset):
    def __init__(self, x, y, length=4):
        super().__init__()
        self.x, self.y, self.length = x, y, length

    @property
    def num_batches(self):
        return self.length

    def __getitem__(self, index):
        part = slice(index * 64, (index + 1) * 64)
        return self.x[part], self.y[part]


def test_fit_takes_every_kind_of_data_and_counts_on(mlp, flat):
    x, y = flat
    model = prune(mlp(keras3()))
    model.compile("sgd", LOSS)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(128)
    sequence = type(
        "S",
        (tf_keras().utils.Sequence,),
        {"__len__": lambda self: 2, "__getitem__": lambda self, i: (x[:64], y[:64])},
    )()

    def endless():
        while True:
            yield x[:64], y[:64]

    steps = 0
    for data, settings, more in (
        ((x, y), {"batch_size": 256}, 2),
        ((dataset,), {"validation_data": dataset}, 4),
        ((endless(),), {"steps_per_epoch": 3}, 3),
        ((sequence,), {}, 2),
        ((_PyDataset(x, y),), {"validation_data": _PyDataset(x, y, 1)}, 4),
        ((x, y), {"batch_size": 256, "epochs": 5, "initial_epoch": 4}, 2),
    ):
        model.fit(*data, verbose=0, **settings)
        steps += more
        assert int(model.layers[1].pruning_step) == steps
    assert model.evaluate(_PyDataset(x, y), verbose=0) > 0
    assert model.predict(_PyDataset(x, y), verbose=0).shape == (256, 10)
    with pytest.raises(DataError, match="endless PyDataset"):
        model.fit(_PyDataset(x, y, None))


def test_keras3_callbacks_work(mlp, flat, tmp_path):
    callbacks = keras3().callbacks
    model = prune(mlp(keras3()))
    model.compile(keras3().optimizers.SGD(0.1), LOSS)
    seen = []
    model.fit(
        *flat,
        epochs=4,
        verbose=0,
        validation_split=0.1,
        callbacks=[
            callbacks.EarlyStopping(
                "val_loss", min_delta=10.0, patience=1, restore_best_weights=True
            ),
            callbacks.ReduceLROnPlateau("val_loss", min_delta=10.0, patience=1, factor=0.5),
            callbacks.ModelCheckpoint(tmp_path / "best.keras", save_best_only=True),
            callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch)),
        ],
    )
    assert seen == [0, 1]
    assert float(model.optimizer.learning_rate) == pytest.approx(0.05)
    assert sparsity(tmp_path / "best.keras").sparsity == pytest.approx(0.5, abs=0.01)


def test_several_outputs_take_lists_and_dicts():
    keras = keras3()
    inputs = keras.Input((4,))
    outputs = [keras.layers.Dense(1, name="a")(inputs), keras.layers.Dense(3, name="b")(inputs)]
    model = prune(keras.Model(inputs, outputs))
    losses = [
        keras.losses.MeanSquaredError(),
        keras.losses.CategoricalCrossentropy(from_logits=True),
    ]
    metrics = {"a": [keras.metrics.MeanAbsoluteError(name="mae")], "b": "accuracy"}
    model.compile("adam", losses, metrics=metrics, loss_weights=[1.0, 0.5])
    data = np.ones((8, 4)), [np.ones((8, 1)), np.eye(3)[np.zeros(8, int)]]
    assert {"a_mae", "b_accuracy"} <= set(model.fit(*data, verbose=0).history)


def test_optimizers_keep_their_settings():
    k3 = keras3().optimizers
    made = to_tf_keras(
        k3.AdamW(k3.schedules.CosineDecay(0.1, 50), weight_decay=0.02, clipnorm=1.0), "optimizer"
    )
    assert type(made) is tf_keras().optimizers.AdamW
    assert made.get_config()["clipnorm"] == 1.0 and made.weight_decay == 0.02
    assert float(
        made.learning_rate(25) if callable(made.learning_rate) else made._learning_rate(25)
    ) == pytest.approx(0.05)
    for name in ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion"):
        made = to_tf_keras(getattr(k3, name)(0.25), "optimizer")
        assert type(made).__name__ == name and float(made.learning_rate) == 0.25


def test_losses_and_metrics_keep_their_settings(flat):
    keras = keras3()
    y, p = np.eye(4)[[0, 1, 2]], np.full((3, 4), 0.25) + np.eye(4)[[0, 2, 2]]
    for make in (
        lambda k: k.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        lambda k: k.losses.Huber(delta=0.3),
        lambda k: k.losses.KLDivergence(reduction="sum"),
    ):
        rebuilt, own = to_tf_keras(make(keras), "loss"), make(tf_keras())
        assert type(rebuilt) is type(own) and float(rebuilt(y, p)) == pytest.approx(
            float(own(y, p))
        )
    for make in (
        lambda k: k.metrics.TopKCategoricalAccuracy(k=2, name="top2"),
        lambda k: k.metrics.AUC(num_thresholds=50, curve="PR"),
        lambda k: k.metrics.F1Score(average="macro"),
    ):
        rebuilt, own = to_tf_keras(make(keras), "metric"), make(tf_keras())
        assert type(rebuilt) is type(own) and rebuilt.name.split("_")[0] == own.name.split("_")[0]
        np.testing.assert_allclose(rebuilt(y, np.clip(p, 0, 1)), own(y, np.clip(p, 0, 1)))
    assert (
        to_tf_keras(keras.losses.mean_squared_error, "loss") is tf_keras().losses.mean_squared_error
    )

    def own_function(y_true, y_pred):
        return y_pred

    assert to_tf_keras(own_function, "loss") is own_function


def test_what_cannot_be_carried_over_is_refused():
    keras = keras3()

    class Own(keras.metrics.Metric):
        pass

    class OwnLoss(keras.losses.Loss):
        pass

    for value, kind, says in (
        (Own(), "metric", "not part of Keras.*plain function"),
        (OwnLoss(), "loss", "not part of Keras"),
        (keras.optimizers.Muon(), "optimizer", "no Muon"),
        (
            keras.optimizers.Adam(gradient_accumulation_steps=4),
            "optimizer",
            "gradient_accumulation_steps=4",
        ),
        (
            keras.losses.MeanSquaredError(reduction="mean_with_sample_weight"),
            "loss",
            "mean_with_sample_weight",
        ),
        ([keras.metrics.PearsonCorrelation()], "metric", "no PearsonCorrelation"),
    ):
        with pytest.raises(ArgumentError, match=says):
            to_tf_keras(value, kind)
