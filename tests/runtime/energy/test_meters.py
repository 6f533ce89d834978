import os

import numpy as np
import pytest

from tfedge.core.errors import ArgumentError, MeterError
from tfedge.runtime.energy.battery import Battery
from tfedge.runtime.energy.choose import available_meters, choose_meter
from tfedge.runtime.energy.hwmon import Hwmon, hwmon_meters
from tfedge.runtime.energy.meters import Meter, reading
from tfedge.runtime.energy.rapl import Rapl


def rapl_zone(kernel, number, name, energy_uj, range_uj=262_143_328_850):
    values = {"name": name, "energy_uj": energy_uj, "max_energy_range_uj": range_uj}
    return kernel(f"powercap/intel-rapl:{number}", **values) / "energy_uj"


def test_rapl_adds_packages_and_their_dram_once(kernel):
    package = rapl_zone(kernel, "0", "package-0", 1_000_000)
    core = rapl_zone(kernel, "0:0", "core", 500_000)
    dram = rapl_zone(kernel, "0:1", "dram", 0)
    platform = rapl_zone(kernel, "1", "psys", 0)
    meter = Rapl(kernel.root)
    assert meter.read() == 0.0
    assert meter.covers == "package-0, dram of 0:1"
    package.write_text("3500000")
    dram.write_text("250000")
    core.write_text("900000")
    platform.write_text("7000000")
    assert meter.read() == pytest.approx(2.75)


def test_rapl_without_packages_reads_the_platform(kernel):
    counter = rapl_zone(kernel, "1", "psys", 10)
    meter = Rapl(kernel.root)
    counter.write_text("2000010")
    assert (meter.covers, meter.read()) == ("psys", 2.0)


def test_a_counter_that_starts_again_goes_on(kernel):
    counter = rapl_zone(kernel, "0", "package-0", 9_000_000, range_uj=10_000_000)
    meter = Rapl(kernel.root)
    for raw, joules in ((9_500_000, 0.5), (1_500_000, 2.5), (500_000, 11.5), (600_000, 11.6)):
        counter.write_text(str(raw))
        assert meter.read() == pytest.approx(joules)


def test_a_counter_beyond_its_range_is_refused(kernel):
    counter = rapl_zone(kernel, "0", "package-0", 9_000_000, range_uj=1_000_000)
    meter = Rapl(kernel.root)
    counter.write_text("5")
    with pytest.raises(MeterError, match=r"went back from 9,000,000 to 5 microjoules"):
        meter.read()


def test_a_file_that_may_not_be_read_is_said(kernel, monkeypatch):
    counter = rapl_zone(kernel, "0", "package-0", 1)
    read_text = type(counter).read_text

    def guarded(path, *args, **options):
        if path == counter:
            raise PermissionError(13, "Permission denied", str(path))
        return read_text(path, *args, **options)

    monkeypatch.setattr(type(counter), "read_text", guarded)
    with pytest.raises(MeterError, match=r"root only.*sudo chmod a\+r .*energy_uj"):
        Rapl(kernel.root)
    assert "sudo chmod" in available_meters(kernel.root)[1][0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_permission_of_the_system_is_said(kernel):
    rapl_zone(kernel, "0", "package-0", 1).chmod(0)
    with pytest.raises(MeterError, match="sudo chmod"):
        Rapl(kernel.root)


def battery(kernel, name="BAT0", **values):
    return kernel(f"power_supply/{name}", **{"type": "Battery", "status": "Discharging", **values})


def test_a_battery_tells_its_power(kernel):
    folder = battery(kernel, power_now=8_250_000)
    kernel("power_supply/AC", type="Mains", online=0)
    battery(kernel, "mouse", scope="Device", power_now=10**9)
    meter = Battery(kernel.root)
    assert (meter.unit, meter.read()) == ("watts", 8.25)
    (folder / "power_now").write_text("-4000000")  # the sign of some gauges
    assert meter.read() == 4.0


def test_current_and_voltage_of_two_batteries_add_up(kernel):
    battery(kernel, current_now=500_000, voltage_now=12_000_000)
    battery(kernel, "BAT1", power_now=1_000_000)
    battery(kernel, "BAT2", power_now=9_000_000, status="Not charging")
    assert Battery(kernel.root).read() == pytest.approx(7.0)


def test_energy_that_is_left_becomes_energy_that_was_used(kernel):
    folder = battery(kernel, energy_now=40_000_000)
    meter = Battery(kernel.root)
    (folder / "energy_now").write_text("39900000")  # 0.1 Wh less
    assert (meter.unit, meter.read()) == ("joules", pytest.approx(360.0))


def test_charge_that_is_left_counts_at_its_voltage(kernel):
    folder = battery(kernel, charge_now=4_000_000, voltage_now=11_000_000)
    meter = Battery(kernel.root)
    (folder / "charge_now").write_text("3990000")  # 10 mAh at 11 V, then at 10 V
    assert meter.read() == pytest.approx(396.0)
    (folder / "charge_now").write_text("3980000")
    (folder / "voltage_now").write_text("10000000")
    assert meter.read() == pytest.approx(756.0)


@pytest.mark.parametrize("status", ["Charging", "Full", "Not charging"])
def test_a_battery_that_is_not_discharged_tells_nothing(kernel, status):
    battery(kernel, power_now=1, status=status)
    with pytest.raises(MeterError, match=f"BAT0 is '{status}'. Unplug the charger"):
        Battery(kernel.root)


def test_one_battery_that_charges_another_tells_nothing(kernel):
    battery(kernel, power_now=1)
    battery(kernel, "BAT1", power_now=1, status="Charging")
    with pytest.raises(MeterError, match=r"BAT0 is 'Discharging', BAT1 is 'Charging'"):
        Battery(kernel.root)


def test_a_charger_that_is_plugged_in_meanwhile_is_noticed(kernel):
    folder = battery(kernel, power_now=1)
    meter = Battery(kernel.root)
    (folder / "status").write_text("Charging")
    with pytest.raises(MeterError, match="Charging"):
        meter.read()


def test_a_battery_that_tells_nothing_is_said(kernel):
    battery(kernel, charge_now=3_000_000)
    with pytest.raises(MeterError, match="BAT0 tells neither power"):
        Battery(kernel.root)


def test_sensors_tell_power_or_current_and_voltage(kernel):
    ina219 = kernel(
        "hwmon/hwmon3", name="ina219", power1_input=1_250_000, update_interval=20, curr1_input=9
    )
    kernel("hwmon/hwmon4", name="ina3221", in1_input=5000, curr1_input=400, in1_label="VDD_IN")
    kernel("hwmon/hwmon4", in2_input=3300, curr2_input=100, curr4_input=1)
    kernel("hwmon/hwmon5", name="coretemp", temp1_input=40_000)
    one = Hwmon(ina219)
    assert (one.read(), one.name, one.interval_s) == (1.25, "hwmon:ina219 1", 0.02)
    found = {meter.name: meter for meter in hwmon_meters(kernel.root)}
    assert list(found) == ["hwmon:ina219 1", "hwmon:ina3221 VDD_IN", "hwmon:ina3221 2"]
    assert found["hwmon:ina3221 VDD_IN"].read() == 2.0
    assert found["hwmon:ina3221 2"].read() == pytest.approx(0.33)
    with pytest.raises(MeterError, match=r"no channel 4 that tells power; it has \[1, 2\]"):
        Hwmon(kernel("hwmon/hwmon4"), 4)


def test_the_power_of_the_moment_goes_before_an_average(kernel):
    values = {"power1_average": 2_000_000, "power1_input": 3_000_000}
    assert Hwmon(kernel("hwmon/hwmon0", name="power_meter", **values)).read() == 3.0


def test_the_whole_board_goes_before_the_processor(kernel):
    rapl_zone(kernel, "0", "package-0", 1)
    battery(kernel, power_now=1)
    assert choose_meter(None, kernel.root).name == "rapl"
    kernel("hwmon/hwmon0", name="amdgpu", power1_average=9_000_000)
    assert choose_meter(None, kernel.root).name == "rapl", "a graphics card is not the board"
    kernel("hwmon/hwmon1", name="ina226", power1_input=5)
    assert choose_meter(None, kernel.root).name == "hwmon:ina226 1"
    assert choose_meter("battery", kernel.root).name == "battery"
    assert choose_meter("hwmon:amdgpu 1", kernel.root).read() == 9.0


def test_of_several_channels_only_the_one_that_feeds_all_is_the_board(kernel):
    channel = {"in1_input": 5000, "curr1_input": 1, "in2_input": 5000, "curr2_input": 2}
    kernel("hwmon/hwmon0", name="ina3221", **channel)
    with pytest.raises(MeterError, match="unknown parts of the board: name one of them"):
        choose_meter(None, kernel.root)
    kernel("hwmon/hwmon0", in2_label="VDD_IN")
    assert choose_meter("hwmon", kernel.root).read() == 0.01


def test_a_machine_without_meters_says_which_it_looked_for(tmp_path):
    with pytest.raises(MeterError, match=r"No meter was found.*RAPL.*battery.*tfedge\.Meter"):
        choose_meter(None, tmp_path)


def test_a_name_that_is_nearly_right(kernel):
    rapl_zone(kernel, "0", "package-0", 1)
    with pytest.raises(MeterError, match=r"no meter 'rappl' here. Did you mean 'rapl'"):
        choose_meter("rappl", kernel.root)


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), None, "much", np.array([1.0, 2.0])], ids=repr
)
def test_what_is_no_number_is_refused(value):
    with pytest.raises(MeterError, match=r"'shunt' reads .*expected joules as a finite number"):
        reading(Meter(lambda: value, "joules", name="shunt"))


def test_power_that_flows_backward_is_refused():
    with pytest.raises(MeterError, match=r"reads -3 watts: power flows backward"):
        reading(Meter(lambda: -3, "watts"))
    assert reading(Meter(lambda: -3, "joules")) == -3.0, "energy so far may start anywhere"


def test_files_that_hold_no_number_or_are_gone(kernel):
    meter = Hwmon(kernel("hwmon/hwmon0", name="ina226", power1_input="N/A"))
    with pytest.raises(MeterError, match="power1_input says 'N/A', which is no number"):
        meter.read()
    (kernel("hwmon/hwmon0") / "power1_input").unlink()
    with pytest.raises(MeterError, match=r"cannot be read .*No such file"):
        meter.read()


def test_meters_are_made_of_functions_with_a_unit():
    with pytest.raises(ArgumentError, match="needs a function"):
        Meter(3.0, "watts")
    with pytest.raises(ArgumentError, match="unit='milliwatts' is not known"):
        Meter(float, "milliwatts")
    for interval in (0, -1, float("nan")):
        with pytest.raises(ArgumentError, match="interval_s"):
            Meter(float, "watts", interval_s=interval)
    with pytest.raises(ArgumentError, match=r"tfedge\.Meter\(function, 'watts'\)"):
        choose_meter(float)
