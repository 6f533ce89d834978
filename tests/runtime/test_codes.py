import numpy as np
import pytest

from tfedge.core.affine import quantize
from tfedge.runtime.codes import to_codes

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize("spread", [0.1, 1.0, 1e4, 1e38])
@pytest.mark.parametrize("size", [0, 1, 1 << 15, (1 << 15) + 1, 200_000])
def test_codes_are_those_of_the_plain_formula(dtype, spread, size):
    real = np.clip(RNG.normal(size=size) * spread, -3e38, 3e38).astype("float32")
    for scale, zero_point in ((0.0123, 3), (0.5, 0), (1.0, 7)):
        expected = quantize(np.clip(real, -1e6, 1e6), scale, zero_point, dtype)
        np.testing.assert_array_equal(to_codes(real, scale, zero_point, dtype), expected)


def test_halves_round_to_even_as_in_the_plain_formula():
    real = np.arange(-200, 200) * 0.25
    np.testing.assert_array_equal(to_codes(real, 0.5, 3, "int8"), quantize(real, 0.5, 3, "int8"))


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint8", "int64", "bool"])
def test_other_types_and_layouts(dtype):
    real = (RNG.random((40, 50)) * 9).astype(dtype)
    expected = quantize(real, 0.1, 0, "int8")
    np.testing.assert_array_equal(to_codes(real, 0.1, 0, "int8"), expected)
    np.testing.assert_array_equal(to_codes(real.T, 0.1, 0, "int8"), expected.T)
    np.testing.assert_array_equal(to_codes(real[::2, ::3], 0.1, 0, "int8"), expected[::2, ::3])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("place", [0, 40_000, 99_999])
def test_values_that_are_not_finite_are_noticed(bad, place):
    real = np.zeros(100_000)
    real[place] = bad
    assert to_codes(real, 0.1, 0, "int8") is None
