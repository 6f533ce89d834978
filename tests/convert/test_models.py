"""What can be handed to convert, and what is refused in which words."""

import numpy as np
import pytest
import tensorflow as tf

import tfedge
from tfedge.errors import ArgumentError, ConversionError, ModelError


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_path_does_as_well(cnn, digits, tmp_path, suffix):
    path = tmp_path / f"model{suffix}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # Keras 3 calls .h5 legacy.
        cnn.save(path)
    lite = tfedge.convert(path, "int8", digits[0])
    assert tfedge.compare(cnn, lite, digits[0][:200], latency=False).agreement > 0.98


def test_a_saved_model_without_keras_does_as_well(digits, tmp_path):
    class Doubler(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 1), tf.float32, name="image")])
        def __call__(self, image):
            return {"twice": 2 * image}

    module = Doubler()
    tf.saved_model.save(module, tmp_path / "saved", signatures=module.__call__)
    lite = tfedge.convert(tmp_path / "saved", "int8", digits[0])
    assert [item.name for item in lite.outputs] == ["twice"]
    assert np.abs(lite.predict(digits[0][:8]) - 2 * digits[0][:8]).max() < 0.02


def test_dict_inputs_and_outputs(keras):
    layers = keras.layers
    one, two = keras.Input((4,), name="one"), keras.Input((4,), name="two")
    outputs = {"sum": layers.Add()([one, two]), "gap": layers.Subtract()([one, two])}
    model = keras.Model({"one": one, "two": two}, outputs)
    x = {
        name: np.random.default_rng(len(name)).random((6, 4), "float32") for name in ("one", "two")
    }
    x["two"] = x["two"][::-1].copy()
    lite = tfedge.convert(model)
    found, expected = lite.predict(x), model(x)
    values = sorted(np.asarray(value).tolist() for value in expected.values())
    assert sorted(value.tolist() for value in found.values()) == values


@pytest.mark.parametrize("name", ["in-put.1", "class", "self", "a b"])
def test_inputs_keep_names_that_python_cannot_use(keras, name):
    one, two = keras.Input((4,), name=name), keras.Input((3,), name="between")
    both = keras.layers.Concatenate()([keras.layers.Dense(3)(one), two])
    model = keras.Model([one, two], keras.layers.Dense(2)(both))
    rng = np.random.default_rng(0)
    x = {name: rng.random((20, 4), "float32"), "between": rng.random((20, 3), "float32")}
    lite = tfedge.convert(model, "int8", x)
    assert [item.name for item in lite.inputs] == sorted(x)
    expected = np.asarray(model([x[name], x["between"]]))
    assert np.abs(lite.predict(x) - expected).max() < 0.1


def test_mixed_precision_models_convert(keras, digits):
    inputs = keras.Input((8, 8, 1))
    hidden = keras.layers.Conv2D(4, 3, dtype="mixed_float16")(inputs)
    outputs = keras.layers.Dense(3, dtype="float32")(keras.layers.Flatten()(hidden))
    lite = tfedge.convert(keras.Model(inputs, outputs), "int8", digits[0])
    assert lite.notes["parity"].sqnr_db > 20
    assert lite.float_operators == ()


def test_layer_normalization_of_keras_3_has_integer_operators(keras):
    inputs = keras.Input((6, 8))
    hidden = keras.layers.LayerNormalization()(keras.layers.Dense(8)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(3)(hidden))
    x = np.random.default_rng(0).random((40, 6, 8), "float32")
    assert tfedge.convert(model, "int8", x).float_operators == ()


def test_what_is_no_model_is_refused():
    for thing in (3, object(), tf.Module()):
        with pytest.raises(ModelError, match="neither a Keras model nor a SavedModel"):
            tfedge.convert(thing)
    with pytest.raises(ModelError, match="Check the path"):
        tfedge.convert("nowhere.keras")


def subclassed(keras):
    """A model without a graph, of one input or two."""

    class Custom(keras.Model):
        """Adds up what two inputs give."""

        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3)

        def call(self, x):
            return sum(self.dense(each) for each in (x.values() if isinstance(x, dict) else [x]))

    return Custom()


def test_a_subclassed_model_that_was_called_converts(keras):
    x = np.random.default_rng(0).random((30, 4), "float32")
    one, two = subclassed(keras), subclassed(keras)
    expected = np.asarray(one(x)), np.asarray(two({"left": x, "right": 2 * x}))
    np.testing.assert_allclose(tfedge.convert(one).predict(x), expected[0], atol=1e-5)
    by_name = {"left": x, "right": 2 * x}
    np.testing.assert_allclose(tfedge.convert(two).predict(by_name), expected[1], atol=1e-5)
    assert tfedge.convert(one, "int8", x).notes["parity"].sqnr_db > 25


def test_unbuilt_models_are_refused(keras):
    for model in (keras.Sequential([keras.layers.Dense(2)]), subclassed(keras)):
        with pytest.raises(ModelError, match="does not know its inputs"):
            tfedge.convert(model)


def test_open_shapes_are_refused_with_the_input_named(keras):
    inputs = keras.Input((None, None, 3), name="photo")
    model = keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs))
    with pytest.raises(ModelError, match=r"'photo'.*input_shapes="):
        tfedge.convert(model)
    with pytest.raises(ArgumentError, match="takes samples of shape"):
        tfedge.convert(model, input_shapes=(16, 16, 4))
    with pytest.raises(ArgumentError, match="'picture'"):
        tfedge.convert(model, input_shapes={"picture": (16, 16, 3)})
    assert tfedge.convert(model, input_shapes=(16, 16, 3)).inputs[0].shape == (1, 16, 16, 3)


def test_operators_that_litert_lacks_are_named_with_their_place(keras):
    layer = keras.layers.Lambda(
        lambda x: tf.linalg.det(tf.reshape(x, (-1, 2, 2))), name="volume", output_shape=()
    )
    with pytest.raises(ConversionError, match=r"MatrixDeterminant .*volume"):
        tfedge.convert(keras.Sequential([keras.Input((4,)), layer]))


def test_operators_that_stay_in_float_are_listed(keras):
    layer = keras.layers.Lambda(lambda x: tf.cumsum(x, axis=1), name="gate", output_shape=(4,))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4), layer], name="gated")
    x = np.random.default_rng(0).random((30, 4), "float32")
    with pytest.raises(ConversionError, match="#2 CUMSUM  at output") as refused:
        tfedge.convert(model, "int8", x)
    assert "float_fallback=True" in str(refused.value)
    mixed = tfedge.convert(model, "int8", x, float_fallback=True)
    assert [item.name for item in mixed.float_operators] == ["CUMSUM"]
