"""Models that cannot be quantized again, or not exported yet: refused, and why."""

import numpy as np
import pytest
import tensorflow as tf

import tfedge
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.flavours import keras3, tf_keras, tfmot


@pytest.fixture
def qat(mlp, flat):
    return tfedge.quantize(mlp(keras3()), calibration=flat[0])


def by_tfedge(model):
    """Quantize as this package does."""
    return tfedge.quantize(model)


def by_tfmot(model):
    """Quantize as tfmot does."""
    return tfmot().quantization.keras.quantize_model(tfedge.models.adopt(model))


def by_keras(model):
    """Quantize the weights as Keras 3 does."""
    for layer in model.layers[1:]:
        layer.quantize("int8")
    return model


def nested(model):
    """Hide a quantized model in another."""
    inputs = tf_keras().Input((64,))
    return tf_keras().Model(inputs, tfedge.quantize(model)(inputs))


@pytest.mark.parametrize(
    ("way", "says"),
    [
        (by_tfedge, "quantized already"),
        (by_tfmot, "quantized already"),
        (nested, "quantized already"),
        (by_keras, "quantized by Keras itself"),
    ],
)
def test_quantized_models_are_not_quantized_again(way, says, mlp):
    with pytest.raises(ModelError, match=says):
        tfedge.quantize(way(mlp(keras3())))


def test_files_are_not_quantized(mlp, tmp_path):
    lite = tfedge.convert(mlp(keras3()), "float32")
    lite.save(tmp_path / "mlp.tflite")
    with pytest.raises(ModelError, match="TFLiteModel"):
        tfedge.quantize(lite)
    with pytest.raises(ModelError, match="not a Keras model file"):
        tfedge.quantize(tmp_path / "mlp.tflite")


def test_half_set_ranges_are_named(mlp, flat):
    qat = tfedge.quantize(mlp(keras3()))
    qat.get_layer("pixels_range")(tf.constant(flat[0]), training=True)
    with pytest.raises(ModelError, match=r"2 activation ranges.*'hidden/output', 'head/pre_act"):
        tfedge.convert(qat, "int8")
    qat(tf.constant(flat[0]), training=True)
    assert tfedge.convert(qat, "int8", parity=flat[0]).notes["parity"].sqnr_db > 30


def test_ranges_that_exploded_are_named(qat, flat):
    qat.get_layer("hidden")._weight_vars[0][0].assign(np.full((64, 16), 1e38))
    qat(tf.constant(flat[0]), training=True)
    with pytest.raises(ModelError, match="range of 'hidden/output' holds inf"):
        tfedge.convert(qat, "int8")


def test_weights_that_exploded_are_named(qat, flat):
    qat.compile(tf_keras().optimizers.SGD(1e30), "sparse_categorical_crossentropy")
    qat.fit(*flat, batch_size=64, verbose=0)
    with pytest.raises(ModelError, match=r"(?s)(range|kernel) of .*training has diverged"):
        tfedge.convert(qat, "int8")


def test_settings_of_layers_in_float_are_refused():
    layers = keras3().layers
    steps = [
        layers.Input((4, 8)),
        layers.Dense(8, name="d"),
        layers.LayerNormalization(name="norm"),
    ]
    model = keras3().Sequential(
        [*steps, layers.LSTM(4, name="memory"), layers.Dense(2, name="out")]
    )
    learned = {"observer": "learned"}
    with pytest.raises(
        ArgumentError, match=r"'norm', which stays in float: LiteRT has no operator"
    ):
        tfedge.quantize(model, layers={"norm": learned})
    with pytest.raises(ArgumentError, match="which stays in float: the converter builds LSTM"):
        tfedge.quantize(model, layers={layers.LSTM: learned})
    tfedge.quantize(model, layers={".*": learned})


def test_calibration_that_exercises_nothing_is_named(mlp, flat):
    model = mlp(keras3())
    with pytest.warns(UserWarning, match="'pixels_range/output', 'hidden/output'.* held one value"):
        tfedge.quantize(model, calibration=np.zeros_like(flat[0]))
    model.get_layer("hidden").bias.assign([-1e3] * 16)
    with pytest.warns(UserWarning, match="'hidden/output', 'head/pre_activation' held one value"):
        tfedge.quantize(model, calibration=flat[0])


def test_outliers_that_stretch_a_range_are_named(mlp, flat):
    x = flat[0].copy()
    x[3, 5] = 1e30
    with pytest.warns(UserWarning, match="A few calibration samples .*'pixels_range/output'"):
        tfedge.quantize(mlp(keras3()), calibration=x)
