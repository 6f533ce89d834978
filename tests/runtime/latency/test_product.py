import numpy as np
import pytest

from tfedge.runtime.latency.product import product_file
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.runner import Runner


@pytest.mark.parametrize("shape", [(2, 16, 8), (5, 32, 7), (64, 256, 128), (1, 3, 1)])
def test_the_float_file_is_numpys_product(shape):
    rows, inputs, outputs = shape
    model = TFLiteModel(product_file("float32", *shape))
    x = np.random.default_rng(1).standard_normal((rows, inputs)).astype("float32")
    [weights] = model.weights().values()
    assert weights.shape == (outputs, inputs)
    np.testing.assert_allclose(model.predict(x), x @ weights.T, rtol=1e-4, atol=1e-5)


def test_the_integer_file_is_numpys_product_of_codes():
    model = TFLiteModel(product_file("int8", 4, 32, 5))
    codes = np.random.default_rng(1).integers(-8, 9, (4, 32), np.int8)
    [weights] = model.weights().values()
    feed, weight, result = model.tensors()
    sums = (codes.astype(int) - feed.zero_point) @ weights.astype(int).T
    expected = np.rint(sums * feed.scale * weight.scale / result.scale) + result.zero_point
    found = Runner(model).predict(codes, raw=True)
    assert np.abs(found - np.clip(expected, -128, 127)).max() <= 1
    assert len(np.unique(found)) > 3
