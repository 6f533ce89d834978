"""The whole way, with meters whose truth is known."""

import os
import time
from pathlib import Path

import pytest

import tfedge
from tfedge.core.errors import ArgumentError, MeterError, ModelError
from tfedge.runtime.energy import energy as room
from tfedge.runtime.energy.stretches import Net


@pytest.fixture
def lite(load):
    return load("cnn_int8")


def test_without_a_meter_it_is_estimated_and_says_why(lite, tmp_path):
    record = tfedge.energy(lite, root=tmp_path)
    assert (record.method, record.meter, record.runs) == ("estimated", None, 0)
    assert record.energy_uj == record.estimated_uj > 0
    assert record.notes[0].startswith("Not measured: No meter was found")
    assert "for one inference (estimated)" in repr(record)
    assert max(map(len, repr(record).splitlines())) <= 100
    assert tfedge.energy(lite, method="estimated", root=tmp_path).notes == ()


def test_measured_or_nothing(lite, tmp_path):
    for asked in ({"method": "measured"}, {"meter": "rapl"}):
        with pytest.raises(MeterError, match=r"Meters of this machine: none.*no RAPL"):
            tfedge.energy(lite, root=tmp_path, **asked)


def test_a_meter_of_the_processors_time(lite):
    """Half a watt for each second of processor time of the process that runs the file."""
    ticks, me = os.sysconf("SC_CLK_TCK"), os.getpid()

    def joules():
        children = Path(f"/proc/{me}/task/{me}/children").read_text().split()
        stats = [Path(f"/proc/{child}/stat").read_text().rsplit(")")[-1] for child in children]
        spent = sum(sum(map(int, text.split()[11:13])) for text in stats)
        return 0.5 * spent / ticks + 3.0 * time.perf_counter()

    meter = tfedge.Meter(joules, "joules", name="processor time", interval_s=0.01)
    record = tfedge.energy(lite, meter=meter, verbose=0)
    assert (record.method, record.meter, record.threads) == ("measured", "processor time", 1)
    assert record.idle_w == pytest.approx(3.0, rel=0.1)
    assert record.runs > 100
    assert 0 < record.energy_uj < 2 * 0.5 * 1e3 * record.latency_ms
    assert record.energy_low_uj <= record.energy_uj <= record.energy_high_uj
    assert record.estimated_uj == pytest.approx(tfedge.energy(lite, method="estimated").energy_uj)
    assert "measured by processor time" in repr(record)


NET = Net(2e-3, 1.5e-3, 2.5e-3, idle_w=1.0, busy_w=3.0, seconds=1e-3, runs=1800)


@pytest.fixture
def seen(monkeypatch):
    """A meter, and what it sees."""
    monkeypatch.setattr(room, "_watched", lambda *_: seen.net)
    seen.net = NET
    return seen


def test_units_of_the_record(lite, seen):
    record = tfedge.energy(lite, meter=tfedge.Meter(lambda: 1.0, "watts", name="bench"))
    found = (record.energy_uj, record.energy_low_uj, record.energy_high_uj, record.latency_ms)
    assert found == pytest.approx((2000.0, 1500.0, 2500.0, 1.0))
    assert record.battery_life(3.0, duty=0.5).hours == pytest.approx(1.5)
    assert any("Idle power, 1 W" in text for text in record.assumptions)
    assert record.notes == ()


def test_a_measurement_that_reaches_down_to_nothing_says_so(lite, seen):
    seen.net = NET._replace(low=-1e-4)
    record = tfedge.energy(lite, meter=tfedge.Meter(lambda: 1.0, "watts"))
    assert "reaches down to 0" in record.notes[0]


def test_a_measurement_stands_without_an_estimate(lite, seen, monkeypatch):
    def refused(*_):
        raise ModelError("no fixed size")

    monkeypatch.setattr(room, "estimate_energy", refused)
    record = tfedge.energy(lite, meter=tfedge.Meter(lambda: 1.0, "watts"))
    assert (record.operators, record.estimated_uj) == ((), None)
    assert record.notes == ("No estimate by operator: no fixed size",)
    assert repr(record).startswith("'cnn_int8': 2000 µJ (1500 to 2500)")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"method": "guessed"}, "method='guessed' is not known"),
        ({"method": "estimated", "meter": "rapl"}, "reads no meter"),
        ({"threads": 0}, "threads=0"),
        ({"seconds": -1}, "seconds=-1"),
        ({"sram_bytes": -1}, "sram_bytes=-1"),
        ({"meter": 7}, "meter=7 is no meter"),
        ({"meter": tfedge.Meter(float, "watts"), "seconds": 0.1}, "seconds=0.1 is too short"),
        ({"meter": tfedge.Meter(float, "watts"), "on": "ssh://pi@kitchen"}, "cannot travel"),
    ],
)
def test_settings_that_cannot_be(lite, settings, says):
    with pytest.raises(ArgumentError, match=says):
        tfedge.energy(lite, **settings)


def test_a_model_that_is_no_file():
    with pytest.raises(ModelError, match="Convert it"):
        tfedge.energy(len)


def test_tables_and_plots(lite):
    record = tfedge.energy(lite, method="estimated")
    assert record.to_pandas()["energy_uj"].sum() == pytest.approx(record.energy_uj)
    axes = record.plot()
    assert len(axes.get_yticks()) == len(record.operators)
    assert axes.get_legend_handles_labels()[1] == ["multiply-accumulates", "bytes moved"]
    drawn = sum(bar.get_width() for bar in axes.patches)
    assert drawn == pytest.approx(record.energy_uj)
