"""A file is run beside the model before anybody gets it."""

import numpy as np
import pytest
import tf_keras

import tfedge
from tfedge.errors import ConversionError, ModelError
from tfedge.runtime.worker import Worker


def test_a_good_file_carries_its_parity(cnn, digits, recwarn):
    lite = tfedge.convert(cnn, "int8", digits[0])
    parity = lite.notes["parity"]
    assert parity.agreement >= 0.95
    assert parity.sqnr_db > 25
    assert not recwarn.list


def test_parity_can_be_asked_of_other_samples_or_left_out(cnn, digits):
    assert "parity" not in tfedge.convert(cnn, parity=False).notes
    shown = tfedge.convert(cnn, parity=digits[0][:7])
    assert shown.notes["parity"].samples == 7


def test_a_poor_file_warns_and_names_the_first_layer(keras, digits):
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, name="first", activation="relu"),
            layers.Conv2D(8, 3, name="second", activation="relu"),
            layers.Flatten(),
            layers.Dense(10, name="classes"),
        ]
    )
    far_too_small = digits[0] * 0.02
    with pytest.warns(UserWarning, match="poor copy") as caught:
        lite = tfedge.convert(model, "int8", far_too_small, parity=digits[0])
    assert "first layer that diverges is 'first'" in str(caught[0].message)
    assert lite.notes["parity"].sqnr_db < 10


def test_a_file_that_kills_the_interpreter_is_not_returned(cnn, monkeypatch):
    real = Worker.map

    def deadly(self, target, calls, timeout=None):
        return real(self, "os:abort" if target.endswith("session:run") else target, calls, timeout)

    monkeypatch.setattr(Worker, "map", deadly)
    with pytest.raises(ConversionError, match="running it failed"):
        tfedge.convert(cnn)


def test_qat_and_its_file_agree(cnn, digits):
    qat = tfedge.quantize(cnn, calibration=digits[0])
    lite = tfedge.convert(qat, "int8")
    record = tfedge.compare(qat, lite, *digits, latency=False)
    assert record.agreement >= 0.995
    assert abs(record.differences["accuracy"]) <= 0.005


def test_a_nested_qat_model_brings_its_ranges(cnn, digits):
    qat = tfedge.quantize(cnn, calibration=digits[0])
    image = tf_keras.Input((8, 8, 1))
    outer = tf_keras.Model(image, qat(image), name="outer")
    assert tfedge.convert(outer, "int8").notes["parity"].agreement >= 0.995
    with pytest.raises(ModelError, match="trained with fake quantization to 8 bits"):
        tfedge.convert(outer, "int16x8", digits[0])


def test_pruned_zeros_are_zeros_in_the_file(cnn, digits):
    sparse = tfedge.prune(cnn, tfedge.ConstantSparsity(0.6, begin_step=0))
    sparse.compile("adam", "sparse_categorical_crossentropy")
    sparse.fit(*digits, epochs=1, verbose=0)
    qat = tfedge.quantize(sparse, preserve=("sparsity",), calibration=digits[0])
    kernels = [w for w in tfedge.strip(sparse).get_weights() if w.ndim > 1]
    zeros = sum(int(np.count_nonzero(kernel == 0)) for kernel in kernels)
    for model in (sparse, qat):
        report = tfedge.sparsity(tfedge.convert(model, "int8", digits[0]))
        assert report.weights == sum(kernel.size for kernel in kernels)
        assert report.zeros >= zeros
