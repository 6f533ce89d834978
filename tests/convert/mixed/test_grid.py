"""Kernels of few values, against an exhaustive search."""

import numpy as np
import pytest

from tfedge.convert.mixed.grid import on_grid


@pytest.mark.parametrize("axis", [0, 3, None])
def test_values_and_error(axis):
    kernel = np.random.default_rng(0).normal(size=(4, 3, 3, 5)).astype("float32")
    found = on_grid(kernel, axis)
    rows = (
        [(kernel, found)]
        if axis is None
        else zip(np.moveaxis(kernel, axis, 0), np.moveaxis(found, axis, 0), strict=True)
    )
    for before, after in rows:
        assert len(np.unique(after)) <= 15
        errors = []
        for step in np.abs(before).max() / 7 * np.linspace(0.5, 1, 200):
            errors.append(np.sum((step * np.clip(np.rint(before / step), -7, 7) - before) ** 2))
        assert np.sum((after - before) ** 2) <= 1.05 * min(errors)


def test_zeros_stay():
    assert not on_grid(np.zeros((2, 3)), 0).any()
    assert on_grid(np.zeros((2, 0)), 0).shape == (2, 0)
