import numpy as np
import pytest

from tfedge.core.errors import ArgumentError, ModelError
from tfedge.core.masks import global_masks, magnitude_mask
from tfedge.core.patterns import check_fits, parse_pattern

RNG = np.random.default_rng(0)


def kept_of(scores, sparsity):
    """The second source: a loop over the sorted scores."""
    count = max(round(scores.size * (1 - sparsity)), 1)
    ranked = sorted(range(scores.size), key=lambda i: (-scores.flat[i], i))
    return np.isin(np.arange(scores.size), ranked[:count]).reshape(scores.shape)


@pytest.mark.parametrize("shape", [(7,), (6, 5), (3, 3, 4, 8), (2, 3, 2, 3, 4)])
@pytest.mark.parametrize("sparsity", [0.0, 0.3, 0.5, 0.9, 0.999])
def test_the_smallest_go(shape, sparsity):
    kernel = RNG.normal(size=shape)
    mask = magnitude_mask(kernel, sparsity)
    np.testing.assert_array_equal(mask, kept_of(np.abs(kernel), sparsity))
    assert np.abs(kernel[mask]).min() >= np.abs(kernel[~mask]).max(initial=0)


def test_ties_are_cut_exactly():
    assert magnitude_mask(np.ones((4, 4)), 0.75).sum() == 4
    assert magnitude_mask(np.zeros((4, 4)), 0.75)[0].all()


@pytest.mark.parametrize(("n", "m"), [(2, 4), (1, 4), (4, 8), (1, 2), (3, 5)])
@pytest.mark.parametrize(
    ("shape", "axis"), [((16, 6), -2), ((3, 3, 10, 4), -2), ((3, 4, 10), -1), ((8, 2, 5), 0)]
)
def test_n_of_m_along_the_input_channels(n, m, shape, axis):
    kernel = RNG.normal(size=shape)
    mask = np.moveaxis(magnitude_mask(kernel, 1 - n / m, f"{n}:{m}", axis), axis, -1)
    rows = np.moveaxis(kernel, axis, -1)
    for place in np.ndindex(rows.shape[:-1]):
        for start in range(0, rows.shape[-1], m):
            values, kept = (row[place][start : start + m] for row in (rows, mask))
            expected = np.zeros(len(values), bool)
            expected[np.argsort(-np.abs(values))[:n]] = True
            np.testing.assert_array_equal(kept, expected)


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.0, 0), (0.2, 1), (0.3, 1), (0.5, 2), (0.9, 2)])
def test_n_of_m_comes_gradually(sparsity, zeros):
    mask = magnitude_mask(RNG.normal(size=(8, 3)), sparsity, "2:4")
    assert (mask.reshape(2, 4, 3).sum(1) == 4 - zeros).all()


@pytest.mark.parametrize(
    ("pattern", "shape", "block"),
    [
        ("4x1", (8, 6), (4, 1)),
        ("2x3", (3, 3, 4, 6), (1, 1, 2, 3)),
        ("4x4", (7, 9), (4, 4)),
        ("*x*x1x1", (3, 2, 4, 5), (3, 2, 1, 1)),
        ("*x*x*x1", (3, 2, 4, 5), (3, 2, 4, 1)),
        ("*x*x*x1", (4, 5), (4, 1)),
        ("2x1x1x2x1", (3, 3, 3, 4, 2), (2, 1, 1, 2, 1)),
        ("16x1", (3, 5), (3, 1)),
    ],
)
def test_blocks_go_whole_by_their_mean(pattern, shape, block):
    kernel = RNG.normal(size=shape)
    mask = magnitude_mask(kernel, 0.6, pattern)
    counts = [-(-axis // side) for axis, side in zip(shape, block, strict=True)]
    scores, states = np.zeros(counts), np.zeros(counts, bool)
    for place in np.ndindex(*counts):
        window = tuple(slice(i * s, (i + 1) * s) for i, s in zip(place, block, strict=True))
        scores[place] = np.abs(kernel[window]).mean()
        assert mask[window].all() or not mask[window].any()
        states[place] = mask[window].all()
    np.testing.assert_array_equal(states, kept_of(scores, 0.6))


def test_one_threshold_over_all_kernels():
    kernels = [RNG.normal(size=(6, 5)), 0.1 * RNG.normal(size=(3, 3, 4, 8)), RNG.normal(size=(4,))]
    masks = global_masks(kernels, 0.8)
    everything = np.concatenate([kernel.ravel() for kernel in kernels])
    expected = kept_of(np.abs(everything), 0.8)
    np.testing.assert_array_equal(np.concatenate([m.ravel() for m in masks])[:30], expected[:30])
    assert [mask.shape for mask in masks] == [kernel.shape for kernel in kernels]


def test_no_kernel_is_cut_off():
    masks = global_masks([np.full((4, 4), 9.0), np.full((4, 4), 0.01)], 0.5)
    assert masks[0].all() and masks[1].sum() == 1
    blocks = global_masks([np.full((4, 4), 9.0), np.full((4, 4), 0.01)], 0.5, "4x1")
    assert blocks[1].sum() == 4


@pytest.mark.parametrize(
    "text", ["", "elements", "4:4", "5:4", "0:4", "0x4", "4x", "x", "2:", None, 3, (2, 4), "-1x4"]
)
def test_unknown_patterns_are_refused(text):
    with pytest.raises(ArgumentError, match="is not known"):
        parse_pattern(text)


def test_a_kernel_too_small_is_named():
    with pytest.raises(ModelError, match=r"'conv1' with shape \(3, 3, 3, 16\) has 3 input"):
        check_fits(parse_pattern("2:4"), "conv1", (3, 3, 3, 16), -2)
    with pytest.raises(ModelError, match="no axis"):
        check_fits(parse_pattern("2:4"), "dw", (3, 3, 8, 1), None)
    check_fits(parse_pattern("16x16"), "dw", (3, 3, 8, 1), None)
