"""A converter that crashes, is interrupted or leaks leaves the user's session as it was."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import tfedge
from tfedge.convert import recurrent
from tfedge.convert.dispatch import converter_worker
from tfedge.errors import ConversionError


def test_a_segfault_becomes_an_error_and_the_next_call_works(cnn, digits, keras, monkeypatch):
    layers = [keras.Input((6, 3)), keras.layers.GRU(4)]
    model = keras.Sequential(layers, name="loop")
    with monkeypatch.context() as patch:
        patch.setattr(recurrent, "unrolled", lambda model, inputs: model)
        with pytest.raises(ConversionError, match=r"'loop' to int8 failed.*SIGSEGV"):
            tfedge.convert(model, "int8", np.zeros((5, 6, 3), "float32"))
    assert tfedge.convert(cnn, "int8", digits[0]).notes["parity"].agreement > 0.9


def test_a_killed_converter_is_started_again(cnn):
    tfedge.convert(cnn)
    before = converter_worker().pid
    os.kill(before, signal.SIGKILL)
    time.sleep(0.2)
    tfedge.convert(cnn)
    assert converter_worker().pid != before


def test_the_converter_is_started_once(cnn):
    tfedge.convert(cnn)
    before = converter_worker().pid
    tfedge.convert(cnn)
    assert converter_worker().pid == before


def resident_bytes():
    """Resident size of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_twenty_conversions_do_not_grow_the_parent(cnn, digits):
    sizes = []
    for _ in range(20):
        tfedge.convert(cnn, "int8", digits[0], calibration_samples=20)
        sizes.append(resident_bytes())
    assert max(sizes[10:]) < max(sizes[5:10]) + 20e6


SCRIPT = """
    import signal, sys, numpy as np, tensorflow as tf, tfedge
    from tfedge.convert.dispatch import converter_worker
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
    layers = tf.keras.layers
    model = tf.keras.Sequential([layers.Input((8,)), layers.Dense(4)])
    tfedge.convert(model)
    print(converter_worker().pid, flush=True)
    while True:
        tfedge.convert(model, "int8", np.zeros((5, 8), "float32"), parity=False)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_script_leaves_no_orphan(how):
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(SCRIPT)]
    script = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    worker = int(script.stdout.readline())
    time.sleep(0.5)
    script.send_signal(how)
    try:
        script.wait(timeout=30)
    finally:
        script.kill()
        script.stdout.close()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(f"/proc/{worker}").exists()
