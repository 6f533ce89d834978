"""Which layers suffer from integers: against the file itself, and a second way to round."""

import numpy as np
import pytest

import tfedge
from tfedge.convert.mixed.grid import on_grid
from tfedge.errors import ArgumentError, CalibrationError, DataError, ModelError
from tfedge.evaluate.difference import sqnr_db
from tfedge.report import markdown_table


@pytest.fixture(scope="module")
def found(outliers, digits):
    """Sensitivities of the classifier."""
    x, y = digits
    return tfedge.sensitivity(outliers, x[:100], data=(x[1400:], y[1400:]), verbose=0)


def by_layer(found):
    """Return records by layer."""
    return {row.layer: row for row in found.layers}


def test_the_layers_around_outliers_stand_out(found):
    worst = {row.layer for row in found.ranked()[:2]}
    assert worst == {"pointwise", "wide"}
    rows = by_layer(found)
    assert max(rows["pointwise"].sqnr_db, rows["wide"].sqnr_db) < 10
    assert min(rows[name].sqnr_db for name in ("first", "depthwise", "head")) > 25
    assert found.metric == "accuracy" and found.drop > 0.1 and found.value > 0.8


def test_all_layers_are_there_in_order(found):
    assert list(by_layer(found)) == ["first", "depthwise", "pointwise", "wide", "flat", "head"]
    assert [row.weights for row in found.layers] == [72, 72, 64, 576, 0, 5120]
    assert by_layer(found)["head"].operators == ("FULLY_CONNECTED", "SOFTMAX")


def test_the_whole_is_the_int8_file(outliers, digits, found):
    x, _ = digits
    lite = tfedge.convert(outliers, "int8", x[:100], parity=False)
    np.testing.assert_allclose(
        found.sqnr_db,
        sqnr_db(*(np.asarray(f(x[1400:])) for f in (outliers.predict_on_batch, lite.predict))),
        atol=0.5,
    )


def test_activations_are_compared_layer_by_layer(found):
    rows = by_layer(found)
    assert rows["depthwise"].activation_sqnr_db > 25
    assert rows["wide"].activation_sqnr_db < 15
    assert rows["head"].activation_sqnr_db == pytest.approx(found.sqnr_db, abs=3)


def test_weights_of_four_bits_are_those_of_the_grid(keras, digits):
    layers = keras.layers
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(6, 3, name="conv"), layers.Flatten(name="flat")]
    )
    x = digits[0][:60]
    found = tfedge.sensitivity(
        model, x, quantize="int4_weights", samples=60, verbose=0, metric=None
    )
    kernel, bias = model.get_weights()
    truth = model.predict_on_batch(x)
    model.set_weights([on_grid(kernel, 3), bias])
    assert found.layers[0].sqnr_db == pytest.approx(
        sqnr_db(np.asarray(truth), np.asarray(model.predict_on_batch(x))), abs=0.01
    )
    assert [row.layer for row in found.layers] == ["conv"]


def test_layers_of_nested_models_and_several_inputs(keras):
    layers = keras.layers
    inner = keras.Sequential(
        [keras.Input((5,)), layers.Dense(5, "relu", name="deep"), layers.Dense(5, name="deeper")],
        name="inner",
    )
    left, right = keras.Input((4,), name="left"), keras.Input((3,), name="right")
    both = layers.Add(name="total")(
        [layers.Dense(5, name="a")(left), layers.Dense(5, name="b")(right)]
    )
    model = keras.Model({"left": left, "right": right}, [inner(both), both])
    random = np.random.default_rng(0)
    x = {"left": random.random((40, 4), "float32"), "right": random.random((40, 3), "float32")}
    found = tfedge.sensitivity(model, x, verbose=0)
    assert set(by_layer(found)) == {"a", "b", "total", "inner/deep", "inner/deeper"}
    lite = tfedge.convert(model, tfedge.MixedPrecision(float_layers=["inner"]), x, parity=iter([x]))
    assert lite.notes["mixed_precision"].float_layers == ("inner/deep", "inner/deeper")


def test_labels_samples_and_seed(outliers, digits):
    x, y = digits
    alone = tfedge.sensitivity(outliers, x[:50], samples=30, verbose=0)
    assert alone.metric == "agreement" and alone.value == 1 and alone.samples == 30
    seeded = [
        tfedge.sensitivity(outliers, x[:50], data=(x, y), samples=20, verbose=0, seed=seed)
        for seed in (0, 0, 1)
    ]
    assert seeded[0] == seeded[1] != seeded[2]


def test_a_generator_is_read_once(outliers, digits):
    items = ((x[None], y[None]) for x, y in zip(*digits, strict=True))
    found = tfedge.sensitivity(
        outliers, items, calibration_samples=40, samples=60, verbose=0, metric="top_5"
    )
    assert found.samples == 60 and found.metric == "top_5"


def test_table_and_plot(found):
    pytest.importorskip("matplotlib")
    rows = found.table()
    assert [row["layer"] for row in rows[:2]] == [row.layer for row in found.ranked()[:2]]
    assert "| wide" in markdown_table(rows)
    axes = found.plot()
    assert [text.get_text() for text in axes.get_yticklabels()] == list(by_layer(found))
    assert len(repr(found).splitlines()) == 2 + len(rows) + 1


def test_pandas_takes_the_table(found):
    pandas = pytest.importorskip("pandas")
    assert pandas.DataFrame(found.table())["weights"].sum() == 5904


def test_bad_input(outliers, digits):
    x, y = digits
    with pytest.raises(ArgumentError, match="quantize='int16x8' is not known"):
        tfedge.sensitivity(outliers, x, quantize="int16x8")
    with pytest.raises(DataError, match="needs labels"):
        tfedge.sensitivity(outliers, x[:9], metric="accuracy", verbose=0)
    with pytest.raises(DataError, match="one number"):
        tfedge.sensitivity(outliers, (x[:9], y[:9]), metric="confusion_matrix", verbose=0)
    with pytest.raises(CalibrationError, match="none was given"):
        tfedge.sensitivity(outliers, None)
    with pytest.raises(ArgumentError, match="'tflite' calibrates and rounds in one go"):
        tfedge.sensitivity(outliers, x, observer="tflite")
    with pytest.raises(ModelError, match="was trained with fake quantization"):
        tfedge.sensitivity(tfedge.quantize(outliers, calibration=x[:20]), x)
