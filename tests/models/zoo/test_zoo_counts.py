"""Parameters and operations against keras.applications, MLPerf Tiny, and what papers print."""

import numpy as np
import pytest

import tfedge
from tfedge.models.flavours import tf_keras
from tfedge.models.statistics import model_statistics

IMAGENET = {"input_shape": (224, 224, 3), "classes": 1000}
TWINS = {
    "MobileNetV1": ("MobileNet", (0.25, 0.5, 1.0), {}),
    "MobileNetV2": ("MobileNetV2", (0.35, 0.5, 1.0, 1.4), {}),
    "MobileNetV3Small": ("MobileNetV3Small", (0.75, 1.0), {"include_preprocessing": False}),
}
CASES = [
    pytest.param(name, width, marks=[] if width == widths[0] else pytest.mark.slow)
    for name, (_, widths, _) in TWINS.items()
    for width in widths
]


def twins(name, width):
    """Return a network of the zoo and that of keras.applications."""
    theirs, _, settings = TWINS[name]
    shape = {"input_shape": (96, 96, 3), "classes": 20}
    ours = tfedge.zoo.build(name, width=width, **shape)
    twin = getattr(tf_keras().applications, theirs)
    return ours, twin(alpha=width, weights=None, **shape, **settings)


@pytest.mark.parametrize(("name", "width"), CASES)
def test_keras_applications_compute_the_same(name, width):
    ours, theirs = twins(name, width)
    assert ours.count_params() == theirs.count_params()
    assert model_statistics(ours).macs == model_statistics(theirs).macs
    rng = np.random.default_rng(0)
    # Ours keep the size of the signal; biases and statistics are made to count.
    weights = [
        one + rng.uniform(-0.1, 0.1, one.shape) if one.ndim == 1 else one
        for one in ours.get_weights()
    ]
    ours.set_weights(weights)
    # A dense layer here is a 1×1 convolution there.
    pairs = zip(weights, theirs.get_weights(), strict=True)
    theirs.set_weights([a.reshape(b.shape) for a, b in pairs])
    x = rng.normal(size=(2, 96, 96, 3)).astype("float32")
    found, expected = ours.predict(x, verbose=0), theirs.predict(x, verbose=0)
    assert np.abs(expected[0] - expected[1]).max() > 1e-3 * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6)


# Parameters: the reference implementations of MLPerf Tiny (github.com/mlcommons/tiny), as Keras
# counts them; operations in millions: Banbury et al. 2021 do not print them, so none are here.
MLPERF = {
    "AnomalyAutoencoder": 269_992,
    "DSCNN": 24_908,
    "PersonDetection": 221_794,
    "ResNet8": 78_666,
}


@pytest.mark.parametrize("name", MLPERF)
def test_mlperf_tiny(name):
    assert tfedge.zoo.build(name).count_params() == MLPERF[name]


# Trained parameters: torchvision's documentation for ShuffleNetV2 and SqueezeNet 1.1, timm's
# results for EfficientNet-Lite0; they do not count the statistics of normalizations.
PUBLISHED = {
    ("ShuffleNetV2", 0.5): 1_366_792,
    ("ShuffleNetV2", 1.0): 2_278_604,
    ("ShuffleNetV2", 1.5): 3_503_624,
    ("ShuffleNetV2", 2.0): 7_393_996,
    ("SqueezeNet", 1.0): 1_235_496,
    ("EfficientNetLite0", 1.0): 4_652_008,
}
QUICK = [("ShuffleNetV2", 0.5), ("SqueezeNet", 1.0)]


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=[] if c in QUICK else pytest.mark.slow) for c in PUBLISHED]
)
def test_published_parameters(case):
    name, width = case
    model = tfedge.zoo.build(name, width=width, classes=1000)
    assert model_statistics(model).trainable_parameters == PUBLISHED[case]


# Millions of parameters and of multiply-accumulates, as the papers print them.
PRINTED = {
    "MobileNetV1": (4.2, 569, 0.01),
    "MobileNetV2": (3.4, 300, 0.03),
    "MobileNetV3Small": (2.5, 56, 0.02),
    "ShuffleNetV2": (2.3, 146, 0.01),
    "GhostNet": (5.2, 141, 0.005),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PRINTED)
def test_what_the_papers_print(name):
    parameters, macs, tolerance = PRINTED[name]
    found = model_statistics(tfedge.zoo.build(name, **IMAGENET))
    assert found.trainable_parameters / 1e6 == pytest.approx(parameters, rel=0.04)
    assert found.macs / 1e6 == pytest.approx(macs, rel=tolerance)


def test_mcunet_as_its_authors_list_it():
    found = model_statistics(tfedge.zoo.build("MCUNet", classes=1000))  # mcunet-5fps, 96×96
    assert round(found.trainable_parameters / 1e6, 2) == 0.64
    assert round(found.macs / 1e6, 1) == 12.8


def test_a_temporal_network_by_hand():
    found = model_statistics(tfedge.zoo.TCN((100, 5), classes=3, levels=3))
    norm, c = 4 * 32, 32
    first = 3 * 5 * c + norm + 3 * c * c + norm + (5 * c + c)
    others = 2 * (3 * c * c + norm)
    assert found.parameters == first + 2 * others + 3 * (c + 1)
    macs = 100 * (3 * 5 * c + 3 * c * c + 5 * c + 2 * 2 * 3 * c * c)
    assert found.macs == macs + 3 * c


def test_a_recurrent_network_by_hand():
    found = model_statistics(tfedge.zoo.SmallGRU((100, 5), classes=3))
    stem, gru = 5 * 5 * 32 + 4 * 32, 3 * (32 * 32 + 32 * 32 + 2 * 32)
    assert found.parameters == stem + gru + 3 * 33
    assert found.macs == 25 * (5 * 5 * 32 + 3 * 2 * 32 * 32) + 3 * 32  # every fourth of 100 steps


def test_a_transformer_by_hand():
    found = model_statistics(tfedge.zoo.VisionTransformer((32, 32, 3), classes=3, depth=2))
    d, tokens = 64, 8 * 8
    block = 2 * 2 * d + 4 * (d * d + d) + 2 * 4 * d * d + 5 * d
    assert found.parameters == (4 * 4 * 3 * d + d) + 2 * block + 10 * d + 2 * d + 3 * (d + 1)
    attention = tokens * 4 * d * d + 2 * tokens * tokens * d
    macs = tokens * 48 * d + 2 * (attention + tokens * 8 * d * d) + tokens * 9 * d
    assert found.macs == macs + 3 * d
