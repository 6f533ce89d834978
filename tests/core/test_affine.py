import numpy as np
import pytest

from tfedge.core.affine import dequantize, quantize
from tfedge.core.errors import ArgumentError


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_codes_agree_with_exact_arithmetic(dtype):
    limits = np.iinfo(dtype)
    scale, zero_point = 0.25, int(limits.min) // 2 + 3
    real = np.arange(-4000, 4000) * 0.0625
    expected = [min(max(round(v / scale) + zero_point, limits.min), limits.max) for v in real]
    codes = quantize(real, scale, zero_point, dtype)
    assert codes.dtype == dtype
    np.testing.assert_array_equal(codes, expected)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
def test_every_code_survives_the_round_trip(dtype):
    limits = np.iinfo(dtype)
    codes = np.arange(limits.min, limits.max + 1).astype(dtype)
    real = dequantize(codes, 0.0173, 5)
    np.testing.assert_array_equal(quantize(real, 0.0173, 5, dtype), codes)


def test_error_is_at_most_half_a_step():
    real = np.random.default_rng(0).uniform(-1, 1, 10_000).astype("float32")
    scale = 2 / 255
    error = np.abs(dequantize(quantize(real, scale, 0, "int8"), scale, 0) - real)
    assert error[np.abs(real) < 127 * scale].max() <= scale / 2 * 1.0001


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_bad_scales_are_refused(scale):
    with pytest.raises(ArgumentError, match="scale"):
        quantize([1.0], scale, 0, "int8")
