"""Files in which single layers are in float: what is kept, what holds, what is refused."""

import pytest

import tfedge
from tfedge import MixedPrecision
from tfedge.errors import ArgumentError, ConversionError, ModelError


@pytest.fixture(scope="module")
def parts(digits):
    """Samples for calibration, and others, with labels, to measure on."""
    x, y = digits
    return x[:100], (x[1400:], y[1400:])


def kept(lite):
    """Return what the notes say of layers."""
    return lite.notes["mixed_precision"]


def test_the_bad_layer_is_found_and_the_drop_is_held(outliers, parts):
    calibration, test = parts
    lite = tfedge.convert(outliers, MixedPrecision(max_drop=0.005), calibration, parity=test)
    note = kept(lite)
    assert note.float_layers == ("pointwise", "wide")
    assert note.drop <= 0.005 and note.int8_drop > 0.1 and note.metric == "accuracy"
    accuracies = [tfedge.evaluate(model, *test, verbose=0).accuracy for model in (outliers, lite)]
    assert accuracies[0] - accuracies[1] <= 0.005
    assert {item.name for item in lite.float_operators} == {"CONV_2D"}
    assert len(lite.float_operators) == 2 and lite.inputs[0].dtype == "int8"
    assert note.size_bytes == lite.size_bytes and note.gzip_bytes == lite.gzip_bytes


def test_without_labels_predictions_of_the_float_model_count(outliers, parts):
    lite = tfedge.convert(outliers, MixedPrecision(max_drop=0.02), parts[0])
    assert kept(lite).metric == "agreement" and kept(lite).float_layers == ("pointwise", "wide")
    record = tfedge.compare(outliers, lite, parts[0], latency=False)
    assert 1 - record.agreement == pytest.approx(kept(lite).drop, abs=0.011)


def test_nothing_is_kept_where_nothing_is_lost(cnn, parts):
    plain = tfedge.convert(cnn, "int8", parts[0])
    lite = tfedge.convert(cnn, MixedPrecision(max_drop=0.05, min_sqnr_db=15), parts[0])
    assert lite == plain and kept(lite).float_layers == () and kept(lite).files == 1


def test_fewest_layers_are_kept(cnn, parts):
    """No kept layer can go back: the file without it misses the limit."""
    limit = tfedge.convert(cnn, "int8", parts[0]).notes["parity"].sqnr_db + 3
    borders = {"input_type": "float32", "output_type": "float32"}
    goal = MixedPrecision(min_sqnr_db=limit)
    note = kept(tfedge.convert(cnn, goal, parts[0], **borders))
    assert note.float_layers and note.sqnr_db >= limit
    for layer in note.float_layers:
        others = [other for other in note.float_layers if other != layer]
        fewer = MixedPrecision(float_layers=others) if others else MixedPrecision(max_drop=0.99)
        assert kept(tfedge.convert(cnn, fewer, parts[0], **borders)).sqnr_db < limit


def test_weights_become_few_under_a_size_after_gzip(cnn, parts):
    calibration, test = parts
    plain = tfedge.convert(cnn, "int8", calibration)
    limit = int(0.8 * plain.gzip_bytes)
    goal = MixedPrecision(gzip_bytes=limit, max_drop=0.03)
    lite = tfedge.convert(cnn, goal, calibration, parity=test)
    assert lite.gzip_bytes <= limit and kept(lite).int4_layers == ("classes",)
    assert kept(lite).drop <= 0.03 and not lite.float_operators
    report = tfedge.unique_weights(lite)
    most = {row.name: row.unique_per_channel for row in report.kernels}
    assert min(most.values()) <= 15 and len(lite.operators) == len(plain.operators)


def test_layers_are_named(outliers, parts):
    said = {"depthwise": "float32", "classes|head": "int4_weights", "first": "int8"}
    note = kept(tfedge.convert(outliers, MixedPrecision(layers=said), parts[0], parity=False))
    assert note.float_layers == ("depthwise",) and note.int4_layers == ("head",)


def test_what_is_named_int8_is_never_touched(outliers, parts):
    goal = MixedPrecision(max_drop=0.005, layers={"wide": "int8"})
    with pytest.raises(ConversionError, match=r"max_drop=0\.005 cannot be held.*'wide' must stay"):
        tfedge.convert(outliers, goal, parts[0])


def test_the_limit_that_binds_is_named(outliers, cnn, parts):
    with pytest.raises(ConversionError, match="gzip_bytes=500 binds"):
        tfedge.convert(cnn, MixedPrecision(gzip_bytes=500), parts[0])
    with pytest.raises(ConversionError, match=r"size_bytes=5,000 binds.*gzip_bytes instead"):
        tfedge.convert(cnn, MixedPrecision(size_bytes=5000), parts[0])
    heavy = tfedge.convert(outliers, "int8", parts[0], parity=False).size_bytes + 100
    both = MixedPrecision(max_drop=0.005, size_bytes=heavy)
    with pytest.raises(ConversionError, match=r"2 layers are in float to keep max_drop=0\.005"):
        tfedge.convert(outliers, both, parts[0])
    plain = tfedge.convert(cnn, "int8", parts[0])
    tight = MixedPrecision(gzip_bytes=int(0.75 * plain.gzip_bytes), min_sqnr_db=36)
    with pytest.raises(ConversionError, match="cannot both be held"):
        tfedge.convert(cnn, tight, parts[0])


def test_contradictions_and_unknown_names(cnn, parts):
    for settings, message in {
        MixedPrecision(float_layers=("classes",), layers={"cl.*": "int8"}): "contradicts itself",
        MixedPrecision(float_layers="clases"): "Nearest names: 'classes'",
        MixedPrecision(layers={"flat": "int4_weights"}): "without a kernel",
    }.items():
        with pytest.raises(ArgumentError, match=message):
            tfedge.convert(cnn, settings, parts[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "asks for nothing"),
        ({"max_drop": 1.5}, "max_drop=1.5"),
        ({"gzip_bytes": 0}, "gzip_bytes=0"),
        ({"layers": {"a": "int7"}}, "'int7'"),
        ({"layers": ["a"]}, "must map"),
        ({"max_drop": 0.1, "samples": 0}, "samples=0"),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ArgumentError, match=message):
        MixedPrecision(**settings)


def test_settings_travel():
    settings = MixedPrecision(max_drop=0.1, float_layers="head", layers={"a": "int8"})
    assert MixedPrecision.from_config(settings.get_config()) == settings
    assert settings.float_layers == ("head",)


def test_what_does_not_go_together_is_refused(outliers, parts):
    mixed = MixedPrecision(max_drop=0.005)
    with pytest.raises(ArgumentError, match="sparse='auto' goes with"):
        tfedge.convert(outliers, mixed, parts[0], sparse="auto")
    with pytest.raises(ArgumentError, match="observer='tflite'"):
        tfedge.convert(outliers, mixed, parts[0], observer="tflite")
    qat = tfedge.quantize(outliers, calibration=parts[0])
    with pytest.raises(ModelError, match="was trained with fake quantization"):
        tfedge.convert(qat, mixed, parts[0])


def test_operators_by_table_stay_in_integers(keras, parts):
    """ELU has an int8 kernel that the converter does not write; mixed files use it too."""
    layers = keras.layers
    steps = [layers.Conv2D(4, 3, name="conv"), layers.ELU(name="elu"), layers.Flatten(name="flat")]
    model = keras.Sequential([keras.Input((8, 8, 1)), *steps, layers.Dense(2, name="head")])
    lite = tfedge.convert(model, MixedPrecision(float_layers="head"), parts[0])
    assert [item.name for item in lite.float_operators] == ["FULLY_CONNECTED"]


def test_mixed_files_run_on_every_runtime(outliers, parts):
    installed = [name for name in tfedge.available_runtimes() if name != "tf.lite"]
    mixed = MixedPrecision(float_layers=("pointwise", "wide"))
    lite = tfedge.convert(outliers, mixed, parts[0], runtimes=installed)
    assert min(record.sqnr_db for record in lite.notes["runtimes"]) > 20
