"""Latency, memory and energy measured on a device."""

import pytest

import tfedge
from tfedge.core.errors import ArgumentError, MeterError, MissingPackageError, ModelError

pytestmark = pytest.mark.filterwarnings("ignore::tfedge.errors.NoisyTimingWarning")


def test_one_file(remote, load):
    record = tfedge.benchmark(load("cnn_int8"), runs=50, on=remote)
    assert (record.model, record.runtime, record.runs) == ("cnn_int8", "litert", 50)
    assert record.on == remote.name
    assert f"on litert at {remote.name}, 1 thread" in repr(record)
    assert 0 < record.p50_low_ms <= record.p50_ms <= record.p99_ms
    assert 20e6 < record.peak_memory_bytes < 150e6, "a process without TensorFlow"


def test_by_address(sshd, device_python, tflite_files):
    address = sshd.address(device_python)
    record = tfedge.benchmark(tflite_files / "cnn_float.tflite", runs=20, on=address)
    assert record.runs == 20
    assert sshd.is_clean()


def test_sweeps_and_several_files(remote, load, tmp_path):
    files = [load("cnn_int8"), load("cnn_float")]
    sweep = tfedge.benchmark(files, batch=[1, 4], runs=20, on=remote)
    found = [(record.model, record.batch, record.on) for record in sweep.records]
    names = [(file.name, batch) for file in files for batch in (1, 4)]
    assert found == [(*each, remote.name) for each in names]
    assert remote.name in repr(sweep)
    again = tfedge.load_record(tfedge.save_record(sweep, tmp_path / "sweep.json"))
    assert again == sweep


@pytest.mark.filterwarnings("default")
def test_warnings_from_there_are_given_here(remote, load):
    many = remote.info.cores + 1
    with pytest.warns(UserWarning, match=rf"On .*threads={many} is more than"):
        tfedge.benchmark(load("cnn_int8"), threads=many, runs=10, on=remote)


def test_errors_from_there(remote, load, digits):
    with pytest.raises(ArgumentError, match=r"threads=0"):
        tfedge.benchmark(load("cnn_int8"), threads=0, on=remote)
    with pytest.raises(MissingPackageError, match=r"On .*tflite-runtime"):
        tfedge.benchmark(load("cnn_int8"), runtime="tflite-runtime", on=remote)
    with pytest.raises(ModelError, match="cannot be timed"):
        tfedge.benchmark(len, on=remote)
    with pytest.raises(ArgumentError, match="is no device"):
        tfedge.benchmark(load("cnn_int8"), on=7)


def test_ratio_there(remote, load, tmp_path):
    files = load("cnn_float"), load("cnn_int8")
    found = tfedge.compare_latency(*files, runs=50, on=remote)
    assert [found.first.model, found.second.model] == ["cnn_float", "cnn_int8"]
    assert found.first.on == found.second.on == remote.name
    assert found.ratio_low <= found.ratio <= found.ratio_high
    assert f"at {remote.name}, 1 thread, 50 runs in turns" in repr(found)
    assert tfedge.load_record(tfedge.save_record(found, tmp_path / "ratio.json")) == found
    with pytest.raises(ArgumentError, match=r"threads=0"):
        tfedge.compare_latency(*files, threads=0, on=remote)


@pytest.mark.parametrize("against", [None, "cnn_float"])
def test_operators_there(remote, load, against):
    other = against and load(against)
    found = tfedge.profile(load("cnn_int8"), against=other, seconds=0.2, on=remote)
    assert [one.name for one in found.operators] == [o.name for o in load("cnn_int8").operators]
    assert (found.on, found.latency_ms > 0) == (remote.name, True)
    assert f"on litert at {remote.name}, 1 thread" in repr(found)
    assert (found.against and found.against.second.on) == (against and remote.name)


def test_energy_there(remote, load):
    record = tfedge.energy(load("cnn_int8"), method="estimated", on=remote)
    here = tfedge.energy(load("cnn_int8"), method="estimated")
    assert (record.method, record.on) == ("estimated", remote.name)
    assert record.energy_uj == pytest.approx(here.energy_uj)
    assert f"'cnn_int8' at {remote.name}: " in repr(record)
    with pytest.raises(MeterError, match=r"On .*no meter 'bench'"):
        tfedge.energy(load("cnn_int8"), meter="bench", on=remote)
