"""Inputs made up from statistics have these statistics."""

import numpy as np
import pytest

import tfedge
from tfedge.compress.quantization.recovery.noise import KINDS, Noise
from tfedge.compress.quantization.recovery.synthesis import synthetic_inputs
from tfedge.core.errors import CalibrationError
from tfedge.models.adopt import adopt
from tfedge.models.flavours import keras3, tf_keras


def normalized_inputs(model, x):
    """Return what goes into each normalization, in its own units: mean and deviation."""
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            values = tf_keras().Model(model.inputs, layer.input).predict(x, verbose=0)
            axes = tuple(range(values.ndim - 1))
            deviation = np.sqrt(layer.moving_variance.numpy() + layer.epsilon)
            yield (values.mean(axes) - layer.moving_mean) / deviation, values.std(axes) / deviation


def test_statistics_are_those_that_the_model_remembers(trained):
    model = adopt(trained)
    (x,) = synthetic_inputs(model, 100)
    assert x.shape == (100, 8, 8, 1) and x.dtype == np.float32
    for mean, deviation in normalized_inputs(model, x):
        assert np.abs(mean).mean() < 0.3
        assert np.abs(deviation - 1).mean() < 0.3
    (same,) = synthetic_inputs(model, 100)
    np.testing.assert_array_equal(x, same)
    (other,) = synthetic_inputs(model, 100, seed=1)
    assert np.any(x != other)


def test_several_inputs_are_made_up_together():
    keras = tf_keras()
    a, b = keras.Input((5,), name="a"), keras.Input((6, 6, 2), name="b")
    norms = [keras.layers.BatchNormalization(name=name) for name in ("norm_a", "norm_b")]
    norms[0].build((None, 5))
    norms[0].moving_mean.assign([100.0, 90.0, 140.0, 120.0, 110.0])
    norms[0].moving_variance.assign(np.full(5, 900.0))
    pooled = keras.layers.GlobalAveragePooling2D()(norms[1](b))
    outputs = keras.layers.Concatenate()([norms[0](a), pooled])
    model = keras.Model([a, b], outputs)
    made = synthetic_inputs(model, 64)
    assert [one.shape for one in made] == [(64, 5), (64, 6, 6, 2)]
    for mean, deviation in normalized_inputs(model, made):
        assert np.abs(mean).max() < 0.3 and np.abs(deviation - 1).max() < 0.4


@pytest.mark.parametrize("noise", KINDS)
def test_noise_has_its_moments(noise):
    made = noise.drawn((64, 16, 16, 3), np.random.default_rng(0))
    z = np.linspace(-6, 6, 20_001)
    density = np.exp(-(z**2) / 2)
    values = np.clip(noise.mean + noise.spread * z, noise.low, noise.high)
    mean = np.average(values, weights=density)
    deviation = np.sqrt(np.average((values - mean) ** 2, weights=density))
    assert abs(made.mean() - mean) < 0.05 * noise.spread
    assert abs(made.std() / deviation - 1) < 0.05
    assert made.min() >= noise.low and made.max() <= noise.high


def test_smooth_noise_has_the_spectrum_that_it_says():
    made = Noise(0.0, 1.0, -np.inf, np.inf, smoothness=1.5).drawn(
        (400, 64, 1), np.random.default_rng(0)
    )
    power = (np.abs(np.fft.rfft(made[..., 0], axis=1)) ** 2).mean(0)
    slope = np.polyfit(np.log(np.arange(1, 32)), np.log(power[1:32]), 1)[0]
    assert slope == pytest.approx(-3, abs=0.1)


def test_inputs_that_are_mostly_zeros_on_a_scale_of_their_own(digits):
    keras, layers = keras3(), keras3().layers
    keras.utils.set_random_seed(0)
    x = np.round(digits[0] * 255)
    steps = [layers.Input((8, 8, 1)), layers.Rescaling(1 / 255), layers.Conv2D(8, 3)]
    steps += [layers.BatchNormalization(momentum=0.9), layers.ReLU(), layers.Conv2D(8, 3)]
    steps += [layers.BatchNormalization(momentum=0.9), layers.ReLU(), layers.Flatten()]
    model = keras.Sequential([*steps, layers.Dense(10, activation="softmax")])
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    model.fit(x, digits[1], epochs=6, verbose=0)
    [made] = synthetic_inputs(tfedge.models.adopt(model), 64)
    assert made.min() == 0 and made.max() == 255
    assert abs(made.mean() - x.mean()) < 0.2 * x.std()
    lite = tfedge.convert(tfedge.recover(model, verbose=0), "int8", parity=False)
    exact = model.predict(digits[2] * 255, verbose=0).argmax(1)
    assert np.mean(lite.predict(np.round(digits[2] * 255)).argmax(1) == exact) > 0.97


def test_inputs_that_no_normalization_knows_draw_a_warning():
    keras, layers = keras3(), keras3().layers
    norm = layers.BatchNormalization()
    model = keras.Sequential([layers.Input((4,)), layers.ReLU(), norm, layers.Dense(2)])
    norm.set_weights([np.ones(4), np.zeros(4), np.full(4, -9.0), np.ones(4)])
    with pytest.warns(UserWarning, match=r"miss what .* by 9\.\d standard deviations"):
        synthetic_inputs(tfedge.models.adopt(model), 8)


def test_what_cannot_be_made_up_is_refused():
    keras, layers = keras3(), keras3().layers
    plain = keras.Sequential([layers.Input((4,)), layers.Dense(2)])
    with pytest.raises(CalibrationError, match="no BatchNormalization"):
        tfedge.recover(plain, verbose=0)
    words = [layers.Input((6,), dtype="int32"), layers.Embedding(9, 4), layers.Flatten()]
    words += [layers.Dense(4), layers.BatchNormalization(), layers.Dense(2)]
    with pytest.raises(CalibrationError, match="dtype int32"):
        tfedge.recover(keras.Sequential(words), verbose=0)
    inputs = keras.Input((None, None, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(inputs))
    with pytest.raises(CalibrationError, match="known size"):
        tfedge.recover(keras.Model(inputs, layers.GlobalAveragePooling2D()(x)), verbose=0)
