"""The public function: targets met, same kind of model, data used, nonsense refused."""

import numpy as np
import pytest

import tfedge
from tfedge.compress.pruning.channels.graph import read_channels
from tfedge.compress.pruning.channels.importance.score import ChannelImportance, channel_scores
from tfedge.compress.pruning.channels.prune import prune_channels
from tfedge.compress.pruning.channels.report import channel_report
from tfedge.compress.pruning.channels.steps import channel_steps
from tfedge.compress.pruning.channels.surgery import masked
from tfedge.core.errors import ArgumentError, DataError, ModelError
from tfedge.models.flavours import flavour_of, keras3, tf_keras
from tfedge.models.statistics import model_statistics

KERASES = pytest.mark.parametrize("keras", [keras3(), tf_keras()], ids=["keras3", "tf_keras"])
LOSS = "sparse_categorical_crossentropy"


def residual(keras, width=24):
    """A small residual network with a depthwise branch, normalization, and a flattened head."""
    keras.utils.set_random_seed(5)
    layers = keras.layers
    inputs = keras.Input((12, 12, 3), name="image")
    x = layers.Conv2D(width, 3, padding="same", use_bias=False, name="stem")(inputs)
    x = layers.ReLU(name="stem_relu")(layers.BatchNormalization(name="stem_bn")(x))
    y = layers.Conv2D(2 * width, 1, name="expand")(x)
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(y)
    y = layers.Conv2D(width, 1, name="project")(y)
    x = layers.Add(name="add")([x, y])
    x = layers.Conv2D(2 * width, 3, strides=2, activation="relu", name="down")(x)
    x = layers.Flatten(name="flatten")(layers.MaxPooling2D(name="pool")(x))
    outputs = layers.Dense(10, activation="softmax", name="head")(x)
    return keras.Model(inputs, outputs, name="residual")


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    return generator.random((96, 12, 12, 3), "float32"), generator.integers(0, 10, 96)


@pytest.fixture(scope="module")
def network():
    """Shared: pruning must never change it."""
    return residual(keras3())


@pytest.fixture(scope="module")
def whole(network):
    return model_statistics(network)


@pytest.mark.parametrize("scope", ["local", "global", "isomorphic"])
def test_targets_are_reached_within_two_percent(network, whole, scope):
    for left in (0.8, 0.5, 0.2):
        macs = model_statistics(prune_channels(network, macs=left, scope=scope)).macs
        assert 0.98 * left * whole.macs <= macs <= left * whole.macs
        slim = prune_channels(network, parameters=left, scope=scope)
        parameters = model_statistics(slim).parameters
        assert 0.98 * left * whole.parameters <= parameters <= left * whole.parameters
    slim = prune_channels(network, size_bytes=30_000, scope=scope)
    assert 29_400 <= 4 * model_statistics(slim).parameters <= 30_000
    slim = prune_channels(network, macs=200_000, scope=scope)
    assert 196_000 <= model_statistics(slim).macs <= 200_000


@pytest.mark.parametrize("scope", ["local", "global", "isomorphic"])
def test_a_ratio_is_a_ratio_of_channels(network, scope):
    before = sum(group.size for group in read_channels(network).removable)
    for ratio in (0.1, 0.5, 0.75):
        slim = prune_channels(network, ratio, scope=scope)
        after = sum(group.size for group in read_channels(slim).removable)
        assert after == pytest.approx((1 - ratio) * before, abs=1)


def test_local_loses_the_same_everywhere(network):
    slim = prune_channels(network, ratio=0.5, scope="local")
    widths = {group.name: group.size for group in read_channels(slim).removable}
    assert widths == {"stem": 12, "expand": 24, "down": 24}


@KERASES
def test_what_comes_back_is_an_ordinary_model(keras, tmp_path, data):
    model = residual(keras)
    before = [weight.copy() for weight in model.get_weights()]
    slim = prune_channels(model, macs=0.4)
    assert flavour_of(slim) == flavour_of(model)
    assert type(slim) is type(model)
    assert slim.output_shape == model.output_shape
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    slim.save(tmp_path / "slim.keras")
    loaded = keras.models.load_model(tmp_path / "slim.keras")
    expected = slim.predict(data[0], verbose=0)
    np.testing.assert_allclose(loaded.predict(data[0], verbose=0), expected, atol=1e-6)
    slim.compile("adam", LOSS)
    slim.fit(*data, verbose=0)


def test_the_channels_that_matter_least_go(network):
    groups = read_channels(network).removable
    scores = channel_scores(network, groups, "l1")
    slim = prune_channels(network, ratio={"down": 0.25}, importance="l1")
    weakest = np.argsort(scores["down"])[:12]
    kept = np.delete(np.arange(48), weakest)
    kernel = network.get_layer("down").kernel.numpy()
    np.testing.assert_array_equal(slim.get_layer("down").kernel.numpy(), kernel[..., kept])
    x = np.random.default_rng(1).random((4, 12, 12, 3))
    zeroed = masked(network, {"down": weakest})
    np.testing.assert_allclose(slim.predict(x, verbose=0), zeroed.predict(x, verbose=0), atol=1e-6)


def test_ratios_by_layer(network):
    conv = keras3().layers.Conv2D
    slim = prune_channels(network, {conv: 0.5, "expand": 0.25, "do.*": 0.75}, scope="local")
    widths = {group.name: group.size for group in read_channels(slim).removable}
    assert widths == {"stem": 12, "expand": 36, "down": 12}
    slim = prune_channels(network, {"depthwise": 0.5}, round_to=8)
    widths = {group.name: group.size for group in read_channels(slim).removable}
    assert widths == {"stem": 24, "expand": 24, "down": 48}


def test_exclusions_hold_for_what_is_tied(network):
    slim = prune_channels(network, ratio=0.5, exclude=["project", keras3().layers.DepthwiseConv2D])
    widths = {group.name: group.size for group in read_channels(slim).removable}
    assert widths["stem"] == 24
    assert widths["expand"] == 48
    assert widths["down"] < 48


def test_widths_are_multiples_and_have_a_minimum(network):
    for scope in ("local", "global", "isomorphic"):
        slim = prune_channels(network, macs=0.5, scope=scope, round_to=8, minimum=0.3)
        for before, after in zip(
            read_channels(network).removable, read_channels(slim).removable, strict=True
        ):
            assert after.size % 8 == 0
            assert after.size >= 0.3 * before.size


@pytest.mark.parametrize("kind", ["l1", "fpgm", "lamp", "random", "taylor", "fisher", "activation"])
@KERASES
def test_every_importance(keras, kind, data):
    importance = ChannelImportance(kind, samples=32)
    slim = prune_channels(
        residual(keras), macs=0.5, importance=importance, data=data, loss=LOSS, recalibrate=False
    )
    assert model_statistics(slim).macs <= 0.5 * model_statistics(residual(keras)).macs


def test_groups_that_are_not_measured_stay(network):
    slim = prune_channels(network, ratio=0.5, importance="bn_scale")
    widths = {group.name: group.size for group in read_channels(slim).removable}
    assert widths == {"stem": 12, "expand": 48, "down": 48}


@KERASES
def test_statistics_are_estimated_again_where_data_are(keras, data):
    model = residual(keras)
    plain = prune_channels(model, ratio=0.5, data=data, recalibrate=False)
    again = prune_channels(model, ratio=0.5, data=data)
    unseen = prune_channels(model, ratio=0.5)
    before, after, none = (
        np.array(one.get_layer("stem_bn").moving_mean.numpy()) for one in (plain, again, unseen)
    )
    np.testing.assert_array_equal(before, none)
    stem = keras.Model(again.inputs, again.get_layer("stem").output)
    expected = stem.predict(data[0][:64], verbose=0).mean(axis=(0, 1, 2))
    np.testing.assert_allclose(after, expected, atol=1e-4)


def test_measured_targets(network, whole):
    asked = []

    def measure(model):
        asked.append(model_statistics(model).macs / 1e4 + 20)
        return asked[-1]

    target = 0.5 * whole.macs / 1e4 + 20
    slim = prune_channels(network, latency_ms=target, measure=measure)
    assert 0.98 * target <= model_statistics(slim).macs / 1e4 + 20 <= target
    assert len(asked) < 12
    slim = prune_channels(network, size_bytes=1e9, measure=measure)
    assert model_statistics(slim).macs == whole.macs
    with pytest.raises(ArgumentError, match=r"latency_ms=20 .* the least possible is 20\.\d"):
        prune_channels(network, latency_ms=20, measure=measure)
    with pytest.raises(ArgumentError, match="measure= returned 0"):
        prune_channels(network, latency_ms=20, measure=lambda model: 0)


@pytest.mark.slow
def test_measured_on_the_file(network, data):
    size = tfedge.FileSize("int8", calibration=data[0])
    target = 0.5 * size(network)
    slim = prune_channels(network, size_bytes=target, measure=size)
    assert 0.95 * target <= size(slim) <= target


def test_what_the_least_possible_is(network):
    with pytest.raises(ArgumentError) as caught:
        prune_channels(network, macs=0.02, minimum=0.25, exclude="down")
    message = str(caught.value)
    assert "macs=0.02 asks for" in message
    assert "the least possible is" in message
    assert "down:" in message and "excluded" in message
    assert "at its least width, 6 of 24" in message


def test_models_without_channels_to_spare():
    keras = keras3()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="only")], name="tiny")
    with pytest.raises(ModelError, match=r"'tiny' has no channels that can go.*\n  only: "):
        prune_channels(model, ratio=0.5)
    with pytest.raises(ModelError, match="ratio names 'head', whose channels cannot go"):
        prune_channels(residual(keras), ratio={"head": 0.5})


def test_wrapped_models_are_refused(network, data):
    for model, state in (
        (tfedge.prune(network), "pruned"),
        (tfedge.quantize(network, calibration=data[0]), "quantized"),
    ):
        with pytest.raises(ModelError, match=f"is {state}: its kernels are behind wrappers"):
            prune_channels(model, ratio=0.5)


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"ratio": 1.0}, ArgumentError, "cannot lose all its channels"),
        ({"ratio": {"down": 1.2}}, ArgumentError, r"ratio\['down'\]=1.2"),
        ({"ratio": {}}, ArgumentError, "names no layer"),
        ({"ratio": {"dwon": 0.5}}, ArgumentError, "'dwon' matches no layer .* 'down'"),
        ({"ratio": 0.5, "exclude": "nothing"}, ArgumentError, "exclude='nothing' matches no layer"),
        ({"ratio": 0.5, "scope": "layer"}, ArgumentError, "scope='layer'"),
        ({"ratio": 0.5, "importance": "l3"}, ArgumentError, "importance='l3'"),
        ({"ratio": 0.5, "importance": "taylor"}, ArgumentError, "measured on data"),
        ({"ratio": 0.5, "round_to": 0}, ArgumentError, "round_to=0"),
        ({}, ArgumentError, "One target is needed"),
    ],
)
def test_nonsense_is_refused(network, settings, error, says):
    with pytest.raises(error, match=says):
        prune_channels(network, **settings)


def test_bad_data_and_no_model(network, data):
    with pytest.raises(ArgumentError, match="'residual' is not compiled"):
        prune_channels(network, ratio=0.5, importance="taylor", data=data)
    with pytest.raises(DataError, match="bring no labels"):
        prune_channels(network, ratio=0.5, importance="taylor", data=data[0], loss=LOSS)
    with pytest.raises(ModelError, match="A Keras model was asked for"):
        prune_channels(np.zeros(3), ratio=0.5)


@KERASES
def test_steps_go_on_from_what_was_trained(keras, data):
    model = residual(keras)
    whole = model_statistics(model).macs
    left, widths = [], []
    for slim in channel_steps(
        model, macs=0.4, steps=3, importance="taylor", data=data, loss=LOSS, minimum=0.25
    ):
        slim.compile("adam", LOSS)
        slim.fit(*data, verbose=0)
        left.append(model_statistics(slim).macs / whole)
        widths.append({group.name: group.size for group in read_channels(slim).removable})
        narrow = widths[-1]
    assert 1 > left[0] > left[1] > left[2] and 0.98 * 0.4 <= left[2] <= 0.4
    for name, whole_width in (("stem", 24), ("expand", 48), ("down", 48)):
        equal = np.linspace(whole_width, narrow[name], 4)[1:]
        assert np.abs(equal - [one[name] for one in widths]).max() <= 0.5
    assert min(narrow["stem"] / 24, narrow["expand"] / 48, narrow["down"] / 48) >= 0.25


def test_steps_by_ratio_end_where_one_shot_does(network):
    expected = {"stem": 12, "expand": 24, "down": 24}
    for target in (0.5, {".*": 0.5}):
        *_, last = channel_steps(network, target, steps=4, scope="local")
        assert {g.name: g.size for g in read_channels(last).removable} == expected


def test_more_steps_than_channels_repeat_a_width(network):
    found = [
        slim.get_layer("stem").filters for slim in channel_steps(network, {"stem": 0.1}, steps=5)
    ]
    assert found == [24, 23, 23, 22, 22]


def test_steps_are_checked_at_once(network):
    with pytest.raises(ArgumentError, match="steps=0"):
        channel_steps(network, 0.5, steps=0)
    with pytest.raises(ArgumentError, match="ratio=2"):
        channel_steps(network, 2, steps=2)
    with pytest.raises(ModelError):
        channel_steps(None, 0.5, steps=2)


def test_report(network):
    slim = prune_channels(network, ratio=0.5, scope="local")
    report = channel_report(network, slim)
    before, after = model_statistics(network), model_statistics(slim)
    assert (report.macs_before, report.macs_after) == (before.macs, after.macs)
    assert (report.parameters_before, report.parameters_after) == (
        before.parameters,
        after.parameters,
    )
    rows = {layer.name: layer for layer in report.layers}
    assert (rows["expand"].channels_before, rows["expand"].channels_after) == (48, 24)
    assert rows["head"].fixed and rows["head"].channels_after == 10
    assert rows["stem"].fixed is None
    largest = 12 * 12 * (24 + 48 + 48)
    assert report.activation_bytes_before == 4 * largest
    assert report.activation_bytes_after == 4 * largest // 2
    text = repr(report)
    assert "48 → 24 (50%)" in text and "fixed: " in text
    with pytest.raises(ModelError, match="have not the same layers"):
        channel_report(network, keras3().Sequential([keras3().Input((4,)), keras3().layers.ReLU()]))


def test_report_is_drawn(network):
    matplotlib = pytest.importorskip("matplotlib")
    report = channel_report(network, prune_channels(network, ratio=0.5))
    axes = report.plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        layer.name for layer in report.layers
    ]
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == [layer.channels_before for layer in report.layers] + [
        layer.channels_after for layer in report.layers
    ]
    assert matplotlib


def test_attention_counts_are_corrected():
    keras = keras3()
    inputs = keras.Input((48, 16))
    x = keras.layers.Dense(64, name="width")(inputs)
    y = keras.layers.MultiHeadAttention(4, 12, name="attention")(x, x)
    x = keras.layers.Add()([x, y])
    x = keras.layers.GlobalAveragePooling1D()(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
    whole = model_statistics(model).macs
    for scope in ("local", "global"):
        macs = model_statistics(prune_channels(model, macs=0.6, scope=scope)).macs
        assert 0.98 * 0.6 * whole <= macs <= 0.6 * whole


def test_a_generator_serves_every_stage_with_the_same_samples(network, data):
    x, y = data
    parts = ((x[start : start + 32], y[start : start + 32]) for start in range(0, 96, 32))
    settings = {"importance": "taylor", "loss": LOSS, "reconstruct": True}
    whole = prune_channels(network, 0.5, data=(x, y), **settings)
    drawn = prune_channels(network, 0.5, data=parts, **settings)
    for one, other in zip(whole.get_weights(), drawn.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_a_report_of_a_model_with_an_open_dimension_leaves_out_what_depends_on_it():
    layers = keras3().layers
    inputs = layers.Input((None, 4))
    x = layers.Conv1D(8, 3, padding="same", name="conv")(inputs)
    model = keras3().Model(inputs, layers.Conv1D(2, 1, name="out")(x), name="series")
    report = channel_report(model, prune_channels(model, ratio=0.5))
    conv, out = report.layers
    assert (conv.channels_before, conv.channels_after) == (8, 4)
    assert (conv.parameters_before, conv.parameters_after) == (8 * 13, 4 * 13)
    assert (out.parameters_after, out.macs_after) == (2 * 5, None)
    assert (report.macs_before, report.activation_bytes_before) == (None, None)
    assert "open" in repr(report)
