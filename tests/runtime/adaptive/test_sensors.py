import sys

import numpy as np
import pytest

from tfedge.core.errors import MissingPackageError
from tfedge.runtime.adaptive import sensors
from tfedge.runtime.adaptive.sensors import Battery, CpuLoad, MemoryUse, Power, Temperature
from tfedge.runtime.energy.meters import Meter


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")


def test_load_is_the_busy_part_of_the_ticks_since_last_time(tmp_path):
    write(tmp_path, {"proc/stat": "cpu  100 0 100 800 0 0 0 0 0 0"})
    load = CpuLoad(tmp_path)
    write(tmp_path, {"proc/stat": "cpu  130 10 110 830 20 0 0 0 0 0"})
    assert load() == pytest.approx(50 / 100)
    assert load() == pytest.approx(50 / 100)
    write(tmp_path, {"proc/stat": "cpu  130 10 110 930 20 0 0 0 0 0"})
    assert load() == 0.0


def test_the_hottest_zone_counts(tmp_path):
    zones = {"zone0": "48500", "zone1": "61250", "zone2": "not now"}
    write(tmp_path, {f"sys/class/thermal/thermal_{n}/temp": t for n, t in zones.items()})
    assert Temperature(tmp_path)() == 61.25
    (tmp_path / "bare/sys/class").mkdir(parents=True)
    assert Temperature(tmp_path / "bare")() is None


def test_a_battery_that_is_charged_counts_as_full(tmp_path):
    folder = "sys/class/power_supply/BAT0"
    write(tmp_path, {f"{folder}/capacity": "37", f"{folder}/status": "Discharging"})
    assert Battery(tmp_path)() == 0.37
    write(tmp_path, {f"{folder}/status": "Charging"})
    assert Battery(tmp_path)() == 1.0
    (tmp_path / "bare/sys/class").mkdir(parents=True)
    assert Battery(tmp_path / "bare")() is None


def test_memory_that_can_be_freed_is_not_in_use(tmp_path):
    text = "MemTotal: 8000 kB\nMemFree: 100 kB\nMemAvailable: 6000 kB\nHugePages_Total: 0"
    write(tmp_path, {"proc/meminfo": text})
    assert MemoryUse(tmp_path)() == pytest.approx(0.25)


def test_power_from_joules_is_their_rise_over_time(monkeypatch):
    time, joules = [0.0], [100.0]
    monkeypatch.setattr(sensors.time, "monotonic", lambda: time[0])
    power = Power(meter=Meter(lambda: joules[0], "joules", interval_s=0.5))
    assert power() is None
    time[0], joules[0] = 0.1, 100.5
    assert power() is None
    time[0], joules[0] = 2.0, 106.0
    assert power() == pytest.approx(3.0)


def test_psutil_agrees(tmp_path):
    psutil = pytest.importorskip("psutil")
    assert MemoryUse()() == pytest.approx(psutil.virtual_memory().percent / 100, abs=0.03)
    assert MemoryUse(tmp_path)() == pytest.approx(MemoryUse()(), abs=0.03)
    assert 0.0 <= CpuLoad(tmp_path)() <= 1.0
    found = [Temperature(tmp_path)(), Battery(tmp_path)()]
    assert all(value is None or np.isfinite(value) for value in found)


def test_other_systems_need_psutil(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    for sensor in (lambda: CpuLoad(tmp_path), MemoryUse(tmp_path), Battery(tmp_path)):
        with pytest.raises(MissingPackageError, match=r"tfedge\[adaptive\]"):
            sensor()
