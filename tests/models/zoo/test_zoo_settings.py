"""Widths, strides, shapes and what is refused; the blocks that are easily built wrong."""

import numpy as np
import pytest
from zoo_cases import shape_of, some

import tfedge
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.widths import adapted_strides, rounded


@pytest.mark.parametrize("round_to", [1, 4, 8, 16])
def test_rounding_is_that_of_keras_applications(round_to):
    from tf_keras.src.applications.mobilenet_v2 import _make_divisible

    for channels in np.linspace(1, 400, 173):
        assert rounded(channels, round_to) == _make_divisible(channels, round_to)


def test_strides_leave_three_by_three():
    five = [2, 2, 2, 2, 2]
    for side in range(1, 400):
        strides = adapted_strides((side, side + 7), five)
        last = side
        for stride in strides:
            last = -(-last // stride)
        assert last >= min(side, 3)
        assert strides == sorted(strides)  # those of 1 come first
        if 1 in strides:
            assert -(-last // 2) < 3  # no stride too few
    assert adapted_strides((12, 500), [1, 2, 1, 2]) == [1, 2, 1, 2]
    assert adapted_strides((11, 500), [3, 1, 2, 2]) == [1, 1, 2, 2]


@pytest.mark.parametrize("name", some("AnomalyAutoencoder DSCNN MobileNetV1 SqueezeNet TCN"))
def test_widths_and_settings(name):
    shape = shape_of(name, "small")
    thin = tfedge.zoo.build(name, input_shape=shape, width=0.25)
    wide = tfedge.zoo.build(name, input_shape=shape, width=0.75)
    assert thin.name == wide.name == name
    assert thin.count_params() < 0.75 * wide.count_params()
    assert type(thin).__module__.startswith("tf_keras.")
    if name == "AnomalyAutoencoder":
        return
    logits = tfedge.zoo.build(
        name, input_shape=shape, width=0.25, classes=7, classifier_activation=None
    )
    assert logits.output_shape == (None, 7)
    ends = {layer.activation.__name__ for layer in (thin.layers[-1], logits.layers[-1])}
    assert ends == {"softmax", "linear"}
    drops = [one.rate for one in _dropouts(name, shape, dropout=0.3)]
    assert drops[-1:] == [0.3]
    assert len(_dropouts(name, shape, dropout=0.0)) == len(drops) - 1


def _dropouts(name, shape, **settings):
    """Return the dropout layers of a network."""
    model = tfedge.zoo.build(name, input_shape=shape, width=0.25, **settings)
    return [one for one in model.layers if type(one).__name__ == "Dropout"]


@pytest.mark.parametrize("name", some("AnomalyAutoencoder DSCNN SmallGRU VisionTransformer"))
def test_seeds_make_the_same_weights_again(name):
    found = []
    for _ in range(2):
        tf_keras().utils.set_random_seed(7)
        model = tfedge.zoo.build(name, input_shape=shape_of(name, "small"), width=0.25)
        found.append(model.get_weights())
    assert all((a == b).all() for a, b in zip(*found, strict=True))


@pytest.mark.parametrize(
    ("name", "side"), [("MobileNetV2", 3), ("ShuffleNetV2", 5), ("GhostNet", 3), ("ResNet8", 3)]
)
def test_the_least_images(name, side):
    model = tfedge.zoo.build(name, input_shape=(side, side, 2), width=0.5)
    assert np.isfinite(model.predict(np.ones((1, side, side, 2), "float32"), verbose=0)).all()


def test_oblong_images():
    model = tfedge.zoo.MobileNetV2((40, 100, 1), width=0.35)
    assert model.get_layer("last").output_shape[1:3] == (3, 7)


WRONG = [
    ({"input_shape": (2, 28, 1)}, "height a whole number of at least 3, found 2"),
    ({"input_shape": (28, 28)}, r"must be \(height, width, channels\)"),
    ({"input_shape": (None, 28, 1)}, "found None"),
    ({"input_shape": (28, 28, 0)}, "channels a whole number of at least 1"),
    ({"input_shape": 28}, "3 sizes"),
    ({"width": 0}, "width=0 must be a number above 0"),
    ({"width": "wide"}, "width='wide'"),
    ({"classes": 0}, "classes=0"),
    ({"round_to": 0}, "round_to=0"),
    ({"dropout": 1.0}, r"dropout=1.0 must be a number in \[0, 1\)"),
    ({"alpha": 0.5}, "no setting 'alpha'. It has 'input_shape', 'classes', 'width'"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_nonsense_is_refused(settings, message):
    with pytest.raises(ArgumentError, match=message):
        tfedge.zoo.build("MobileNetV2", **settings)


def test_nonsense_of_single_networks():
    with pytest.raises(ArgumentError, match="patch=40 is larger than the image, 28×28"):
        tfedge.zoo.VisionTransformer((28, 28, 1), patch=40)
    with pytest.raises(ArgumentError, match="levels=0"):
        tfedge.zoo.TCN(levels=0)
    with pytest.raises(ArgumentError, match=r"must be \(steps, channels\)"):
        tfedge.zoo.SmallGRU((28, 28, 1))
    with pytest.raises(ArgumentError, match=r"must be \(features,\)"):
        tfedge.zoo.AnomalyAutoencoder((28, 28))


def test_a_shuffle_takes_channels_in_turns():
    model = tfedge.zoo.ShuffleNetV2((12, 12, 3), width=0.5)
    keras = tf_keras()
    names = ("stage2_unit1_shuffled", "stage2_unit2_right_out_relu", "stage2_unit2_shuffled")
    inner = keras.Model(model.inputs, [model.get_layer(name).output for name in names])
    x = np.random.default_rng(0).normal(size=(2, 12, 12, 3)).astype("float32")
    before, right, after = inner.predict(x, verbose=0)
    assert before.shape[-1] == 48
    np.testing.assert_array_equal(after[..., 0::2], before[..., :24])
    np.testing.assert_array_equal(after[..., 1::2], right)


def test_a_temporal_network_looks_back_only():
    model = tfedge.zoo.TCN((40, 2), levels=2)
    last = tf_keras().Model(model.inputs, model.get_layer("block2_relu").output)
    x = np.random.default_rng(0).normal(size=(1, 40, 2)).astype("float32")
    other = x.copy()
    other[:, 20] += 1.0
    changed = np.abs(last.predict(x, verbose=0) - last.predict(other, verbose=0)).max((0, 2)) > 0
    # 1 + 4 (2^2 - 1) = 13 steps see the twentieth, none before it.
    assert not changed[:20].any() and not changed[33:].any()
    assert changed[20] and changed[32]
