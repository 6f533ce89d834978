"""The door: accuracy that rounding took comes back, for whole models and their files."""

import itertools

import numpy as np
import pytest

import tfedge
from tfedge.compress.quantization.report import quantization_of
from tfedge.core.errors import ArgumentError, CalibrationError, ModelError
from tfedge.core.observers import OBSERVERS
from tfedge.models.flavours import keras3, tf_keras

FLAVOURS = {"keras3": keras3, "tf_keras": tf_keras}
LOSS = "sparse_categorical_crossentropy"


def mobile(keras):
    """Return a small MobileNet for the digits."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    x = inputs = keras.Input((8, 8, 1), name="image")
    steps = {
        "c0": layers.Conv2D(12, 3, padding="same", name="c0"),
        "d1": layers.DepthwiseConv2D(3, padding="same", name="d1"),
        "p1": layers.Conv2D(16, 1, name="p1"),
        "d2": layers.DepthwiseConv2D(3, 2, padding="same", name="d2"),
        "p2": layers.Conv2D(24, 1, name="p2"),
    }
    for name, layer in steps.items():
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(layer(x))
        x = layers.ReLU(name=f"{name}_relu")(x)
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(inputs, layers.Dense(10, activation="softmax", name="head")(x))


def scaled(model, seed):
    """Multiply channels by powers of two between 1/32 and 32, and divide them in the next layer."""
    rng = np.random.default_rng(seed)
    names = ["c0", "d1", "p1", "d2", "p2", "head"]
    for first, second in itertools.pairwise(names):
        norm, taker = model.get_layer(f"{first}_norm"), model.get_layer(second)
        factors = 2.0 ** rng.uniform(-5, 5, norm.gamma.shape[0])
        gamma, beta, *rest = norm.get_weights()
        norm.set_weights([gamma * factors, beta * factors, *rest])
        kernel, bias = taker.get_weights()
        taker.set_weights([kernel / factors[:, None], bias])


@pytest.fixture(scope="module", params=list(FLAVOURS))
def unequal(request, digits):
    """A trained network of each flavour whose channels have very different ranges."""
    keras = FLAVOURS[request.param]()
    model = mobile(keras)
    model.compile(keras.optimizers.Adam(5e-3), LOSS)
    model.fit(digits[0], digits[1], epochs=10, batch_size=64, verbose=0)
    before = model.predict(digits[2], verbose=0)
    scaled(model, seed=1)
    np.testing.assert_allclose(model.predict(digits[2], verbose=0), before, atol=1e-4)
    return model


def test_unequal_channels_cost_nothing_after_recovery(unequal, digits, accuracy):
    weights = [np.array(weight) for weight in unequal.get_weights()]
    exact = accuracy(unequal)
    assert exact > 0.9
    assert accuracy(tfedge.quantize(unequal, calibration=digits[0][:256])) < exact - 0.2
    for data in (digits[0][:256], None):
        recovered = tfedge.recover(unequal, data, samples=256, verbose=0)
        record = recovered.recovery
        assert record.changed == {"equalize": 5, "bias": 6} and not record.undone
        assert record.sqnr_db["bias"] > record.sqnr_db["plain"] + 15
        assert (record.samples, record.synthetic) == (256, data is None)
        assert accuracy(recovered) > exact - 0.01
        lite = tfedge.convert(recovered, "int8")
        assert tfedge.evaluate(lite, *digits[2:], verbose=0).accuracy > exact - 0.01
        assert not lite.float_operators
    for old, new in zip(weights, unequal.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_few_bits_gain_from_bias_correction(trained, digits, tmp_path):
    trained.save(tmp_path / "model.keras")
    settings = {"conv.*": {"weight_bits": 3}, "head": {"weight_bits": 3}}
    data = tfedge.recover(
        tmp_path / "model.keras", digits[:2], methods="bias", layers=settings, verbose=0
    )
    assert data.recovery.changed == {"bias": 3}
    assert data.recovery.sqnr_db["bias"] > data.recovery.sqnr_db["plain"] + 0.5
    plain = tfedge.recover(trained, digits[0], methods=(), layers=settings, verbose=0)
    assert plain.recovery.sqnr_db.keys() == {"plain"}
    assert plain.recovery.sqnr_db["plain"] == data.recovery.sqnr_db["plain"]


def test_learned_rounding_is_a_method_too(trained, digits):
    settings = {"conv.*": {"weight_bits": 3}, "head": {"weight_bits": 3}}
    methods = ("rounding", "bias")
    recovered = tfedge.recover(trained, digits[0], methods=methods, layers=settings, verbose=0)
    record = recovered.recovery
    assert record.changed == {"rounding": 3, "bias": 3}
    assert record.sqnr_db["rounding"] > record.sqnr_db["plain"] + 2
    assert record.sqnr_db["bias"] > record.sqnr_db["plain"] + 2
    tfedge.convert(recovered, "int8")


def test_what_comes_back_can_be_trained_and_saved(trained, digits, tmp_path):
    recovered = tfedge.recover(trained, digits[0], verbose=0)
    assert not recovered.get_layer("conv1").layer.use_bias
    recovered.compile("adam", LOSS)
    recovered.fit(digits[0][:256], digits[1][:256], verbose=0)
    recovered.save(tmp_path / "recovered.keras")
    again = tfedge.load(tmp_path / "recovered.keras")
    x = digits[2][:50]
    np.testing.assert_allclose(again.predict(x, verbose=0), recovered.predict(x, verbose=0))


def test_several_inputs_and_outputs(digits):
    keras, layers = keras3(), keras3().layers
    keras.utils.set_random_seed(0)
    a, b = keras.Input((8, 8, 1), name="a"), keras.Input((5,), name="b")
    x = layers.Flatten()(layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3)(a))))
    y = layers.Dense(6, activation="relu", name="hidden")(b)
    joined = layers.Concatenate()([x, layers.Dense(6, name="second")(y)])
    outputs = {"p": layers.Dense(3, name="p")(joined), "q": layers.Dense(1, name="q")(joined)}
    model = keras.Model({"a": a, "b": b}, outputs)
    times = np.array([1, 30, 1, 1, 1 / 30, 1])
    model.get_layer("hidden").kernel.assign(model.get_layer("hidden").kernel * times)
    model.get_layer("second").kernel.assign(model.get_layer("second").kernel / times[:, None])
    data = {"b": np.random.default_rng(0).normal(size=(80, 5)), "a": digits[0][:80]}
    for calibration in (data, None):
        record = tfedge.recover(
            model, calibration, observer="minmax", samples=80, verbose=0
        ).recovery
        assert record.changed == {"equalize": 1, "bias": 5}
        assert record.sqnr_db["bias"] > 25


def test_layers_that_are_left_out_stay_as_they_are(trained, digits):
    recovered = tfedge.recover(trained, digits[0], exclude="conv2", verbose=0)
    for old, new in zip(
        trained.get_layer("conv2").get_weights(),
        recovered.get_layer("conv2").get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(old, new)
    assert recovered.recovery.changed == {"equalize": 0, "bias": 2}


def test_zeros_and_clusters_stay(trained, digits):
    sparse = tfedge.prune(trained, tfedge.OneShot(0.5, 0))
    sparse.compile("adam", LOSS)
    sparse.fit(digits[0], digits[1], verbose=0)
    recovered = tfedge.recover(sparse, digits[0], verbose=0)
    assert {"conv2", "head"} <= set(quantization_of(recovered).keeps_zeros)
    before, after = (
        {row.name: row.zeros for row in tfedge.sparsity(one).layers} for one in (sparse, recovered)
    )
    assert after == before and sum(after.values()) > 1000
    shared = tfedge.recover(tfedge.cluster(trained, 8), digits[0], verbose=0)
    assert shared.recovery.changed["equalize"] == 0
    assert set(quantization_of(shared).keeps_clusters.values()) == {8}
    tfedge.convert(shared, "int8", parity=False)


def test_a_method_that_harms_is_undone(trained, digits, monkeypatch):
    from tfedge.compress.quantization.recovery import methods

    def harm(work):
        """Ruin a kernel."""
        kernel = work._quantized.get_layer("conv1").layer.kernel
        kernel.assign(-kernel)
        return 1

    monkeypatch.setitem(methods.METHODS, "equalize", harm)
    recovered = tfedge.recover(trained, digits[0], methods="equalize", verbose=0)
    record = recovered.recovery
    assert record.undone == ("equalize",) and record.changed == {"equalize": 0}
    assert record.sqnr_db["equalize"] == record.sqnr_db["plain"] > 20
    kernel = recovered.get_layer("conv1").layer.kernel
    np.testing.assert_array_equal(kernel, trained.get_layer("conv1").kernel)


def test_ranges_that_nobody_can_mean_draw_one_warning(trained, digits):
    x = digits[0][:200].copy()
    x[0, 3, 3] = 1e4
    with pytest.warns(UserWarning) as caught:
        tfedge.recover(trained, x, verbose=0)
    assert len(caught) == 1


def test_auto_is_the_best_observer(trained, digits):
    x = digits[0][:200].copy()
    x[::20, 3, 3] = 40.0
    found = {
        rule: tfedge.recover(trained, x, methods=(), observer=rule, verbose=0).recovery
        for rule in (*OBSERVERS, "auto")
    }
    auto = found.pop("auto")
    best = max(found.values(), key=lambda one: one.sqnr_db["plain"])
    assert auto.sqnr_db == best.sqnr_db and auto.observer == best.observer
    assert found["minmax"].sqnr_db["plain"] < best.sqnr_db["plain"]


@pytest.mark.parametrize("observer", ["percentile", "mse"])
def test_observers_reach_the_ranges(observer, trained, digits):
    found = tfedge.recover(trained, digits[0], methods=(), observer=observer, verbose=0)
    same = tfedge.quantize(trained, calibration=digits[0][:1], calibration_observer=observer)
    plain = tfedge.recover(trained, digits[0], methods=(), verbose=0)
    ends = [float(one.get_layer("relu1").ranges["output"][1]["max_var"]) for one in (found, plain)]
    assert found.recovery.observer == observer
    assert ends[0] < ends[1]
    assert [layer.name for layer in found.layers] == [layer.name for layer in same.layers]


def test_bad_input_is_refused(trained, digits):
    with pytest.raises(ArgumentError, match="methods='magic'"):
        tfedge.recover(trained, digits[0], methods="magic")
    with pytest.raises(ArgumentError, match="observer='median'"):
        tfedge.recover(trained, digits[0], observer="median")
    with pytest.raises(ArgumentError, match="samples=0"):
        tfedge.recover(trained, digits[0], samples=0)
    with pytest.raises(ArgumentError, match="matches no layer"):
        tfedge.recover(trained, digits[0], exclude="nothing")
    with pytest.raises(CalibrationError, match="do not fit"):
        tfedge.recover(trained, digits[0][:, :4], verbose=0)
    with pytest.raises(CalibrationError, match="NaN"):
        tfedge.recover(trained, digits[0] * np.nan, verbose=0)
    with pytest.raises(ModelError, match="quantized already"):
        tfedge.recover(tfedge.quantize(trained), digits[0])
