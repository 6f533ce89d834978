"""Wrapped models: patterns, a global threshold, sparsity by layer, what is left out."""

import subprocess
import sys

import numpy as np
import pytest

import tfedge
from tfedge.compress.pruning.magnitude import prune
from tfedge.compress.pruning.report import sparsity
from tfedge.compress.pruning.scope import left_out
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.core.masks import global_masks, magnitude_mask
from tfedge.models.flavours import keras3, tf_keras
from tfedge.models.training.ramps import OneShot
from tfedge.models.training.schedules import ConstantSparsity, PolynomialDecay

LOSS = "sparse_categorical_crossentropy"


def still(model, flat, steps=1, **settings):
    """Train without learning, so that masks are those of the first weights."""
    sparse = prune(model, **settings)
    sparse.compile(tf_keras().optimizers.SGD(0.0), LOSS)
    sparse.fit(flat[0][: 8 * steps], flat[1][: 8 * steps], batch_size=8, verbose=0)
    return sparse


def kernels(model):
    return {row.name: model.get_layer(row.name) for row in sparsity(model).layers}


@pytest.mark.parametrize("pattern", ["2:4", "1:4", "4x1", "1x16", "*x1"])
def test_masks_are_those_of_numpy(pattern, mlp, flat):
    model = mlp(keras3())
    before = {name: model.get_layer(name).kernel.numpy() for name in ("hidden", "head")}
    sparse = still(model, flat, layers=".*", pattern=pattern)
    share = {"2:4": 0.5, "1:4": 0.75}.get(pattern, 0.5)
    for name, kernel in before.items():
        [(weight, mask, threshold)] = sparse.get_layer(name).pruning_vars
        expected = magnitude_mask(kernel, share, pattern)
        np.testing.assert_array_equal(mask.numpy(), expected)
        np.testing.assert_array_equal(weight.numpy(), kernel * expected)
        assert float(threshold) == pytest.approx(np.abs(kernel[expected]).min())


def test_one_threshold_for_the_model(mlp, flat):
    model = mlp(keras3())
    before = [model.get_layer(name).kernel.numpy() for name in ("hidden", "head")]
    sparse = still(model, flat, schedule=OneShot(0.8), layers=".*", scope="global")
    expected = global_masks(before, 0.8)
    for name, mask in zip(("hidden", "head"), expected, strict=True):
        np.testing.assert_array_equal(sparse.get_layer(name).pruning_vars[0][1].numpy(), mask)
    report = sparsity(sparse)
    assert report.sparsity == pytest.approx(0.8, abs=0.001)
    assert report.layers[0].sparsity != report.layers[1].sparsity


def test_n_of_m_is_chosen_anew(mlp, flat):
    sparse = prune(mlp(keras3()), PolynomialDecay(0.0, 0.5, 0, 20, frequency=10), pattern="2:4")
    sparse.compile(keras3().optimizers.Adam(0.1), LOSS)
    seen = []
    watch = tf_keras().callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(
            sparse.get_layer("hidden").pruning_vars[0][1].numpy()
        )
    )
    sparse.fit(*flat, batch_size=16, verbose=0, callbacks=[watch])
    zeros = [4 - mask.reshape(16, 4, 16).sum(1) for mask in seen]
    assert (zeros[0] == 0).all() and (zeros[9] == 2).all() and (zeros[31] == 2).all()
    assert (seen[9] != seen[19]).any()


def test_pruning_by_blocks_works_on_convolutions(digits):
    keras = keras3()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(16, 3, name="first"),
            layers.Conv2D(32, 3, name="second"),
            layers.Flatten(),
            layers.Dense(10, name="head"),
        ]
    )
    sparse = still(model, digits, schedule=OneShot(0.5), layers="second", pattern="*x*x8x1")
    mask = sparse.get_layer("second").pruning_vars[0][1].numpy().reshape(3, 3, 2, 8, 32)
    whole = mask.sum((0, 1, 3))
    assert set(np.unique(whole)) == {0, 72} and (whole > 0).mean() == 0.5


def test_sparsity_by_layer(mlp, flat):
    shares = {"hid.*": 0.25, keras3().layers.Dense: OneShot(0.75)}
    sparse = still(mlp(keras3()), flat, schedule=ConstantSparsity(0.9, 0), layers=shares)
    assert [row.sparsity for row in sparsity(sparse).layers] == [0.25, 0.75]
    one = still(mlp(keras3()), flat, schedule=OneShot(0.5), layers={"head": 0.25, "hidden": 0})
    assert [row.sparsity for row in sparsity(one).layers] == [0.0, 0.25]
    assert sparsity(one).layers[0].left_out == "not chosen"


def stack(keras, *layers, shape=(16, 16, 3)):
    return keras.Sequential([keras.Input(shape), *layers])


@pytest.mark.parametrize("flavour", [keras3, tf_keras])
def test_what_is_left_out_is_said(flavour):
    keras = flavour()
    k = keras.layers
    body = keras.Sequential([keras.Input((14, 14, 8)), k.Conv2D(64, 3, name="inner")])
    model = stack(
        keras,
        k.Rescaling(2.0),
        k.Conv2D(8, 3, name="stem"),
        body,
        k.DepthwiseConv2D(3, name="dw"),
        k.BatchNormalization(),
        k.Conv2D(32, 1, name="last"),
        k.GlobalAveragePooling2D(),
        k.Dense(10, name="head"),
        k.Softmax(),
    )
    sparse = prune(model)
    said = {row.name: row.left_out for row in sparsity(sparse).layers}
    assert said == {
        "stem": "first convolution",
        "inner": "",
        "dw": "depthwise convolution",
        "last": "",
        "head": "last classifier",
    }
    assert "left out: last classifier" in repr(sparsity(sparse))
    assert sparsity(prune(model, layers=".*")).layers[0].pruned
    assert not any(row.left_out for row in sparsity(model).layers)


def test_what_would_save_nothing_is_not_left_out():
    keras = keras3()
    k = keras.layers
    assert left_out(stack(keras, k.Dense(4), shape=(8,))) == {}
    assert left_out(stack(keras, k.DepthwiseConv2D(3))) == {}
    assert left_out(stack(keras, k.Conv2D(4, 3))) == {}
    small = stack(keras, k.Conv2D(64, 3, name="first"), k.Conv2D(8, 3), k.Flatten(), k.Dense(100))
    assert list(left_out(small).values()) == ["first convolution"]
    body = stack(keras, k.Conv2D(32, 3), k.Conv2D(64, 3), k.Conv2D(8, 1), k.BatchNormalization())
    assert list(left_out(body).values()) == ["first convolution"]
    prune(stack(keras, k.DepthwiseConv2D(3)))


def test_of_a_subclassed_model_the_ends_are_left_out():
    keras = keras3()

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.steps = [
                keras.layers.Conv2D(8, 3),
                keras.layers.Conv2D(64, 3),
                keras.layers.Flatten(),
                keras.layers.Dense(2),
            ]

        def call(self, x):
            for step in self.steps:
                x = step(x)
            return x

    net = Net()
    net(np.ones((1, 6, 6, 3), "float32"))
    assert list(left_out(net).values()) == ["first convolution", "last classifier"]


def test_a_layer_that_is_used_twice_counts_once(flat):
    keras = keras3()
    inputs = keras.Input((64,))
    shared = keras.layers.Dense(64, activation="relu", name="shared")
    outputs = keras.layers.Dense(10, activation="softmax")(shared(shared(inputs)))
    sparse = prune(keras.Model(inputs, outputs), OneShot(0.5, step=3))
    sparse.compile("sgd", LOSS)
    sparse.fit(flat[0][:16], flat[1][:16], batch_size=8, verbose=0)
    assert int(sparse.get_layer("shared").pruning_step) == 2 and sparsity(sparse).sparsity == 0
    sparse.fit(flat[0][:8], flat[1][:8], verbose=0)
    assert sparsity(sparse).sparsity == 0.5


@pytest.mark.parametrize("settings", [{"jit_compile": True}, {"steps_per_execution": 4}])
@pytest.mark.parametrize("scope", ["layer", "global"])
def test_compiled_steps(settings, scope, mlp, flat):
    sparse = prune(mlp(keras3()), PolynomialDecay(0.0, 0.8, 0, 8, 3, 2), layers=".*", scope=scope)
    sparse.compile("adam", LOSS, **settings)
    sparse.fit(*flat, batch_size=32, verbose=0)
    assert sparsity(sparse).sparsity == pytest.approx(0.8, abs=0.002)
    assert int(sparse.get_layer("hidden").pruning_step) == 16


def test_mixed_precision_keeps_the_weights_precise(mlp, flat):
    keras = keras3()
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = mlp(keras)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    kernel = model.get_layer("hidden").kernel.numpy()
    sparse = still(model, flat, schedule=OneShot(0.5))
    layer = sparse.get_layer("hidden")
    np.testing.assert_array_equal(layer.layer.kernel.numpy(), kernel * magnitude_mask(kernel, 0.5))
    assert layer(flat[0][:2]).dtype == "float16"


def test_a_global_layer_trains_in_its_model_only(mlp, flat):
    import tensorflow as tf

    sparse = prune(mlp(keras3()), scope="global")
    with pytest.raises(ModelError, match="'hidden' shares its threshold"):
        sparse.get_layer("hidden")(tf.constant(flat[0][:2]), training=True)


def test_settings_that_contradict_each_other_are_refused(mlp):
    model = mlp(keras3())
    for settings, error, says in (
        ({"pattern": "2:4", "schedule": OneShot(0.8)}, ArgumentError, "means 50.0% zeros"),
        ({"pattern": "2:4", "scope": "global"}, ArgumentError, "pattern='2:4' fixes it"),
        ({"layers": {"head": 0.5}, "scope": "global"}, ArgumentError, "scope='global'"),
        ({"layers": {"head": True}}, ArgumentError, r"layers\['head'\] must be a sparsity"),
        ({"layers": {"head": 1.0}}, ArgumentError, r"sparsity=1.0 .*\[0, 1\)"),
        ({"layers": {"heat": 0.5}}, ArgumentError, "Nearest names: 'head'"),
        ({"layers": {"head": 0}}, ModelError, "no kernel left"),
        ({"scope": "both"}, ArgumentError, "scope='both'"),
        ({"pattern": "2of4"}, ArgumentError, "pattern='2of4' is not known"),
        (
            {"pattern": "16:32", "layers": ".*"},
            ModelError,
            r"'head' with shape \(16, 10\) has 16 input channels",
        ),
    ):
        with pytest.raises(error, match=says):
            prune(model, **settings)


def test_wrapped_models_load_in_a_new_process(mlp, flat, tmp_path):
    path = tmp_path / "ticket.keras"
    schedule = tfedge.LotteryTicket(0.5, rounds=1, round_steps=2)
    sparse = still(mlp(keras3()), flat, steps=4, schedule=schedule, pattern="4x1")
    sparse.save(path)
    code = (
        "import sys, tfedge; model = tfedge.load(sys.argv[1]); layer = model.get_layer('hidden');"
        "print(type(layer.pruning_schedule).__name__, layer.pattern);"
        "print(tfedge.sparsity(model).sparsity)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.split() == ["LotteryTicket", "4x1", str(sparsity(sparse).sparsity)]


def test_the_report_is_drawn(mlp, flat):
    sparse = still(mlp(keras3()), flat, schedule=OneShot(0.75))
    axes = sparsity(sparse).plot()
    assert [text.get_text() for text in axes.get_yticklabels()] == ["hidden", "head"]
    left, zeros = ([bar.get_width() for bar in bars] for bars in axes.containers)
    assert left == [256, 40] and zeros == [768, 120]
    lite = tfedge.convert(sparse, parity=False)
    axes = sparsity(lite).plot(axes=axes)
    assert sorted(bar.get_width() for bar in axes.containers[-1]) == [120, 768]
