import numpy as np
import pytest

from tfedge.compress.distillation.distiller import Distiller
from tfedge.compress.pruning.magnitude import prune
from tfedge.compress.pruning.report import sparsity
from tfedge.compress.quantization.aware import quantize
from tfedge.core.errors import ModelError
from tfedge.models.adopt import adopt
from tfedge.models.flavours import keras3, tf_keras, tfmot
from tfedge.models.strip import strip
from tfedge.models.training.schedules import ConstantSparsity


def fitted(sparse, flat):
    sparse.compile("sgd", "sparse_categorical_crossentropy")
    sparse.fit(*flat, batch_size=64, verbose=0)
    return sparse


def test_strip_shares_nothing_and_applies_the_mask(mlp, flat):
    sparse = fitted(prune(mlp(keras3()), ConstantSparsity(0.5, 0)), flat)
    kernel, mask = sparse.get_layer("hidden").pruning_vars[0][:2]
    kernel.assign_add(np.ones(kernel.shape, "float32"))
    before = [weight.numpy() for weight in sparse.weights]
    plain = strip(sparse)
    np.testing.assert_array_equal(
        plain.get_layer("hidden").kernel.numpy(), kernel.numpy() * mask.numpy()
    )
    plain.set_weights([weight * 0 for weight in plain.get_weights()])
    for old, new in zip(before, sparse.weights, strict=True):
        np.testing.assert_array_equal(old, new.numpy())
    sparse.fit(*flat, batch_size=64, verbose=0)


def test_strip_of_a_model_with_operators(flat):
    keras = tf_keras()
    inputs = keras.Input((64,))
    x = keras.layers.Dense(8)(inputs)
    outputs = keras.layers.Dense(10, activation="softmax")(x * 2.0 + x)
    sparse = fitted(prune(keras.Model(inputs, outputs), ConstantSparsity(0.5, 0)), flat)
    plain = strip(sparse)
    assert sparsity(plain).sparsity == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(
        plain.predict(flat[0], verbose=0), sparse.predict(flat[0], verbose=0), atol=1e-6
    )


def test_strip_of_tfmots_own_wrappers(mlp, flat):
    clustering = tfmot().clustering.keras
    model = mlp(tf_keras())
    clustered = clustering.cluster_weights(
        adopt(model),
        number_of_clusters=4,
        cluster_centroids_init=clustering.CentroidInitialization.LINEAR,
    )
    clustered.compile("sgd", "sparse_categorical_crossentropy")
    clustered.fit(*flat, verbose=0)
    plain = strip(clustered)
    assert len(np.unique(plain.get_layer("hidden").kernel.numpy())) <= 4
    np.testing.assert_allclose(
        plain.predict(flat[0], verbose=0), clustered.predict(flat[0], verbose=0), atol=1e-5
    )
    raw = tfmot().sparsity.keras.prune_low_magnitude(model)
    assert [layer.name for layer in strip(raw).layers] == ["pixels", "hidden", "head"]


def test_strip_of_plain_quantized_and_distilled_models(mlp, flat):
    model = mlp(keras3())
    plain = strip(model)
    np.testing.assert_allclose(
        plain.predict(flat[0], verbose=0), model.predict(flat[0], verbose=0), atol=1e-6
    )
    qat = quantize(model, calibration=flat[0])
    kept = strip(qat)
    assert kept is not qat
    assert [type(a).__name__ for a in kept.layers] == [type(b).__name__ for b in qat.layers]
    np.testing.assert_array_equal(kept.predict(flat[0], verbose=0), qat.predict(flat[0], verbose=0))
    student = prune(model, ConstantSparsity(0.5, 0))
    distilled = strip(Distiller(student=student, teacher=model))
    assert [layer.name for layer in distilled.layers] == ["pixels", "hidden", "head"]


@pytest.mark.parametrize("value", [None, 3, "nowhere.keras", object()])
def test_strip_refuses_what_is_no_model(value):
    with pytest.raises(ModelError):
        strip(value)
