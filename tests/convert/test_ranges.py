"""Ranges of integer files: drawn from samples by a rule of choice, batch by batch."""

import numpy as np
import pytest

import tfedge
from tfedge.convert.calibration.stability import enough, spread_by_samples
from tfedge.core.observers import OBSERVERS, Observer, Percentile, observer_named
from tfedge.errors import ArgumentError, CalibrationError
from tfedge.evaluate import layer_outputs

X = np.random.default_rng(0).normal(size=(80, 6, 6, 2)).astype("float32")


@pytest.fixture(scope="module")
def residual(keras):
    """A convolution whose output is added to something much larger."""
    layers = keras.layers
    keras.utils.set_random_seed(1)
    inputs = keras.Input((6, 6, 2), name="x")
    large = layers.Conv2D(3, 1, name="large")(inputs)
    large = layers.Rescaling(20.0, name="times")(large)
    small = layers.Conv2D(3, 3, padding="same", name="small")(inputs)
    total = layers.Add(name="total")([small, large])
    outputs = layers.GlobalAveragePooling2D(name="mean")(total)
    return keras.Model(inputs, outputs, name="residual")


def values(model, name):
    """What a layer gives on the samples."""
    return layer_outputs(model, X)[name]


def scale_of(lite, name):
    """The step of the tensor that a layer computes."""
    found = [t for t in lite.tensors() if not t.constant and f"{name}" in t.name.split(";")[0]]
    return found[0].scale


@pytest.mark.parametrize("observer", ["minmax", "percentile", "mse", "entropy"])
def test_the_file_has_the_ranges_that_the_rule_gives(residual, observer):
    lite = tfedge.convert(residual, "int8", X, observer=observer)
    for name in ("small", "total"):
        low, high = observer_named(observer).of([values(residual, name)])
        assert scale_of(lite, name) == pytest.approx((high - low) / 255, rel=2e-3), name
    assert lite.notes["calibration"].observer.lower().startswith(observer[:3])


def test_inputs_of_a_sum_keep_their_own_range(residual):
    """TensorFlow's calibrator takes the sum for its input, which was written over."""
    ours, theirs = (
        tfedge.convert(residual, "int8", X, observer=observer) for observer in ("minmax", "tflite")
    )
    truth = np.ptp(values(residual, "small")) / 255
    assert scale_of(ours, "small") == pytest.approx(truth, rel=1e-3)
    assert scale_of(theirs, "small") > 2 * truth
    assert "calibration" not in theirs.notes


@pytest.fixture(scope="module")
def one_by_one(keras):
    """The same convolution in a model that runs in batches, and in one whose shapes forbid it."""
    layers = keras.layers
    keras.utils.set_random_seed(0)
    body = [keras.Input((6, 6, 2), name="x"), layers.Conv2D(4, 3, name="conv")]
    wide = keras.Sequential([*body, layers.GlobalAveragePooling2D(), layers.Dense(3)])
    return wide, keras.Sequential([*body, layers.Flatten(), layers.Dense(3)])


def test_ranges_are_the_same_one_by_one_and_many_at_once(one_by_one):
    wide, flat = one_by_one
    expected = np.ptp(np.asarray(wide.get_layer("conv")(X[:77]))) / 255
    for model, batch in ((wide, 1), (flat, 1), (wide, 7), (wide, None)):
        lite = tfedge.convert(model, "int8", X[:77], batch_size=batch)
        assert scale_of(lite, "conv") == pytest.approx(expected, rel=1e-3)
        assert lite.notes["calibration"].samples == 77


def test_moving_averages_run_over_parts_however_many_samples_run_at_once(one_by_one):
    order = np.random.default_rng(0).permutation(len(X))
    parts = np.array_split(np.asarray(one_by_one[0].get_layer("conv")(X))[order], 8)
    low, high = observer_named("moving_average").of(parts)
    for model in one_by_one:
        lite = tfedge.convert(model, "int8", X, observer="moving_average", parity=False)
        assert scale_of(lite, "conv") == pytest.approx((high - low) / 255, rel=1e-3)


@pytest.mark.filterwarnings("ignore:.* too few for")
def test_auto_takes_the_rule_that_is_best_on_samples_held_out(keras):
    layers = keras.layers
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((16,)), layers.Dense(32, activation="relu"), layers.Dense(4)]
    )
    x = np.random.default_rng(0).normal(size=(160, 16)).astype("float32")
    x[3, 5] = 300
    usual = x[np.abs(x).max(1) < 10]
    auto, plain = (
        tfedge.convert(model, "int8", x, observer=observer, parity=False)
        for observer in ("auto", "minmax")
    )
    scores = auto.notes["calibration"].sqnr_db_by_observer
    assert set(OBSERVERS) <= set(scores) <= {*OBSERVERS, "per_tensor"}
    best = observer_named(max(OBSERVERS, key=scores.get))
    assert auto.notes["calibration"].observer == repr(best)
    better, worse = (tfedge.compare(model, lite, usual, latency=False) for lite in (auto, plain))
    assert better.sqnr_db > worse.sqnr_db + 3


@pytest.mark.filterwarnings("ignore:.* too few for")
def test_auto_takes_a_rule_for_each_tensor_where_none_serves_all(keras):
    """Rare peaks are the signal of one input; of the other, nobody needs the values far off."""
    layers = keras.layers
    keras.utils.set_random_seed(0)
    peaks, noise = keras.Input((32,), name="peaks"), keras.Input((32,), name="noise")
    ends = [layers.Dense(4, name="p")(peaks), layers.Dense(4, name="n")(noise)]
    model = keras.Model([peaks, noise], [layers.Add(name="sum")(ends)])
    random = np.random.default_rng(0)
    x = {name: random.normal(size=(160, 32)).astype("float32") for name in ("peaks", "noise")}
    x["peaks"] = x["peaks"] * 0.01 + 10 * (random.random((160, 32)) < 0.003).astype("float32")
    x["noise"][::20, 3] = 200
    for layer in model.layers:
        if layer.name == "n":
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel * (np.arange(32) != 3)[:, None], bias])
    lite = tfedge.convert(model, "int8", x, observer="auto", parity=False)
    note = lite.notes["calibration"]
    scores = note.sqnr_db_by_observer
    uniform = max(scores[name] for name in OBSERVERS)
    assert scores["per_tensor"] > uniform + 3
    assert " for " in note.observer
    found = tfedge.compare(model, lite, x, latency=False).sqnr_db
    for rule in ("minmax", "entropy"):
        plain = tfedge.convert(model, "int8", x, observer=rule, parity=False)
        assert found > tfedge.compare(model, plain, x, latency=False).sqnr_db + 3


def test_settings_of_a_rule_are_kept(residual):
    lite = tfedge.convert(residual, "int8", X, observer=Percentile(95.0), parity=False)
    low, high = np.percentile(values(residual, "total"), [5, 95])
    assert scale_of(lite, "total") == pytest.approx((high - low) / 255, rel=0.02)
    assert lite.notes["calibration"].observer == "Percentile(q=95.0)"


def test_parts_that_the_samples_never_reach_are_named(keras):
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, activation="relu", bias_initializer=lambda *_, **__: [-99.0] * 8,
                         name="asleep"),
            layers.Dense(3, bias_initializer="ones", name="head"),
        ]
    )  # fmt: skip
    x = np.random.default_rng(0).random((40, 5), "float32")
    with pytest.warns(UserWarning, match="never exercise") as caught:
        lite = tfedge.convert(model, "int8", x)
    assert "asleep" in str(caught[0].message)
    assert any("asleep" in name for name in lite.notes["calibration"].idle)
    np.testing.assert_allclose(lite.predict(x), np.ones((40, 3)), atol=0.02)


def test_values_that_explode_are_named(keras):
    layers = keras.layers
    inputs = keras.Input((3,))
    loud = layers.Activation("exponential", name="loud")(inputs)
    model = keras.Model(inputs, layers.Dense(2)(loud), name="bomb")
    x = np.random.default_rng(0).random((20, 3), "float32")
    x[11, 1] = 1000
    with pytest.raises(CalibrationError, match=r"loud.*explodes.* inf"):
        tfedge.convert(model, "int8", x)


def test_a_range_that_one_value_stretches_is_noted(keras):
    layers = keras.layers
    inputs = keras.Input((64,), name="x")
    hidden = layers.Dense(64, name="hidden")(inputs)
    x = np.random.default_rng(0).normal(size=(200, 64)).astype("float32")
    x[0, 0] = 1e5
    model = keras.Model(inputs, layers.Dense(2, name="head")(hidden))
    with pytest.warns(UserWarning, match=r"stretch the range of 'x'.*observer='auto'"):
        lite = tfedge.convert(model, "int8", x, parity=x[1:])
    assert "x" in lite.notes["calibration"].stretched
    assert tfedge.convert(model, "int8", x[1:]).notes["calibration"].stretched == ()


def test_spread_is_what_disjoint_sets_say():
    generator = np.random.default_rng(0)
    values = generator.uniform(size=(8, 1000, 20))
    spread = spread_by_samples(values.min(1), values.max(1), [1000] * 8)
    whole = np.ptp(values, axis=(0, 1))
    for joined in (1, 2, 4):
        sets = values.reshape(8 // joined, -1, 20)
        below, above = sets.min(1) - values.min((0, 1)), values.max((0, 1)) - sets.max(1)
        assert spread[1000 * joined] == pytest.approx((np.maximum(below, above) / whole).mean())
    assert enough(spread) == 1000
    assert enough({4: 0.5, 8: 0.3}) is None


def test_enough_samples_are_told_from_too_few(residual):
    loudness = np.random.default_rng(2).exponential(size=(400, 1, 1, 1))
    x = loudness * np.random.default_rng(3).uniform(-1, 1, (400, 6, 6, 2))
    with pytest.warns(UserWarning, match=r"8 calibration samples are too few for 'residual'"):
        few = tfedge.convert(residual, "int8", x[:8]).notes["calibration"]
    many = tfedge.convert(residual, "int8", x, calibration_samples=400).notes["calibration"]
    assert list(few.spread) == ["1", "2", "4"] and list(many.spread) == ["50", "100", "200"]
    assert few.enough_samples is None
    assert many.spread["200"] < min(0.1, few.spread["4"])
    assert many.enough_samples in (100, 200)


class InMain(Observer):
    """A rule that the worker cannot import."""


BAD = {
    "name": ({"observer": "median"}, ArgumentError, "median"),
    "type": ({"observer": 3}, ArgumentError, "no observer"),
    "main": ({"observer": InMain()}, ArgumentError, "module of its own"),
    "batch": ({"batch_size": 90}, CalibrationError, "do not fill one batch"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_settings_are_refused(case, residual, monkeypatch):
    monkeypatch.setattr(InMain, "__module__", "__main__")
    settings, error, message = BAD[case]
    with pytest.raises(error, match=message):
        tfedge.convert(residual, "int8", X, **settings)
