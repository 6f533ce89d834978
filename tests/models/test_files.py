"""Model files of both Kerases open; damaged and dangerous ones are refused."""

import json
import shutil
import warnings
import zipfile

import h5py
import keras as keras3
import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from handmade_models import MODELS, inputs_for, randomize

from tfedge.core.errors import ModelError
from tfedge.models import adopt, load_model
from tfedge.models.flavours import flavour_of, tfmot

both = pytest.mark.parametrize("keras", [keras3, tf_keras], ids=["keras3", "tf_keras"])


def save(model, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model.save(str(path))
    return path


@both
@pytest.mark.parametrize(
    ("name", "kind"),
    [("conv_bn", ".keras"), ("nested", ".h5"), ("conv_bn", ".hdf5"), ("masked_text", ".h5")],
)
def test_files_open_in_their_own_flavour(keras, name, kind, tmp_path):
    model = randomize(MODELS[name](keras))
    model.compile("adam", "mse")
    loaded = load_model(save(model, tmp_path / f"model{kind}"))
    assert flavour_of(loaded) == flavour_of(model)
    inputs = inputs_for(model)
    np.testing.assert_allclose(
        np.asarray(adopt(tmp_path / f"model{kind}")(inputs)), np.asarray(model(inputs)), atol=1e-5
    )


@pytest.mark.parametrize("name", ["ConvNeXtTiny", "InceptionResNetV2"])
def test_layers_of_the_applications_are_known(name, tmp_path):
    if name == "ConvNeXtTiny":
        from tf_keras.src.applications import convnext as layers

        inputs = tf_keras.Input((4, 4, 3))
        model = tf_keras.Model(inputs, layers.LayerScale(1.0, 3)(inputs))
    else:
        from tf_keras.src.applications import inception_resnet_v2 as layers

        inputs = tf_keras.Input((4, 4, 3))
        model = tf_keras.Model(inputs, layers.CustomScaleLayer(0.5)([inputs, inputs]))
    randomize(model)
    loaded = load_model(save(model, tmp_path / "model.keras"))
    images = inputs_for(model)
    np.testing.assert_array_equal(np.asarray(loaded(images)), np.asarray(model(images)))
    np.testing.assert_array_equal(np.asarray(adopt(loaded)(images)), np.asarray(model(images)))


def wrapped(kind):
    """Return a small model wrapped by tfmot, trained for two steps."""
    keras = tf_keras
    inputs = keras.Input((6, 6, 3))
    x = keras.layers.ReLU()(keras.layers.Conv2D(4, 3, name="conv")(inputs))
    model = randomize(keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(x))))
    apis, callbacks = tfmot(), []
    if kind == "pruned":
        model = apis.sparsity.keras.prune_low_magnitude(
            model, apis.sparsity.keras.PolynomialDecay(0.0, 0.5, 0, 2, frequency=1)
        )
        callbacks = [apis.sparsity.keras.UpdatePruningStep()]
    elif kind == "clustered":
        model = apis.clustering.keras.cluster_weights(model, 4)
    else:
        model = apis.quantization.keras.quantize_model(model)
    model.compile("sgd", "mse")
    data = np.random.default_rng(0).normal(size=(4, 6, 6, 3)).astype("float32")
    model.fit(data, np.zeros((4, 2)), batch_size=2, verbose=0, callbacks=callbacks)
    return model, data


@pytest.mark.parametrize("kind", ["pruned", "clustered", "quantized"])
def test_wrapped_models_are_copied_and_opened_with_their_state(kind, tmp_path):
    model, data = wrapped(kind)
    answers = np.asarray(model(data, training=False))
    loaded = load_model(save(model, tmp_path / "wrapped.keras"))
    again = load_model(save(adopt(model), tmp_path / "adopted.keras"))
    for one in (adopt(model), loaded, adopt(loaded), adopt(adopt(model)), again):
        assert [type(a).__name__ for a in one.layers] == [type(b).__name__ for b in model.layers]
        np.testing.assert_allclose(np.asarray(one(data, training=False)), answers, atol=1e-6)
        for ours, theirs in zip(model.get_weights(), one.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert not {id(a) for a in adopt(model).weights} & {id(b) for b in model.weights}


def test_an_nm_pattern_is_not_forgotten():
    prune = tfmot().sparsity.keras.prune_low_magnitude
    dense = tf_keras.layers.Dense(8, input_shape=(8,))
    adopted = adopt(tf_keras.Sequential([prune(dense, sparsity_m_by_n=(2, 4))]))
    assert adopted.layers[1].sparsity_m_by_n == (2, 4)


def test_saved_models(tmp_path):
    model = randomize(MODELS["conv_bn"](tf_keras))
    inputs = inputs_for(model)
    model.save(tmp_path / "with_keras", save_format="tf")
    np.testing.assert_allclose(
        np.asarray(adopt(tmp_path / "with_keras")(inputs)), np.asarray(model(inputs)), atol=1e-5
    )
    tf.saved_model.save(tf.Module(), str(tmp_path / "bare"))
    assert hasattr(load_model(tmp_path / "bare"), "signatures")
    with pytest.raises(ModelError, match="no training graph"):
        adopt(tmp_path / "bare")


@both
@pytest.mark.parametrize("kind", [".keras", ".h5"])
def test_code_in_a_file_is_refused_unless_trusted(keras, kind, tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Lambda(lambda x: 2.0 * x)(inputs))
    path = save(model, tmp_path / f"code{kind}")
    with pytest.raises(ModelError, match=r"Lambda.*safe=False"):
        load_model(path)
    if kind == ".h5" or keras is tf_keras:
        loaded = load_model(path, safe=False)
        assert np.asarray(loaded(np.ones((1, 4), "float32"))).tolist() == [[2.0] * 4]


class Doubling(tf_keras.layers.Layer):
    def call(self, inputs):
        return 2.0 * inputs


def test_classes_of_other_packages_are_refused_unless_named(tmp_path):
    inputs = tf_keras.Input((4,))
    path = save(tf_keras.Model(inputs, Doubling()(inputs)), tmp_path / "custom.keras")
    with pytest.raises(ModelError, match=r"names test_files\.Doubling.*custom_objects"):
        load_model(path)
    loaded = load_model(path, custom_objects={"Doubling": Doubling})
    assert np.asarray(adopt(loaded)(np.ones((1, 4), "float32"))).tolist() == [[2.0] * 4]


@both
@pytest.mark.parametrize("kind", [".keras", ".h5"])
def test_what_a_model_was_compiled_with_does_not_matter(keras, kind, tmp_path):
    def my_loss(truth, answer):
        return truth - answer

    model = MODELS["several"](keras)
    model.compile("sgd", loss=[my_loss, my_loss])
    loaded = load_model(save(model, tmp_path / f"compiled{kind}"))
    assert len(loaded.get_weights()) == len(model.get_weights())


@both
def test_functions_must_be_registered(keras, tmp_path):
    def odd(x):
        return x

    def even(x):
        return 2.0 * x

    register = keras.saving.register_keras_serializable
    register("tests", f"even_{keras.__name__}")(even)
    inputs = keras.Input((4,))
    for function in (odd, even):
        path = tmp_path / f"{function.__name__}.keras"
        save(keras.Model(inputs, keras.layers.Activation(function)(inputs)), path)
    with pytest.raises(ModelError, match="custom_objects="):
        load_model(tmp_path / "odd.keras")
    assert load_model(tmp_path / "odd.keras", custom_objects={"odd": odd}).output_shape == (None, 4)
    assert load_model(tmp_path / "even.keras").output_shape == (None, 4)


def test_a_stranger_cannot_hide_behind_a_registered_name(tmp_path):
    tf_keras.saving.register_keras_serializable("tests", "Hidden")(Doubling)
    inputs = tf_keras.Input((4,))
    path = save(tf_keras.Model(inputs, Doubling()(inputs)), tmp_path / "honest.keras")
    assert load_model(path).output_shape == (None, 4)
    with zipfile.ZipFile(path) as source:
        files = {name: source.read(name) for name in source.namelist()}
    config = json.loads(files["config.json"])
    layer = config["config"]["layers"][1]
    layer |= {"module": "stranger", "class_name": "Hidden", "registered_name": None}
    files["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "forged.keras", "w") as target:
        for name, content in files.items():
            target.writestr(name, content)
    with pytest.raises(ModelError, match=r"names stranger\.Hidden"):
        load_model(tmp_path / "forged.keras")


@both
@pytest.mark.parametrize("kind", [".keras", ".h5"])
def test_damaged_files_are_model_errors(keras, kind, tmp_path):
    whole = save(MODELS["conv_bn"](keras), tmp_path / f"whole{kind}").read_bytes()
    for name, content in (
        ("empty", b""), ("text", b"not a model"), ("half", whole[: len(whole) // 2]),
    ):  # fmt: skip
        path = tmp_path / f"{name}{kind}"
        path.write_bytes(content)
        with pytest.raises(ModelError, match=name):
            load_model(path)


def test_wrong_kinds_are_model_errors(tmp_path):
    with pytest.raises(ModelError, match="No model file"):
        load_model(tmp_path / "missing.keras")
    with pytest.raises(ModelError, match="not a Keras model file"):
        load_model(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"x")
    with pytest.raises(ModelError, match="not a Keras model file"):
        load_model(tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="path of a model file"):
        load_model(3)
    with h5py.File(tmp_path / "only.weights.h5", "w") as file:
        file["weights"] = [1.0]
    with pytest.raises(ModelError, match="weights without a model"):
        load_model(tmp_path / "only.weights.h5")
    archive = save(MODELS["several"](keras3), tmp_path / "renamed.keras")
    shutil.copy(archive, tmp_path / "renamed.h5")
    with pytest.raises(ModelError, match="not a readable"):
        load_model(tmp_path / "renamed.h5")
