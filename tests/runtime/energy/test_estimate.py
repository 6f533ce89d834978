"""Estimates against sums by hand with the figures of the paper."""

import pytest

from tfedge.core.errors import ModelError
from tfedge.runtime.energy.estimate import estimate_energy, homes
from tfedge.runtime.energy.horowitz import MAC_PJ, MULTIPLY_PJ, sram_pj_per_byte

CONV, DEPTHWISE, POINTWISE, DENSE = 9_216, 5_184, 13_824, 2_160


def test_an_int8_file_by_hand(load):
    lite = load("cnn_int8")
    found = estimate_energy(lite, 1 << 20)
    assert sum(one.macs for one in found.operators) == CONV + DEPTHWISE + POINTWISE + DENSE
    first = found.operators[0]
    assert (first.name, first.macs) == ("CONV_2D", CONV)
    x, kernel, bias, y = 8 * 8 * 1, 16 * 9, 16 * 4, 8 * 8 * 16
    assert (first.activation_bytes, first.weight_bytes) == (x + y, kernel + bias)
    assert first.compute_uj == pytest.approx(1e-6 * CONV * (0.2 + 0.1))
    assert first.memory_uj == pytest.approx(1e-6 * (x + y + kernel + bias) * 10 / 8)
    assert found.middle_uj == pytest.approx(sum(one.energy_uj for one in found.operators))
    assert found.low_uj == found.high_uj, "SRAM has one figure"
    assert "0.3 pJ in int8" in found.assumptions[1]


def test_a_float_file_pays_for_float(load):
    small, large = (
        estimate_energy(load(name), 1 << 20).operators[0] for name in ("cnn_int8", "cnn_float")
    )
    assert large.compute_uj / small.compute_uj == pytest.approx(4.6 / 0.3)
    assert large.memory_uj / small.memory_uj > 4, "four times the bytes, from a larger SRAM"


def test_sixteen_bits_by_eight(load):
    found = estimate_energy(load("cnn_int16x8"), 1 << 20)
    one = next(one for one in found.operators if one.macs == CONV)
    assert one.compute_uj == pytest.approx(1e-6 * CONV * (0.4 + 0.2))


def test_a_multiplier_grows_with_the_product_of_its_widths():
    assert MAC_PJ["int16"] - 0.2 == pytest.approx(0.2 * 16 * 16 / (8 * 8))
    assert MULTIPLY_PJ["int32"] == pytest.approx(0.2 * 32 * 32 / (8 * 8), rel=0.05), (
        "the paper's own 32 bits"
    )


def test_weights_move_to_dram_first(load):
    lite = load("cnn_int8")
    near = estimate_energy(lite, 1 << 20)
    between = estimate_energy(lite, 2000)
    outside = estimate_energy(lite, 0)
    weights = sum(one.weight_bytes for one in near.operators)
    moved = weights + sum(one.activation_bytes for one in near.operators)
    compute = sum(one.compute_uj for one in near.operators)
    flow = compute + 1e-6 * (moved - weights) * 10 / 8
    assert between.low_uj == pytest.approx(flow + 1e-6 * weights * 1300 / 8)
    assert between.high_uj == pytest.approx(flow + 1e-6 * weights * 2600 / 8)
    assert outside.low_uj == pytest.approx(compute + 1e-6 * moved * 1300 / 8)
    assert outside.high_uj == pytest.approx(compute + 1e-6 * moved * 2600 / 8)
    assert "do not fit beside them and lie in DRAM" in between.assumptions[2]
    assert "more than the 0 bytes of SRAM" in outside.assumptions[2]


@pytest.mark.parametrize(
    ("size", "pj"), [(8192, 10), (8193, 20), (32_769, 100), (1 << 20, 100), (1 << 24, 100)]
)
def test_the_smallest_sram_that_holds_it(size, pj):
    assert 8 * sram_pj_per_byte(size) == pj
    assert 8 * homes(size, 0, 1 << 30)[0].low == pj


def test_a_file_whose_sizes_are_not_fixed_has_no_estimate(load, monkeypatch):
    import tfedge.runtime.energy.estimate as room

    def refused(_):
        raise ModelError("'strings' has no fixed size")

    monkeypatch.setattr(room, "plan_arena", refused)
    with pytest.raises(ModelError, match="no fixed size"):
        estimate_energy(load("cnn_int8"), 1 << 20)
