"""Why a device cannot be used, in words that say what to do."""

from __future__ import annotations

from tfedge.core.errors import DeviceError, MissingPackageError, TfedgeError
from tfedge.runtime.remote.address import Address
from tfedge.runtime.remote.boot import NO_FOLDER, NO_NUMPY, OLD_PYTHON

_NOT_FOUND, _NOT_RUNNABLE, _SSH_FAILED = 127, 126, 255

_SSH_SAYS = {
    "remote host identification has changed": (
        "its host key is not the one that you trusted before. Somebody may be listening. If you "
        "know why it changed, remove the old one with ssh-keygen -R HOST and connect once by hand"
    ),
    "host key verification failed": (
        "its host key is not known here. Connect once by hand with ssh ADDRESS, compare the "
        "fingerprint with the device's own, and accept it"
    ),
    "permission denied": (
        "it does not accept your keys. Copy one there with ssh-copy-id ADDRESS, or load the right "
        "one with ssh-add; passwords are never asked for"
    ),
    "could not resolve hostname": "there is no host of that name. Check the name and the network",
    "connection refused": (
        "nothing listens on its ssh port. Switch its ssh server on, or give its port: "
        "ssh://ADDRESS:PORT"
    ),
    "timed out": "it does not answer. Is it on, and in this network",
    "no route to host": "it cannot be reached from here. Is it on, and in this network",
    "network is unreachable": "it cannot be reached from here. Check this machine's network",
}


def not_begun(address: Address, code: int | None, said: str) -> TfedgeError:
    """Return the error for a device on which serving never began.

    Args:
        address: The device.
        code: Exit status of ssh, None if it was ended after a long silence.
        said: What it printed.

    Example:
        >>> not_begun(Address("pi"), 127, "sh: 1: python3: not found")
        MissingPackageError("There is no 'python3' on pi. Name one that has NumPy and a runtime...
    """
    where, python = address.name, address.python
    advice = (
        f"Install it there, for instance in an environment of its own (python3 -m venv edge; "
        f"edge/bin/pip install numpy ai-edge-litert), and name it: ssh://{where}?python=~/edge/"
        "bin/python. Nothing is installed there without you."
    )
    if code in (_NOT_FOUND, _NOT_RUNNABLE):
        what = "no" if code == _NOT_FOUND else "no runnable"
        return MissingPackageError(
            f"There is {what} {python!r} on {where}. Name one that has NumPy and a runtime with "
            f"?python=/path/to/python. {advice}"
        )
    if code == NO_NUMPY:
        return MissingPackageError(f"{_last(said)} on {where} has no NumPy. {advice}")
    if code == OLD_PYTHON:
        return MissingPackageError(
            f"{_last(said)} on {where} is too old; tfedge needs 3.10 or newer. {advice}"
        )
    if code == NO_FOLDER:
        return DeviceError(f"No temporary folder can be made on {where}: {_last(said)}")
    if code is None:
        return DeviceError(f"{where} let ssh in and then said nothing. {_last(said)}")
    if code == _SSH_FAILED:
        return DeviceError(f"Cannot reach {where}: {_why(address, said)}.")
    return DeviceError(f"tfedge did not start on {where} (exit status {code}): {_last(said, 6)}")


def _why(address: Address, said: str) -> str:
    """Return what ssh's own words mean."""
    small = said.lower()
    for words, meaning in _SSH_SAYS.items():
        if words in small:
            named = meaning.replace("ADDRESS", address.name).replace("HOST", address.host)
            return f"{named}. ssh said: {_last(said)}"
    return f"ssh said: {_last(said, 6) or 'nothing'}"


def no_runtime(address: Address, python: str) -> TfedgeError:
    """Return the error for a device with NumPy and without a runtime."""
    return MissingPackageError(
        f"{python} on {address.name} has NumPy and no runtime. Install one there: "
        f"{python} -m pip install ai-edge-litert (or tflite-runtime)."
    )


def went_away(address: Address, code: int | None, said: str, silent_s: float) -> TfedgeError:
    """Return the error for a device that went away in the middle.

    Args:
        address: The device.
        code: Exit status of ssh, None while it still ran.
        said: What it printed.
        silent_s: For how long nothing had come, in seconds.
    """
    how = f"was silent for {silent_s:.0f} s" if code is None else f"ended with status {code}"
    return DeviceError(
        f"{address.name} went away in the middle: the connection {how}. "
        f"{_last(said, 6)} Nothing is left running here; call again when it is back."
    )


def _last(said: str, lines: int = 1) -> str:
    """Return the last lines of what was printed."""
    return " ".join(line.strip() for line in said.strip().splitlines()[-lines:])
