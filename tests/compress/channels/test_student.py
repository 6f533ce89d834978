"""Students of a teacher's own architecture: widths, inherited weights, random ones."""

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.flavours import flavour_of, keras3, tf_keras
from tfedge.models.statistics import model_statistics

KERASES = pytest.mark.parametrize("keras", [keras3(), tf_keras()], ids=["keras3", "tf_keras"])


def network(keras, frozen=False):
    """A teacher with a normalization of its inputs, one of its features, and a frozen layer."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    inputs = keras.Input((10, 10, 3), name="image")
    scale = layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0], name="scale")
    adapted = layers.Normalization(name="adapted")
    adapted.adapt(np.random.default_rng(0).normal(2.0, 3.0, (50, 10, 10, 3)).astype("float32"))
    x = adapted(scale(inputs))
    x = layers.Conv2D(16, 3, name="first")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Conv2D(24, 3, name="second", trainable=not frozen)(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(inputs, layers.Dense(5, name="head")(x), name="teacher")
    rng = np.random.default_rng(2)
    biases = [model.get_layer(name).weights[1] for name in ("first", "second")]
    for weight in (*model.get_layer("norm").weights, *biases):
        weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return model


def values(model):
    return [np.asarray(weight) for weight in model.get_weights()]


def _kept(whole, slim):
    """Return which channels of a layer are left, told by their biases."""
    ours, theirs = (layer.get_weights()[1] for layer in (slim, whole))
    return [int(np.flatnonzero(theirs == bias)[0]) for bias in ours]


@KERASES
def test_half_of_the_channels_stay_with_their_weights(keras):
    teacher = network(keras)
    before = values(teacher)
    found = tfedge.student(teacher)
    assert (found.get_layer("first").filters, found.get_layer("second").filters) == (8, 12)
    assert flavour_of(found) == flavour_of(teacher)
    assert [one.name for one in found.layers] == [one.name for one in teacher.layers]
    first, second = (
        _kept(teacher.get_layer(name), found.get_layer(name)) for name in ("first", "second")
    )
    assert (len(first), len(second)) == (8, 12)
    kernel, bias = teacher.get_layer("second").get_weights()
    slim_kernel, slim_bias = found.get_layer("second").get_weights()
    np.testing.assert_array_equal(slim_kernel, kernel[:, :, first][..., second])
    np.testing.assert_array_equal(slim_bias, bias[second])
    for whole, slim in zip(
        values(teacher.get_layer("norm")), values(found.get_layer("norm")), strict=True
    ):
        np.testing.assert_array_equal(slim, whole[first])
    same = values(tfedge.prune_channels(teacher, ratio=0.5))
    assert all((a == b).all() for a, b in zip(values(found), same, strict=True))
    assert all((a == b).all() for a, b in zip(values(teacher), before, strict=True))


@KERASES
def test_random_weights_are_those_of_the_initializers(keras):
    teacher = network(keras)
    slim = tfedge.student(teacher, 0.5)
    keras.utils.set_random_seed(3)
    found = tfedge.student(teacher, 0.5, inherit=False)
    assert [one.shape for one in values(found)] == [one.shape for one in values(slim)]
    assert [one.name for one in found.layers] == [one.name for one in teacher.layers]
    kernel, bias = found.get_layer("second").get_weights()
    limit = np.sqrt(6 / (9 * (8 + 12)))  # Glorot and Bengio 2010, of the narrow layer
    assert 0.95 * limit < np.abs(kernel).max() <= limit
    assert abs(kernel.std() / (limit / np.sqrt(3)) - 1) < 0.1
    assert not bias.any()
    norm = found.get_layer("norm").get_weights()
    for weight, value in zip(norm, (1, 0, 0, 1), strict=True):
        np.testing.assert_array_equal(weight, np.full(8, value))
    keras.utils.set_random_seed(4)
    other = tfedge.student(teacher, 0.5, inherit=False)
    assert (other.get_layer("second").get_weights()[0] != kernel).all()


@KERASES
def test_what_training_does_not_change_is_the_teachers(keras):
    teacher = network(keras, frozen=True)
    slim = tfedge.student(teacher, 0.5)
    found = tfedge.student(teacher, 0.5, inherit=False)
    for name in ("second", "adapted"):
        pairs = (values(slim.get_layer(name)), values(found.get_layer(name)))
        assert all((a == b).all() for a, b in zip(*pairs, strict=True))
    assert (
        slim.get_layer("first").get_weights()[0] != found.get_layer("first").get_weights()[0]
    ).any()
    assert not found.get_layer("second").trainable
    x = np.random.default_rng(5).normal(size=(2, 10, 10, 3)).astype("float32")
    np.testing.assert_allclose(
        np.asarray(found.get_layer("adapted")(found.get_layer("scale")(x))),
        np.asarray(teacher.get_layer("adapted")(teacher.get_layer("scale")(x))),
        rtol=1e-5,
    )


@KERASES
def test_other_targets_and_settings(keras):
    teacher = network(keras)
    macs = model_statistics(teacher).macs
    for inherit in (True, False):
        found = tfedge.student(teacher, macs=0.25, inherit=inherit)
        assert 0.95 * 0.25 * macs <= model_statistics(found).macs <= 0.25 * macs
    found = tfedge.student(teacher, 0.4, round_to=8, exclude="second")
    assert (found.get_layer("first").filters, found.get_layer("second").filters) == (8, 24)
    found = tfedge.student(teacher, {"second": 0.75})
    assert (found.get_layer("first").filters, found.get_layer("second").filters) == (16, 6)


def test_a_student_of_a_path_learns(tmp_path):
    keras = keras3()
    teacher = network(keras)
    teacher.save(tmp_path / "teacher.keras")
    found = tfedge.student(tmp_path / "teacher.keras", 0.5, inherit=False)
    x = np.random.default_rng(6).normal(size=(32, 10, 10, 3)).astype("float32")
    distiller = tfedge.Distiller(
        student=found, teacher=teacher, alpha=1.0, losses=tfedge.distill.RegressionTarget()
    )
    distiller.compile(keras.optimizers.Adam(1e-2), "mse")
    y = teacher.predict(x, verbose=0)
    history = distiller.fit(x, y, epochs=6, verbose=0).history
    assert history["loss"][-1] < 0.5 * history["loss"][0]


def test_nonsense_is_refused():
    teacher = network(tf_keras())
    with pytest.raises(ArgumentError, match="ratio and macs"):
        tfedge.student(teacher, 0.5, macs=0.5)
    with pytest.raises(ArgumentError, match="ratio=1"):
        tfedge.student(teacher, 1.0)
    with pytest.raises(ModelError, match="is pruned"):
        tfedge.student(tfedge.prune(teacher))
    with pytest.raises(TypeError, match="widht"):
        tfedge.student(teacher, widht=0.5)
