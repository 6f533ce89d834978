"""Whatever can be saved comes back as it was."""

import warnings

import numpy as np
import pytest

import tfedge
from tfedge.models.flavours import tf_keras
from tfedge.models.training.activation_range import Range
from tfedge.models.training.kernel_scheme import KernelScheme
from tfedge.models.training.pruned import Pruned
from tfedge.models.training.quantized import Quantized, QuantizeLayer
from tfedge.models.training.scope import training_scope
from tfedge.models.training.trainable import TrainableModel

keras = tf_keras()

OBJECTS = {
    "polynomial": lambda: tfedge.PolynomialDecay(0.1, 0.8, 2, 30, power=2.0, frequency=5),
    "constant": lambda: tfedge.ConstantSparsity(0.5, 3, 40, frequency=7),
    "one shot": lambda: tfedge.OneShot(0.5, 3),
    "cosine": lambda: tfedge.CosineSparsity(0.1, 0.8, 2, 30, frequency=5),
    "lottery ticket": lambda: tfedge.LotteryTicket(0.8, 3, 50, rewind_step=7),
    "soft target": lambda: tfedge.distill.SoftTarget(2.5, name="soft"),
    "feature hint": lambda: tfedge.distill.FeatureHint({"a": "b"}, 2.0, name="hint"),
    "quantized": lambda: Quantized(
        keras.layers.Conv2D(4, 3, activation="swish"),
        [KernelScheme("kernel", (3,), 4, keep_zeros=True, clusters=5, cluster_axis=3)],
        before=Range("learned", symmetric=True, freeze_after=7),
        output=Range(fixed=(0.0, 1.0)),
        freeze_after=9,
    ),
    "quantized tensor": lambda: QuantizeLayer(Range("all_values"), name="x_range"),
    "pruned": lambda: Pruned(
        keras.layers.LSTM(2, name="memory"),
        tfedge.PolynomialDecay(0.1, 0.8, 2, 30),
        ("cell.kernel", "cell.recurrent_kernel"),
    ),
    "pruned in blocks": lambda: Pruned(
        keras.layers.Dense(4), tfedge.OneShot(0.5), pattern="4x1", scope="global"
    ),
    "pruned by pattern": lambda: Pruned(
        keras.layers.Dense(4), tfedge.ConstantSparsity(0.5, 0), pattern="2:4"
    ),
}


def comparable(config):
    """Return a config as plain data."""
    if isinstance(config, dict):
        return {key: comparable(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [comparable(value) for value in config]
    return config


@pytest.mark.parametrize("name", OBJECTS)
def test_configs_make_the_same_object_again(name):
    first = OBJECTS[name]()
    with training_scope():
        again = type(first).from_config(first.get_config())
        carried = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(first))
    for other in (again, carried):
        assert type(other) is type(first)
        assert comparable(other.get_config()) == comparable(first.get_config())
    constructed = {key for key in vars(first) if not key.startswith("_")}
    plain = (int, float, str, bool, tuple)
    for key in constructed:
        if isinstance(getattr(first, key), plain):
            assert getattr(carried, key) == getattr(first, key), key


@pytest.mark.parametrize("state", ["pruned", "QAT", "PQAT", "student", "clustered"])
def test_models_from_their_config(state, states):
    model = states[state]
    with training_scope():
        again = TrainableModel.from_config(model.get_config())
    assert comparable(again.get_config()) == comparable(model.get_config())
    again.set_weights(model.get_weights())
    x = np.random.default_rng(1).random((8, 6), "float32")
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


@pytest.mark.parametrize("kind", ["keras", "h5"])
@pytest.mark.parametrize("state", ["pruned", "QAT", "PQAT", "student", "clustered"])
def test_models_from_their_file(state, kind, states, data, tmp_path):
    model = states[state]
    path = tmp_path / f"model.{kind}"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are saving your model as an HDF5")
        model.save(path)
    again = tfedge.load(path)
    assert type(again) is TrainableModel
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert again._is_compiled is (state != "student")
    if state != "student":
        for ours, theirs in zip(model.optimizer.variables, again.optimizer.variables, strict=True):
            np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
        assert again.evaluate(*data, verbose=0) == pytest.approx(model.evaluate(*data, verbose=0))
    assert tfedge.sparsity(again) == tfedge.sparsity(model)
