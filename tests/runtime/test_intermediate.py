import numpy as np
import pytest

from tfedge.core.errors import DataError
from tfedge.runtime.intermediate import intermediate_outputs
from tfedge.runtime.model import TFLiteModel


@pytest.mark.parametrize(("name", "atol"), [("cnn_float", 1e-4), ("cnn_int8", 0.15)])
def test_activations_are_those_of_the_keras_layers(tflite_files, name, atol):
    model = TFLiteModel.load(tflite_files / f"{name}.tflite")
    layers = np.load(tflite_files / "cnn_layers.npz")
    found = intermediate_outputs(model, np.load(tflite_files / "cnn.npz")["x"][:16])
    assert len(found) >= len(layers.files)
    for layer in ("first", "second", "third", "pool"):
        tensor = next(key for key in found if f"/{layer}_1/" in key or f"/{layer}/" in key)
        assert found[tensor].dtype == np.float32
        np.testing.assert_allclose(found[tensor], layers[layer], atol=atol)


def test_the_last_tensor_is_what_predict_returns(tflite_files):
    model = TFLiteModel.load(tflite_files / "lstm.tflite")
    x = np.load(tflite_files / "lstm.npz")["x"][:4]
    found = list(intermediate_outputs(model, x).values())
    np.testing.assert_allclose(found[-1], model.predict(x), atol=1e-6)


def test_inputs_are_checked(tflite_files):
    model = TFLiteModel.load(tflite_files / "cnn_int8.tflite")
    with pytest.raises(DataError, match="image"):
        intermediate_outputs(model, np.zeros((2, 3)))
