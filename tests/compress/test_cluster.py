import warnings

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.adopt import adopt
from tfedge.models.flavours import keras3, tf_keras, tfmot
from tfedge.models.training.clustered import Clustered

LOSS = "sparse_categorical_crossentropy"


def fitted(model, data, optimizer="adam", epochs=1):
    model.compile(optimizer, LOSS)
    model.fit(*data, batch_size=64, epochs=epochs, verbose=0)
    return model


def kernels(model):
    """Return the kernels of a plain model by layer name."""
    return {one.name: one.kernel.numpy() for one in model.layers if hasattr(one, "kernel")}


def test_each_weight_becomes_the_nearest_value_and_the_model_stays(mlp, flat):
    model = mlp(keras3())
    before = kernels(model)
    shared = tfedge.cluster(model, 4)
    plain = tfedge.strip(shared)
    for name, kernel in kernels(plain).items():
        values = np.unique(kernel)
        assert len(values) == 4
        nearest = np.argmin(np.abs(before[name][..., None] - values), axis=-1)
        np.testing.assert_array_equal(kernel, values[nearest])
        means = [before[name][kernel == value].mean() for value in values]
        np.testing.assert_allclose(values, means, atol=1e-5)
    fitted(shared, flat)
    for name, kernel in kernels(model).items():
        np.testing.assert_array_equal(kernel, before[name])
    np.testing.assert_array_equal(
        shared.predict(flat[0], verbose=0), tfedge.strip(shared).predict(flat[0], verbose=0)
    )


@pytest.mark.parametrize("per_channel", [False, True])
def test_training_moves_the_values_and_keeps_their_number(trained, digits, per_channel):
    shared = tfedge.cluster(trained, 3, per_channel=per_channel)
    before = [centroids.numpy() for centroids in shared.get_layer("conv2").centroids]
    tf_keras().utils.set_random_seed(0)
    shared.compile("adam", LOSS)
    at_first = shared.evaluate(*digits[:2], verbose=0)
    fitted(shared, digits[:2], epochs=2)
    assert shared.evaluate(*digits[:2], verbose=0) < 0.8 * at_first
    assert np.abs(before[0] - shared.get_layer("conv2").centroids[0].numpy()).max() > 1e-3
    kernel = kernels(tfedge.strip(shared))["conv2"]
    channels = [len(np.unique(kernel[..., channel])) for channel in range(32)]
    assert max(channels) <= 3
    assert (len(np.unique(kernel)) > 3) == per_channel


def test_steps_of_plain_descent_stay_stable(trained, digits, accuracy):
    shared = tfedge.cluster(trained, 8)
    fitted(shared, digits[:2], tf_keras().optimizers.SGD(0.05), epochs=2)
    assert accuracy(shared) > 0.97


def test_training_is_that_of_tfmot_step_by_step(mlp, flat):
    kinds = tfmot().clustering.keras
    model = mlp(tf_keras())
    other = kinds.cluster_weights(
        adopt(model),
        number_of_clusters=5,
        cluster_centroids_init=kinds.CentroidInitialization.LINEAR,
    )
    ours = tfedge.cluster(model, 5, init="linear", refine=False, average=False)
    for clustered in (ours, other):
        clustered.compile(tf_keras().optimizers.SGD(1e-3), LOSS)
        clustered.fit(*flat, batch_size=64, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(
        ours.predict(flat[0], verbose=0), other.predict(flat[0], verbose=0), atol=1e-5
    )
    start = tfedge.cluster(model, 5, init="linear", refine=False)
    assert np.abs(start.predict(flat[0]) - ours.predict(flat[0])).max() > 1e-3


def test_zeros_of_a_pruned_model_stay(trained, digits, accuracy):
    sparse = fitted(tfedge.prune(trained, tfedge.ConstantSparsity(0.6, 0)), digits[:2], epochs=2)
    zeros = {name: kernel == 0 for name, kernel in kernels(tfedge.strip(sparse)).items()}
    shared = fitted(tfedge.cluster(sparse, 8), digits[:2], epochs=2)
    for name, kernel in kernels(tfedge.strip(shared)).items():
        np.testing.assert_array_equal(kernel == 0, zeros[name])
        assert len(np.unique(kernel)) <= 8
    assert np.mean(zeros["conv2"]) == pytest.approx(0.6, abs=0.01)
    assert accuracy(shared) > 0.95
    free = kernels(tfedge.strip(fitted(tfedge.cluster(sparse, 8, preserve=()), digits[:2])))
    assert np.mean(free["conv2"] == 0) < 0.01
    asked = tfedge.cluster(sparse, 8, preserve="sparsity")
    assert [one.keep_zeros for one in asked.layers if hasattr(one, "keep_zeros")][1:] == [True] * 2


def test_clustering_strips_itself_on_the_way_to_a_file(trained, digits):
    shared = tfedge.cluster(trained, 16)
    x, y = digits[2:]
    lite = tfedge.convert(shared, "int8", digits[0][:100])
    files = {row.name.split("/")[1]: row for row in tfedge.unique_weights(lite).kernels}
    assert all(row.unique_per_channel <= 16 for row in files.values())
    assert tfedge.evaluate(lite, x, y, metrics="accuracy", verbose=0)["accuracy"] > 0.95
    plain = tfedge.convert(trained, "int8", digits[0][:100])
    assert lite.gzip_bytes < 0.8 * plain.gzip_bytes


@pytest.mark.parametrize("kind", ["keras", "h5"])
def test_files_train_on_where_they_stopped(mlp, flat, kind, tmp_path):
    sparse = fitted(tfedge.prune(mlp(keras3())), flat)
    shared = fitted(tfedge.cluster(sparse, 6), flat)
    path = tmp_path / f"shared.{kind}"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are saving your model as an HDF5")
        shared.save(path)
    again = tfedge.load(path)
    for model in (shared, again):
        model.fit(*flat, batch_size=64, shuffle=False, verbose=0)
    for ours, theirs in zip(shared.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert tfedge.sparsity(tfedge.strip(path)).sparsity == pytest.approx(0.5, abs=0.01)


def test_twice_in_a_row_and_into_quantization(mlp, flat):
    once = tfedge.cluster(mlp(keras3()), 8)
    again = tfedge.cluster(tfedge.strip(once), 8)
    for name, kernel in kernels(tfedge.strip(again)).items():
        np.testing.assert_allclose(kernel, kernels(tfedge.strip(once))[name], atol=1e-6)
    qat = tfedge.quantize(once, calibration=flat[0])
    np.testing.assert_array_equal(
        qat.get_layer("hidden")._weight_vars[0][0], kernels(tfedge.strip(once))["hidden"]
    )


def test_frozen_layers_stay_frozen(mlp, flat):
    model = mlp(keras3())
    model.get_layer("hidden").trainable = False
    shared = fitted(tfedge.cluster(model, 4), flat)
    assert not shared.get_layer("hidden").trainable_weights
    expected = kernels(tfedge.strip(tfedge.cluster(model, 4)))
    found = kernels(tfedge.strip(shared))
    np.testing.assert_array_equal(found["hidden"], expected["hidden"])
    assert np.abs(found["head"] - expected["head"]).max() > 0
    assert not tfedge.strip(shared).get_layer("hidden").trainable


def test_scope_follows_names_classes_and_the_number_of_weights():
    keras = keras3()
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.SeparableConv2D(4, 3, name="sep")(inputs)
    x = keras.layers.DepthwiseConv2D(3, name="dw")(x)
    outputs = keras.layers.Dense(2, name="head")(keras.layers.Flatten()(x))
    model = keras.Model(inputs, outputs)

    def wrapped(**settings):
        return {
            one.name: one.kernels
            for one in tfedge.cluster(model, **settings).layers
            if isinstance(one, Clustered)
        }

    assert wrapped(clusters=8) == {"sep": ("pointwise_kernel",), "head": ("kernel",)}
    assert set(wrapped(clusters=12)) == {"head"}
    assert set(wrapped(clusters=8, layers=["dw", "he.*"])) == {"dw", "head"}
    assert set(wrapped(clusters=8, exclude=keras.layers.Dense)) == {"sep"}


def test_the_wrapper_comes_back_from_its_config():
    keras = tf_keras()
    layer = keras.layers.LSTM(4, name="memory")
    layer.build((None, 5, 3))
    paths = ("cell.kernel", "cell.recurrent_kernel")
    first = Clustered(layer, 4, paths, keep_zeros=True, average=False)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(first))
    configs = [{**one.get_config(), "layer": None} for one in (first, again)]
    assert configs[0] == configs[1]
    assert again(keras.Input((5, 3))).shape == (None, 4)
    assert [one.shape.as_list() for one in again.centroids + again.masks] == [
        [1, 3],
        [1, 3],
        [3, 16],
        [4, 16],
    ]


def test_bad_input_is_refused(mlp, flat):
    model = mlp(keras3())
    with pytest.raises(ArgumentError, match="clusters=1 must be a whole number of at least 2"):
        tfedge.cluster(model, 1)
    with pytest.raises(ArgumentError, match=r"clusters=2\.5"):
        tfedge.cluster(model, 2.5)
    with pytest.raises(ArgumentError, match=r"init='kmeans' is not known.*'kmeans\+\+'"):
        tfedge.cluster(model, init="kmeans")
    with pytest.raises(ArgumentError, match="preserve='clusters' is not known"):
        tfedge.cluster(model, preserve=("clusters",))
    with pytest.raises(ModelError, match=r"more weights than values.*clusters=5000"):
        tfedge.cluster(model, 5000)
    with pytest.raises(ArgumentError, match="without a kernel"):
        tfedge.cluster(model, layers="pixels")
    with pytest.raises(ArgumentError, match="'hiden' matches no layer"):
        tfedge.cluster(model, exclude="hiden")
    with pytest.raises(ModelError, match="no kernel left"):
        tfedge.cluster(model, exclude=".*")
    with pytest.raises(ModelError, match="clustered already"):
        tfedge.cluster(tfedge.cluster(model))
    with pytest.raises(ModelError, match="quantized already"):
        tfedge.cluster(tfedge.quantize(model))
    sparse = fitted(tfedge.prune(model, tfedge.ConstantSparsity(0.5, 0)), flat)
    with pytest.raises(ArgumentError, match="clusters=2 with zeros kept"):
        tfedge.cluster(sparse, 2)
    with pytest.raises(ModelError):
        tfedge.cluster("no such file.keras")
    kernel = model.get_layer("hidden").kernel
    kernel.assign(np.where(np.arange(16) == 3, np.nan, kernel.numpy()))
    with pytest.raises(ModelError, match=r"'hidden' holds 64 numbers of 1,024 that are not finite"):
        tfedge.cluster(model)
    assert tfedge.cluster(model, exclude="hidden")
