"""What fits a device, against sums by hand."""

import dataclasses

import pytest

import tfedge
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.runtime.memory import device as device_module
from tfedge.runtime.memory import memory as memory_module

FIGURES = ("ram_bytes", "flash_bytes", "clock_mhz", "numeric_types")


@pytest.fixture(autouse=True)
def planned_only(monkeypatch):
    """Without tflite-micro, so that figures are those of the plan."""
    monkeypatch.setattr(memory_module, "micro_available", lambda: False)
    monkeypatch.setattr(device_module, "_OWN", {})


def board(**figures):
    """A microcontroller."""
    given = {
        "name": "Board 1",
        "kind": "microcontroller",
        "processor": "Cortex-M4F",
        "ram_bytes": 1600,
        "flash_bytes": 20_000,
        "clock_mhz": 80,
        "numeric_types": ("int8", "int16", "float32"),
        "sources": dict.fromkeys(FIGURES, "own board"),
    }
    return tfedge.devices.Device(**{**given, **figures})


def test_margins_by_hand(load):
    model = load("cnn_int8")
    found = tfedge.fits(model, board())
    assert found and found.fits
    assert found["flash"].margin == 20_000 - len(model.content)
    assert (found["RAM"].needed, found["RAM"].margin) == (1600, 0)
    short = tfedge.fits(model, board(ram_bytes=1599))
    assert not short and [check.what for check in short.misfits] == ["RAM"]
    assert short["RAM"].margin == -1 and "short by 1" in repr(short)
    assert "does not fit Board 1" in repr(short)


def test_the_program_takes_its_share(load):
    model = load("cnn_int8")
    left = 20_000 - len(model.content)
    assert tfedge.fits(model, board(), program_flash_bytes=left)
    assert not tfedge.fits(model, board(), program_flash_bytes=left + 1)
    assert not tfedge.fits(model, board(), program_ram_bytes=1)
    with pytest.raises(ArgumentError, match="program_ram_bytes"):
        tfedge.fits(model, board(), program_ram_bytes=-1)


def test_an_arena_lies_in_one_piece(load):
    found = tfedge.fits(load("cnn_int8"), board(ram_bytes=10_000, block_bytes=1000))
    assert not found and found["RAM"].margin == -600


def test_operators_and_numbers(load):
    dynamic = tfedge.fits(load("cnn_dynamic"), board(ram_bytes=10**6))
    assert [check.what for check in dynamic.misfits] == ["operators"]
    assert "float activations with integer weights" in dynamic["operators"].note
    soft = tfedge.fits(load("cnn_float"), board(ram_bytes=10**6, numeric_types=("int8",)))
    assert soft.fits and soft["numbers"].available == 0
    assert "float32, which runs in software" in soft["numbers"].note
    hard = tfedge.fits(load("cnn_float"), board(ram_bytes=10**6))
    assert hard["numbers"].margin == 0


def test_large_devices_and_the_edge_tpu(load):
    pi = tfedge.fits(load("cnn_float"), "Raspberry Pi 4 Model B, 2 GB")
    assert pi.fits and "flash" not in {check.what for check in pi.checks}
    assert pi["RAM"].needed == len(load("cnn_float").content) + 6400
    coral = tfedge.fits(load("cnn_float"), "coral usb accelerator")
    assert not coral and "float32 activations" in coral["operators"].note
    small = dataclasses.replace(tfedge.devices.get("Coral USB Accelerator"), ram_bytes=100)
    assert "fetched again" in tfedge.fits(load("cnn_int8"), small)["weights"].note


def test_several_devices_make_a_table(load):
    pytest.importorskip("pandas")
    table = tfedge.fits(load("cnn_int8"))
    assert [row.device for row in table] == [one.name for one in tfedge.devices.list()]
    assert len(repr(table).splitlines()) == len(table) + 1
    assert set(table.to_pandas()["device"]) == {row.device for row in table}
    two = tfedge.fits(load("cnn_int8"), ["Raspberry Pi Pico", board()])
    assert [row.device for row in two] == ["Raspberry Pi Pico", "Board 1"]


def test_what_cannot_be_fitted(load):
    with pytest.raises(ArgumentError, match="Did you mean 'Raspberry Pi Pico'"):
        tfedge.fits(load("cnn_int8"), "raspberry pico")
    for wrong in (3, [3]):
        with pytest.raises(ArgumentError, match="device=3 is no device"):
            tfedge.fits(load("cnn_int8"), wrong)
    with pytest.raises(ModelError, match="cannot be fitted"):
        tfedge.fits(7, "Raspberry Pi Pico")


def test_users_add_devices():
    mine = tfedge.devices.register(board())
    assert tfedge.devices.get("BOARD 1") is mine
    assert tfedge.devices.list("microcontroller").rows[-1] is mine
    larger = tfedge.devices.register(board(ram_bytes=99_999))
    assert tfedge.devices.get("Board 1") is larger
    with pytest.raises(ArgumentError, match=r"takes a tfedge\.devices\.Device, found dict"):
        tfedge.devices.register({})


@pytest.mark.parametrize(
    ("figures", "message"),
    [
        ({"ram_bytes": 0}, "ram_bytes=0 must be a whole number"),
        ({"flash_bytes": 1.5}, "flash_bytes=1.5"),
        ({"kind": "toaster"}, "kind='toaster' is not known"),
        ({"sources": {"ram_bytes": "own"}}, "no source for flash_bytes, clock_mhz, numeric_types"),
    ],
)
def test_figures_that_cannot_be(figures, message):
    with pytest.raises(ArgumentError, match=message):
        board(**figures)


def test_the_table_of_devices():
    table = tfedge.devices.list()
    names = [one.name for one in table]
    assert len(set(names)) == len(names) >= 15
    for one in table:
        assert one.arena_bytes <= one.ram_bytes
        assert set(one.numeric_types) <= {"int8", "int16", "float16", "float32"}
        assert (one.flash_bytes is not None) == (one.kind == "microcontroller")
    processors = " ".join(one.processor for one in table)
    for needed in ("Cortex-M4", "Cortex-M7", "Cortex-M33", "Cortex-M0+", "LX7", "Edge TPU"):
        assert needed in processors
    assert {one.kind for one in table} == set(device_module.KINDS)
    assert len(tfedge.devices.list("phone")) + len(tfedge.devices.list("computer")) >= 6
    assert len({len(line) for line in repr(table).splitlines()}) == 1
    with pytest.raises(ArgumentError, match="kind='pi'"):
        tfedge.devices.list("pi")
