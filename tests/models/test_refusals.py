"""What cannot be adopted is refused in words that help."""

import keras as keras3
import numpy as np
import pytest
import tf_keras

from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models import adopt, register_layer

both = pytest.mark.parametrize("keras", [keras3, tf_keras], ids=["keras3", "tf_keras"])


@both
def test_subclassed_models(keras):
    class Mine(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(ModelError, match=r"subclassed \(Mine.*functional model"):
        adopt(Mine(name="mine"))
    inputs = keras.Input((4,))
    nested = keras.Model(inputs, Mine(name="inside")(inputs))
    if keras is keras3:
        with pytest.raises(ModelError, match="'inside' is subclassed"):
            adopt(nested)


@both
def test_a_functional_model_with_a_call_of_its_own(keras):
    class Odd(keras.Model):
        def call(self, inputs, training=None, mask=None):
            return 2 * super().call(inputs, training=training, mask=mask)

    inputs = keras.Input((4,))
    with pytest.raises(ModelError, match="defines its own call"):
        adopt(Odd(inputs, keras.layers.Dense(2)(inputs)))


@both
def test_a_functional_model_with_a_train_step_of_its_own(keras):
    class Fine(keras.Model):
        def train_step(self, data):
            return super().train_step(data)

    inputs = keras.Input((4,))
    assert adopt(Fine(inputs, keras.layers.Dense(2)(inputs))).output_shape == (None, 2)


@both
def test_models_that_are_not_built(keras):
    with pytest.raises(ModelError, match="not built"):
        adopt(keras.Sequential([keras.layers.Dense(2)], name="raw"))
    built = keras.Sequential([keras.layers.Dense(2)])
    built.build((None, 4))
    assert adopt(built).output_shape == (None, 2)


@pytest.mark.parametrize("value", [None, 3, b"bytes", np.zeros(3), keras3.layers.Dense(2)])
def test_what_is_no_model(value):
    with pytest.raises(ModelError, match="A Keras model was asked for"):
        adopt(value)


class Scale(keras3.layers.Layer):
    def __init__(self, power=1, kernel_regularizer=None, **base):
        super().__init__(**base)
        self.power = power
        self.kernel_regularizer = keras3.regularizers.get(kernel_regularizer)

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1],), name="kernel")

    def call(self, inputs):
        return inputs * self.kernel**self.power

    def get_config(self):
        regularizer = keras3.regularizers.serialize(self.kernel_regularizer)
        return {**super().get_config(), "power": self.power, "kernel_regularizer": regularizer}


class ScaleTwin(tf_keras.layers.Layer):
    def __init__(self, power=1, kernel_regularizer=None, **base):
        super().__init__(**base)
        self.power = power
        self.kernel_regularizer = tf_keras.regularizers.get(kernel_regularizer)

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1],), name="kernel")

    def call(self, inputs):
        return inputs * self.kernel**self.power

    def get_config(self):
        regularizer = tf_keras.regularizers.serialize(self.kernel_regularizer)
        return {**super().get_config(), "power": self.power, "kernel_regularizer": regularizer}


def scaled(**settings):
    inputs = keras3.Input((3,))
    model = keras3.Model(inputs, Scale(name="scale", **settings)(inputs))
    model.set_weights([np.array([2.0, 3.0, 4.0], "float32")])
    return model


def test_custom_layers_are_refused_until_registered():
    class Unknown(Scale):
        pass

    inputs = keras3.Input((3,))
    with pytest.raises(ModelError, match=r"'strange'.*Unknown.*register_layer\(Unknown, twin\)"):
        adopt(keras3.Model(inputs, Unknown(name="strange")(inputs)))


def test_custom_layers_come_out_as_their_twins():
    register_layer(Scale, ScaleTwin)
    adopted = adopt(scaled(power=2, kernel_regularizer="l2"))
    assert isinstance(adopted.get_layer("scale"), ScaleTwin)
    assert type(adopted.get_layer("scale").kernel_regularizer).__module__.startswith("tf_keras")
    answer = adopted(np.ones((1, 3), "float32"))
    assert np.asarray(answer).tolist() == [[4.0, 9.0, 16.0]]
    again = adopt(adopted)
    np.testing.assert_array_equal(np.asarray(again(np.ones((1, 3), "float32"))), answer)


def test_custom_layers_by_a_translator():
    class Other(Scale):
        pass

    register_layer(Other, lambda layer: ScaleTwin(power=layer.power))
    inputs = keras3.Input((3,))
    model = keras3.Model(inputs, Other(power=1, name="other")(inputs))
    model.set_weights([np.array([5.0, 6.0, 7.0], "float32")])
    adopted = adopt(model)
    assert np.asarray(adopted(np.ones((1, 3), "float32"))).tolist() == [[5.0, 6.0, 7.0]]
    assert adopted.layers[1].name == "other"


def test_a_translator_must_return_a_layer():
    class Nothing(keras3.layers.Layer):
        def call(self, inputs):
            return inputs

    register_layer(Nothing, lambda layer: None)
    inputs = keras3.Input((3,))
    with pytest.raises(ModelError, match="must return a tf_keras layer"):
        adopt(keras3.Model(inputs, Nothing()(inputs)))


def test_what_can_be_registered():
    with pytest.raises(ArgumentError, match="must be a class"):
        register_layer(Scale(), ScaleTwin)
    with pytest.raises(ArgumentError, match="must be a tf_keras layer class or a function"):
        register_layer(Scale, "twin")


def test_settings_without_a_twin_are_not_dropped_in_silence():
    inputs = keras3.Input((7, 8))
    layer = keras3.layers.MultiHeadAttention(2, 3, use_gate=True, name="gated")
    with pytest.raises(ModelError, match=r"'gated'.*use_gate=True"):
        adopt(keras3.Model(inputs, layer(inputs, inputs)))


def test_a_custom_regularizer_is_named():
    class Odd(keras3.regularizers.Regularizer):
        def __call__(self, x):
            return 0.0

        def get_config(self):
            return {}

    inputs = keras3.Input((3,))
    layer = keras3.layers.Dense(2, kernel_regularizer=Odd(), name="odd")
    with pytest.raises(ModelError, match=r"'odd'.*kernel_regularizer"):
        adopt(keras3.Model(inputs, layer(inputs)))


def test_layers_that_keras_quantized():
    inputs = keras3.Input((16,))
    model = keras3.Model(inputs, keras3.layers.Dense(4, name="small")(inputs))
    model.layers[-1].quantize("int8")
    with pytest.raises(ModelError, match=r"'small'.*quantized by Keras itself"):
        adopt(model)


def test_a_tf_keras_layer_without_a_full_config():
    class Forgetful(tf_keras.layers.Layer):
        def __init__(self, size, **base):
            super().__init__(**base)

        def call(self, inputs):
            return inputs

        def get_config(self):
            return {"name": self.name}

    inputs = tf_keras.Input((3,))
    with pytest.raises(ModelError, match=r"(?s)'forgetful'.*get_config"):
        adopt(tf_keras.Model(inputs, Forgetful(3)(inputs)))


@both
def test_a_nested_model_that_would_reshape(keras):
    base = keras.Sequential([keras.Input((4, 1)), keras.layers.Flatten()], name="base")
    inputs = keras.Input((4,))
    model = keras.Model(inputs, base(inputs))
    with pytest.raises(ModelError, match="'base' expects shape"):
        adopt(model)
