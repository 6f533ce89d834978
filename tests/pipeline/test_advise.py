"""Advice before training: figures of files that are made; what is not known is said."""

import numpy as np
import pytest

pytest.importorskip("optuna")

import tfedge
from tfedge.errors import ArgumentError, ModelError
from tfedge.models.flavours import keras3
from tfedge.models.statistics import model_statistics
from tfedge.pipeline.advise import advise
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.search.proxies import curves, gzip_with_shared, gzip_with_zeros


@pytest.fixture(scope="module")
def model():
    keras = keras3()
    keras.utils.set_random_seed(1)
    layers = keras.layers
    stack = [
        keras.Input((8, 8, 1), name="image"),
        layers.Conv2D(16, 3, activation="relu", name="conv"),
        layers.Conv2D(32, 3, activation="relu", name="conv2"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(10, activation="softmax", name="head"),
    ]
    return keras.Sequential(stack, name="tiny_net")


@pytest.fixture(scope="module")
def x():
    return np.random.default_rng(0).random((250, 8, 8, 1), "float32")


@pytest.fixture(scope="module")
def found(model, x):
    return curves(model, x, Budget(gzip_bytes=1), fractions=(0.5, 0.2))


def test_curves_are_those_of_files(model, x, found):
    whole = tfedge.convert(model, "int8", x, parity=False)
    slim = tfedge.prune_channels(model, macs=0.5, scope="global")
    half = tfedge.convert(slim, "int8", x, parity=False)
    assert [share for share, _ in found.channels] == [1.0, 0.5, 0.2]
    for (_, row), lite in zip(found.channels, (whole, half), strict=False):
        assert (row["size_bytes"], row["gzip_bytes"]) == (lite.size_bytes, lite.gzip_bytes)
    assert found.at("macs", 1.0) == model_statistics(model).macs
    assert found.at("macs", 0.5) <= 0.5 * model_statistics(model).macs
    assert found.sparsities[0] == (0.0, whole.gzip_bytes)
    assert "Curves of 'tiny_net', int8" in repr(found)


def test_zeros_and_shared_values_pack_as_those_of_a_real_file(model, x):
    """A file whose weights are set so beforehand is packed to about the same size."""
    lite = tfedge.convert(model, "int8", x, parity=False)
    copy = keras3().models.clone_model(model)
    for layer, other in zip(model.layers, copy.layers, strict=True):
        weights = layer.get_weights()
        if weights:
            kernel = weights[0].copy()
            flat = np.sort(np.abs(kernel).ravel())
            kernel[np.abs(kernel) < flat[int(0.8 * flat.size)]] = 0
            other.set_weights([kernel, weights[1]])
    really = tfedge.convert(copy, "int8", x, parity=False)
    assert gzip_with_zeros(lite, 0.8) == pytest.approx(really.gzip_bytes, rel=0.05)
    sizes = [gzip_with_shared(lite, count) for count in (255, 64, 16, 4)]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] < 0.6 * sizes[0]


def test_what_helps_depends_on_what_is_limited(model):
    roomy = advise(model, Budget(size_bytes=10**6), verbose=0)
    assert roomy.verdict == "8-bit integers alone are within the limits of resources."
    assert [one.name for one in roomy if one.helps] == ["recover"]
    assert [step["kind"] for step in roomy.recipe["steps"]] == ["recover", "convert"]
    assert roomy["prune"].gain.startswith("zeros save bytes after gzip only")

    macs = model_statistics(model).macs
    few = advise(model, Budget(macs=macs // 4), verbose=0)
    assert few.verdict.startswith("8-bit integers alone are not enough: ")
    assert few["prune_channels"].helps and few["distill"].helps and not few["cluster"].helps
    assert few["prune_channels"].figures["macs_left"] == pytest.approx(0.25, abs=0.02)
    assert few["distill"].source.startswith("estimate")
    assert few.recipe["steps"][0]["kind"] == "prune_channels"
    assert tfedge.Recipe.from_dict(few.recipe)

    packed = advise(model, Budget(gzip_bytes=4500), verbose=0)
    assert packed["prune"].helps and "within the limit" in packed["prune"].gain
    assert packed["prune"].figures["gzip_bytes"] <= 4500

    never = advise(model, Budget(macs=10), verbose=0)
    assert never.verdict.startswith("macs is out of reach: even with 5%")


def test_accuracy_is_told_where_there_are_data(model, x):
    y = model.predict(x, verbose=0).argmax(1)
    advice = advise(model, Budget(accuracy_drop=0.5), x, (x, y), verbose=0)
    lite = tfedge.convert(model, "int8", x, parity=False)
    accuracy = tfedge.evaluate(lite, x, y, verbose=0).accuracy
    assert advice["recover"].figures["accuracy_drop"] == pytest.approx(1 - accuracy)
    assert not advice["quantize"].helps
    stern = advise(model, Budget(accuracy_drop=0.0), x, (x, 9 - y), verbose=0)
    assert f"{stern['recover'].figures['accuracy_drop'] * 100:.2f} %" in stern["quantize"].gain
    assert "accuracy was not measured" in advise(model, Budget(macs=9), verbose=0)["recover"].source


def test_models_that_integers_do_not_take_are_told(x, monkeypatch, model):
    from tfedge.errors import ConversionError
    from tfedge.pipeline.search import proxies

    def refusing(model, quantize="float32", *args, **settings):
        if quantize == "int8":
            raise ConversionError("Converting 'x' to int8 failed: no kernel.\nmore")
        return tfedge.convert(model, quantize, *args, **settings)

    monkeypatch.setattr(proxies, "convert", refusing)
    found = curves(model, x, Budget(size_bytes=9), fractions=())
    assert found.mode == "dynamic"
    assert found.mode_reason.endswith("Converting 'x' to int8 failed: no kernel.")
    with pytest.raises(ConversionError, match="no kernel"):
        curves(model, x, Budget(integer_only=True), fractions=())


def test_models_without_channels_to_remove(x):
    keras = keras3()
    stack = [keras.Input((8,)), keras.layers.Dense(10, name="only")]
    advice = advise(keras.Sequential(stack, name="one"), Budget(size_bytes=500), verbose=0)
    assert not advice["prune_channels"].helps
    assert "has no channels that can go" in advice["prune_channels"].gain
    assert advice.curves.least == 1.0


def test_bad_input_is_refused():
    with pytest.raises(ArgumentError, match="is no budget"):
        advise(None, 3)
    with pytest.raises(ModelError, match="A Keras model was asked for"):
        advise(3, Budget(macs=1))


def test_a_record_that_reads_as_advice(model):
    advice = advise(model, Budget(macs=9000), verbose=0)
    text = repr(advice)
    assert text.splitlines()[-1].startswith("begin with: prune_channels(macs 0.")
    assert max(map(len, text.splitlines()[:-1])) <= 100
    pytest.importorskip("pandas")
    assert set(advice.to_pandas()["name"]) == {one.name for one in advice}
