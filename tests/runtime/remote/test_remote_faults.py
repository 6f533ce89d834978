"""What can go wrong on the way to a device, and with it: a clear error, no hang, nothing left."""

import functools
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import DeviceError, MissingPackageError, WorkerError
from tfedge.runtime.remote import device as device_module
from tfedge.runtime.remote.connection import Connection
from tfedge.runtime.remote.device import RemoteDevice
from tfedge.runtime.remote.runner import RemoteRunner


def refused(address):
    """Return the error of a device that cannot be used; it must come at once."""
    start = time.monotonic()
    with RemoteDevice(address) as device, pytest.raises(tfedge.errors.TfedgeError) as caught:
        device.info  # noqa: B018 (connects)
    assert time.monotonic() - start < 30
    return caught.value


def test_no_ssh_program(sshd, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    error = refused(sshd.address())
    assert isinstance(error, MissingPackageError)
    assert "apt install openssh-client" in str(error)


def client(sshd, tmp_path, old, new):
    """Return the config of a client with one line changed."""
    path = tmp_path / "client"
    path.write_text(sshd.config.read_text().replace(old, new))
    return path


def test_unknown_host_keys_are_not_accepted(sshd, tmp_path):
    config = client(sshd, tmp_path, str(sshd.folder / "known_hosts"), str(tmp_path / "none"))
    config.write_text("StrictHostKeyChecking no\n" + config.read_text())
    error = refused(sshd.address(config=config))
    assert isinstance(error, DeviceError)
    assert "host key is not known here" in str(error)
    assert not (tmp_path / "none").exists()


def test_changed_host_keys_are_not_accepted(sshd, tmp_path):
    other = " ".join((sshd.folder / "key.pub").read_text().split()[:2])
    (tmp_path / "known").write_text(f"[127.0.0.1]:{sshd.port} {other}\n")
    config = client(sshd, tmp_path, str(sshd.folder / "known_hosts"), str(tmp_path / "known"))
    assert "not the one that you trusted before" in str(refused(sshd.address(config=config)))


def test_permission_denied(sshd, tmp_path):
    key = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    config = client(sshd, tmp_path, f"IdentityFile {sshd.folder}/key", f"IdentityFile {key}")
    error = refused(sshd.address(config=config))
    assert isinstance(error, DeviceError)
    assert "ssh-copy-id" in str(error)


def test_hosts_that_are_not_there(sshd):
    assert "nothing listens" in str(refused(sshd.address(port=1)))
    assert "no host of that name" in str(refused("ssh://no-such-host.invalid"))


def test_no_python(sshd, tmp_path):
    error = refused(sshd.address("/no/such/python"))
    assert isinstance(error, MissingPackageError)
    assert "There is no '/no/such/python' on" in str(error)
    plain = tmp_path / "plain"
    plain.write_text("")
    assert "no runnable" in str(refused(sshd.address(plain)))
    assert sshd.is_clean()


def test_no_numpy(sshd, environment):
    error = refused(sshd.address(environment("pip")))
    assert isinstance(error, MissingPackageError)
    assert "has no NumPy" in str(error) and "pip install numpy ai-edge-litert" in str(error)


def test_no_runtime(sshd, environment):
    error = refused(sshd.address(environment("numpy")))
    assert isinstance(error, MissingPackageError)
    assert "has NumPy and no runtime" in str(error) and "pip install ai-edge-litert" in str(error)
    assert sshd.is_clean()


def script(tmp_path, device_python, *lines):
    """Return a program that is Python there, with some lines run first."""
    path = tmp_path / "python"
    text = "\n".join([f"#!{device_python}", "import sys", *lines])
    path.write_text(f"{text}\nsys.argv, code = ['-c', sys.argv[4]], sys.argv[3]\nexec(code)\n")
    path.chmod(0o755)
    return path


def test_an_old_python(sshd, tmp_path, device_python):
    python = script(tmp_path, device_python, "sys.version_info = (3, 8, 2)")
    error = refused(sshd.address(python))
    assert isinstance(error, MissingPackageError)
    assert "Python 3.8 at" in str(error) and "needs 3.10" in str(error)


def test_another_version_there(sshd, tmp_path, device_python):
    python = script(
        tmp_path,
        device_python,
        "import builtins; real = builtins.__import__",
        "def late(name, *a, **k):",
        "    found = real(name, *a, **k)",
        "    if name.endswith('remote.serve'): found.about.__globals__['__version__'] = '9'",
        "    return found",
        "builtins.__import__ = late",
    )
    error = refused(sshd.address(python))
    assert f"runs tfedge 9, this is {tfedge.__version__}" in str(error)


def test_python_that_fails_at_once(sshd, tmp_path, device_python):
    python = script(tmp_path, device_python, "sys.exit('out of paper')")
    error = refused(sshd.address(python))
    assert isinstance(error, DeviceError)
    assert "did not start" in str(error) and "out of paper" in str(error)
    assert sshd.is_clean()


def test_a_login_that_prints(sshd, tmp_path, device_python, load, digits):
    lines = ["print('Welcome to the kitchen!' * 999, flush=True)"]
    python = script(tmp_path, device_python, *lines)
    with RemoteDevice(sshd.address(python)) as device:
        assert RemoteRunner(load("cnn_int8"), device).predict(digits["x"][:2]).shape == (2, 10)


def test_nothing_is_left_on_the_device(remote, sshd, load, digits):
    RemoteRunner(load("cnn_int8"), remote).predict(digits["x"][:3])
    assert len(sshd.processes()) >= 2
    assert list(sshd.temporary.iterdir())
    remote.close()
    assert sshd.is_clean()


def goes_on_for_ever(x, then):
    """Yield batches without end; do something before the fifth."""
    for number in range(10**9):
        if number == 5:
            then()
        yield x


def test_python_there_is_killed_in_the_middle(remote, sshd, load, digits):
    runner, x = RemoteRunner(load("cnn_int8"), remote), digits["x"][:8]

    def kill():
        os.kill(sshd.serving(), signal.SIGKILL)

    with pytest.raises(DeviceError, match=r"went away in the middle.*ended with status 137"):
        list(runner.stream(goes_on_for_ever(x, kill)))
    assert sshd.is_clean()
    assert runner.predict(x).shape == (8, 10), "the next call connects anew"


def test_the_connection_is_cut_in_the_middle(remote, sshd, load, digits):
    runner, x = RemoteRunner(load("cnn_int8"), remote), digits["x"][:8]

    def cut():
        remote._connection._process.kill()

    with pytest.raises(DeviceError, match="went away in the middle"):
        list(runner.stream(goes_on_for_ever(x, cut)))
    assert sshd.is_clean()
    assert runner.predict(x).shape == (8, 10)


def test_a_long_measurement_ends_with_the_connection(remote, sshd, load):
    assert remote.info.runtimes
    timer = threading.Timer(3.0, remote._connection._process.kill)
    timer.start()
    with pytest.raises(DeviceError, match="went away in the middle"):
        tfedge.benchmark(load("cnn_int8"), seconds=60, precision=0.0, on=remote)
    timer.join()
    assert sshd.is_clean(seconds=4), "interrupted, not given up after the grace of five seconds"


def test_a_device_that_falls_silent(remote, sshd, load, digits, monkeypatch):
    patient = functools.partial(Connection, silent_s=4)
    monkeypatch.setattr(device_module, "Connection", patient)
    runner, x, stopped = RemoteRunner(load("cnn_int8"), remote), digits["x"][:8], []

    def stop():
        stopped.append(sshd.serving())
        os.kill(stopped[0], signal.SIGSTOP)

    start = time.monotonic()
    try:
        with pytest.raises(DeviceError, match="was silent for 4 s"):
            list(runner.stream(goes_on_for_ever(x, stop)))
    finally:
        os.kill(stopped[0], signal.SIGCONT)
    assert time.monotonic() - start < 15
    assert sshd.is_clean()


def test_a_device_that_takes_nothing_in(remote, sshd, load, digits, monkeypatch):
    patient = functools.partial(Connection, silent_s=4)
    monkeypatch.setattr(device_module, "Connection", patient)
    runner = RemoteRunner(load("cnn_float"), remote)
    large, stopped = np.zeros((60_000, 8, 8, 1), "float32"), []

    def stop():
        stopped.append(sshd.serving())
        os.kill(stopped[0], signal.SIGSTOP)

    try:
        with pytest.raises(DeviceError, match="was silent for 4 s"):
            list(runner.stream(batch for _ in range(3) for batch in (stop() or large, large)))
    finally:
        os.kill(stopped[0], signal.SIGCONT)
    assert sshd.is_clean()


def test_the_worker_there_dies_in_the_middle(remote, sshd, load, digits):
    runner, x = RemoteRunner(load("cnn_int8"), remote), digits["x"][:8]

    def kill():
        (worker,) = set(sshd.processes()) - {sshd.serving()}
        os.kill(worker, signal.SIGKILL)

    connection = remote._connection
    with pytest.raises(WorkerError, match=r"On .*failed on litert"):
        list(runner.stream(goes_on_for_ever(x, kill)))
    assert runner.predict(x).shape == (8, 10)
    assert remote._connection is connection


_CLIENT = """
import sys, time
from tfedge.runtime.remote.device import RemoteDevice
from tfedge.runtime.remote.runner import RemoteRunner
from tfedge.runtime.sample import sample_model
runner = RemoteRunner(sample_model(), RemoteDevice(sys.argv[1]))
runner.predict([[1.0, 2.0, 3.0]])
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_this_machine_goes_away(sshd, device_python, how):
    command = [sys.executable, "-c", _CLIENT, sshd.address(device_python)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout.readline() == b"ready\n"
        assert sshd.processes()
        process.send_signal(how)
    assert sshd.is_clean()
