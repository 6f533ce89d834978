import pytest

from tfedge.core.errors import ArgumentError
from tfedge.runtime.latency import roofline as room
from tfedge.runtime.latency.peak import MachinePeak, copy_rates, machine_peak
from tfedge.runtime.latency.profile_record import ModelProfile, OperatorProfile
from tfedge.runtime.latency.roofline import roofline

PEAK = MachinePeak("litert", 1, 100.0, 400.0, 5.0, 20.0)


@pytest.fixture
def measured(monkeypatch):
    """A profile of three operators on a machine whose peak is known."""
    monkeypatch.setattr(room, "machine_peak", lambda *_: PEAK)
    rows = [  # name, type, ms, macs, bytes
        ("CONV_2D", "int8", 1.0, 10**8, 10**6),
        ("DEPTHWISE_CONV_2D", "float32", 0.5, 10**6, 10**6),
        ("ADD", "int8", 0.5, 0, 10**6),
    ]
    operators = tuple(
        OperatorProfile(n, name, "y", kind, ms, 0.3, macs, moved, True, "", ())
        for n, (name, kind, ms, macs, moved) in enumerate(rows)
    )
    return ModelProfile("net", "litert", 1, "alone", 2.0, 1.0, operators, (), None)


def test_the_roof_is_the_lower_of_two(measured):
    found = roofline(measured)
    conv, depthwise = found.points
    assert (conv.intensity, conv.gops, conv.roof_gops) == (200.0, 200.0, 400.0)
    assert (conv.bound, conv.efficiency) == ("compute", 0.5)
    assert (depthwise.intensity, depthwise.gops) == pytest.approx((2.0, 4.0))
    assert (depthwise.roof_gops, depthwise.bound) == (40.0, "bytes")
    assert found.gops == pytest.approx(2e-9 * 101e6 / 2e-3)
    assert list(found.to_pandas()["efficiency"]) == pytest.approx([0.5, 0.1])


def test_the_plot_has_both_roofs_and_all_points(measured):
    axes = roofline(measured).plot()
    assert axes.get_xscale() == axes.get_yscale() == "log"
    labels = axes.get_legend_handles_labels()[1]
    assert {"peak float32", "peak int8", "cache", "memory", "int8 operators"} <= set(labels)
    assert sum(len(dots.get_offsets()) for dots in axes.collections) == 2


def test_this_machine_has_a_peak():
    peak = machine_peak()
    assert peak is machine_peak(), "it is measured once"
    assert 1 < peak.float32_gops < 1e5
    assert peak.int8_gops > peak.float32_gops / 4
    assert peak.cache_gb_per_s > peak.memory_gb_per_s / 2 > 0
    with pytest.raises(ArgumentError, match="threads"):
        machine_peak(threads=0)


def test_copies_move_what_they_say():
    memory, cache = copy_rates(1)
    assert 0.1 < memory < 2000
    assert 0.1 < cache < 20000
