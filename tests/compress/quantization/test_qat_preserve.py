"""PQAT, CQAT and PCQAT: zeros and shared values survive training, and are in the file."""

import numpy as np
import pytest

import tfedge
from tfedge.compress.quantization.report import quantization_of
from tfedge.core.errors import ModelError
from tfedge.models.flavours import keras3, tf_keras
from tfedge.models.training.exportable import check_kernel

LOSS = "sparse_categorical_crossentropy"
CLUSTERS = 8


@pytest.fixture(scope="module")
def sparse(trained, digits):
    return fitted(tfedge.prune(trained, tfedge.ConstantSparsity(0.6, 0)), digits, epochs=2)


@pytest.fixture(scope="module")
def clustered(trained):
    return tfedge.cluster(trained, CLUSTERS)


@pytest.fixture(scope="module")
def both(sparse):
    return tfedge.cluster(sparse, CLUSTERS)


def fitted(model, digits, epochs=1):
    """Return the model, trained."""
    model.compile(tf_keras().optimizers.Adam(1e-3), LOSS)
    model.fit(*digits[:2], batch_size=64, epochs=epochs, verbose=0)
    return model


def kernels_in(lite):
    """Return the int8 kernels of a file by the name of their layer."""
    found = {}
    for row in tfedge.unique_weights(lite).kernels:
        for name in ("conv1", "conv2", "head"):
            if f"/{name}/" in row.name:
                found[name] = row
    return found


@pytest.mark.parametrize(
    ("start", "preserve", "zeros", "clusters"),
    [
        ("sparse", ("sparsity",), True, False),
        ("clustered", "clusters", False, True),
        ("both", ("sparsity", "clusters"), True, True),
        ("both", None, True, True),
        ("clustered", None, False, True),
        ("both", (), False, False),
    ],
)
def test_what_is_kept_while_training(start, preserve, zeros, clusters, digits, request, accuracy):
    model = request.getfixturevalue(start)
    qat = tfedge.quantize(model, preserve=preserve, calibration=digits[0][:200])
    report = quantization_of(qat)
    assert bool(report.keeps_zeros) is zeros
    assert bool(report.keeps_clusters) is clusters
    before = tfedge.sparsity(tfedge.strip(model))
    fitted(qat, digits)
    assert accuracy(qat) > 0.93
    lite = tfedge.convert(qat, "int8")
    if zeros:
        after = {row.name: row.zeros for row in tfedge.sparsity(lite).layers}
        assert sum(after.values()) >= before.zeros
    found = kernels_in(lite)
    assert (max(row.unique for row in found.values()) <= CLUSTERS) is clusters
    assert tfedge.compare(qat, lite, digits[2], latency=False).agreement >= 0.995


def test_shared_values_train_and_weights_change_theirs(clustered, digits):
    qat = tfedge.quantize(clustered, calibration=digits[0][:200])
    [values] = [w for w in qat.weights if "head" in w.name and "centroids" in w.name]
    start = values.numpy()
    fitted(qat, digits)
    assert np.abs(values.numpy() - start).max() > 1e-4


def test_clusters_of_each_channel_stay_apart(trained, digits):
    model = tfedge.cluster(trained, 4, per_channel=True)
    qat = fitted(tfedge.quantize(model, calibration=digits[0][:200]), digits)
    layer = qat.get_layer("conv2")
    [(kernel, scheme, state)] = layer._weight_vars
    assert scheme.axes == (3,) and scheme.cluster_axis == 3
    made = scheme.apply(kernel, False, state).numpy()
    assert max(len(np.unique(made[..., n])) for n in range(made.shape[-1])) <= 4
    assert len(np.unique(made)) > 4


def test_a_stripped_model_is_known_by_its_values(clustered, digits):
    qat = tfedge.quantize(tfedge.strip(clustered))
    assert set(quantization_of(qat).keeps_clusters.values()) == {CLUSTERS}
    assert not quantization_of(tfedge.quantize(tfedge.strip(clustered), preserve=())).keeps_clusters


def test_constant_kernels_are_no_clusters():
    layers = keras3().layers
    head = layers.Dense(8, kernel_initializer="zeros", name="head")
    model = keras3().Sequential([layers.Input((16,)), head])
    report = quantization_of(tfedge.quantize(model))
    assert not report.keeps_clusters


def test_what_was_lost_is_not_exported(both, digits):
    with pytest.raises(ModelError, match="ranges that nothing has set"):
        tfedge.convert(tfedge.quantize(both), "int8")
    qat = tfedge.quantize(both, calibration=digits[0][:200])
    [(kernel, scheme, state)] = qat.get_layer("head")._weight_vars
    check_kernel("head", scheme.apply(kernel, False, state).numpy(), scheme, state)
    with pytest.raises(ModelError, match="'head' has lost zeros"):
        check_kernel("head", kernel.numpy() + 0.01, scheme, state)
    free = np.random.default_rng(0).normal(size=kernel.shape) * state["mask"].numpy()
    with pytest.raises(ModelError, match="distinct values in its kernel and was to keep 8"):
        check_kernel("head", free, scheme, state)
