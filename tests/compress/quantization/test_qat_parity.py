"""A model in integer training and its file say the same, layer by layer."""

import numpy as np
import pytest
import tensorflow as tf

import tfedge
from tfedge.compress.quantization.exactness import steps_apart
from tfedge.evaluate.layers import layer_outputs, match_layers
from tfedge.models.flavours import keras3, tf_keras
from tfedge.runtime.intermediate import intermediate_outputs

LOSS = "sparse_categorical_crossentropy"


def _depthwise(layers):
    """Yield the layers of a small MobileNet."""
    yield layers.Conv2D(8, 3, padding="same", use_bias=False, name="stem")
    yield layers.BatchNormalization(name="stem_bn")
    yield layers.ReLU(6.0, name="stem_relu")
    for number, stride in enumerate((1, 2, 1)):
        yield layers.DepthwiseConv2D(
            3, strides=stride, padding="same", use_bias=False, name=f"dw{number}"
        )
        yield layers.BatchNormalization(name=f"dw{number}_bn")
        yield layers.ReLU(6.0, name=f"dw{number}_relu")
        yield layers.Conv2D(16, 1, use_bias=False, name=f"pw{number}")
        yield layers.BatchNormalization(name=f"pw{number}_bn")
        yield layers.ReLU(6.0, name=f"pw{number}_relu")
    yield layers.GlobalAveragePooling2D(name="pool")


def _swish(layers):
    """Yield the layers of a network whose activations are operators of their own."""
    yield layers.BatchNormalization(name="first")
    yield layers.Conv2D(8, 3, activation="swish", name="conv1")
    yield layers.Conv2D(16, 3, strides=2, activation="relu", name="conv2")
    yield layers.BatchNormalization(name="second")
    yield layers.Flatten(name="flat")


@pytest.mark.parametrize("body", [_depthwise, _swish])
def test_model_and_file_agree_layer_by_layer(body, digits):
    keras = keras3()
    keras.utils.set_random_seed(0)
    head = keras.layers.Dense(10, activation="softmax", name="head")
    model = keras.Sequential([keras.Input((8, 8, 1), name="image"), *body(keras.layers), head])
    model.compile(keras.optimizers.Adam(5e-3), LOSS)
    model.fit(*digits[:2], batch_size=64, epochs=4, verbose=0)
    qat = tfedge.quantize(model, calibration=digits[0][:300])
    qat.compile(tf_keras().optimizers.Adam(5e-4), LOSS)
    qat.fit(*digits[:2], batch_size=64, epochs=1, verbose=0)
    lite = tfedge.convert(qat, "int8")
    assert tfedge.compare(qat, lite, digits[2], latency=False).agreement >= 0.995
    steps = steps_added_up(qat, lite, digits[2][:64])
    assert len(steps) >= 5
    for layer, apart in steps.items():
        assert np.mean(apart <= 1.01) >= 0.99, layer
    for record in steps_apart(qat, lite, digits[2][:64]):
        assert record.within_one_step >= 0.999 and record.exact > 0.9, record.layer


def steps_added_up(qat, lite, x):
    """Return how many steps of its tensor each layer is away from the file, with all before."""
    reference, tensors = layer_outputs(qat, x), intermediate_outputs(lite, x)
    scales = {tensor.name: tensor.scale for tensor in lite.tensors()}
    names = [tensor.name for tensor in lite.outputs]
    found = {}
    for layer, name in match_layers(reference, tensors, names).items():
        value = tf.reshape(reference[layer], tensors[name].shape)
        if getattr(qat.get_layer(layer), "output_range", None) is not None:
            found[layer] = np.abs(value - tensors[name]) / scales[name]
    return found


def test_a_fault_is_found_where_it_is(trained, digits):
    qat = tfedge.quantize(trained, calibration=digits[0][:200])
    lite = tfedge.convert(qat, "int8")
    highest = qat.get_layer("relu1").ranges["output"][1]["max_var"]
    highest.assign(highest / 4)
    found = {
        record.layer: record.within_one_step for record in steps_apart(qat, lite, digits[2][:32])
    }
    assert found.pop("relu1") < 0.9
    assert {"conv2", "head"} <= set(found) and set(found.values()) == {1.0}
