"""One small model in every state that it can be in, made through the public functions."""

import keras
import numpy as np
import pytest

import tfedge

LOSS = "sparse_categorical_crossentropy"


@pytest.fixture(scope="session")
def data():
    """(x, y): vectors whose largest coordinate is the class."""
    x = np.random.default_rng(0).random((96, 6), "float32")
    return x, x[:, :3].argmax(1)


@pytest.fixture(scope="session")
def float_model(data):
    """Return a trained Keras 3 model."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6,), name="features")
    x = keras.layers.Dense(16, activation="relu", name="hidden")(inputs)
    outputs = keras.layers.Dense(3, activation="softmax", name="head")(x)
    return trained(keras.Model(inputs, outputs, name="tiny"), data, epochs=20)


def trained(model, data, epochs=2):
    """Compile with Keras 3 objects, train, return the model."""
    model.compile(keras.optimizers.Adam(1e-2), LOSS, metrics=["accuracy"])
    model.fit(*data, batch_size=16, epochs=epochs, verbose=0)
    return model


@pytest.fixture(scope="session")
def states(float_model, data):
    """Trained models by name: pruned, quantized, pruned then quantized or clustered, a student."""
    schedule = tfedge.PolynomialDecay(0.0, 0.5, 0, 6, frequency=2)
    pruned = trained(tfedge.prune(float_model, schedule), data)
    qat = trained(tfedge.quantize(float_model, calibration=data[0]), data)
    pqat = tfedge.quantize(pruned, preserve=("sparsity",), calibration=data[0])
    student = tfedge.Distiller(tfedge.prune(float_model), float_model, alpha=0.3)
    return {
        "pruned": pruned,
        "QAT": qat,
        "PQAT": trained(pqat, data),
        "student": trained(student, data).student,
        "clustered": trained(tfedge.cluster(pruned, 6), data),
    }


@pytest.fixture(scope="session")
def lite(states, data):
    """Return the int8 file of the pruned and quantized model."""
    return tfedge.convert(states["PQAT"], "int8", data[0])
