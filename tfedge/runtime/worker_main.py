"""What runs inside a worker process: take a call, do it, answer, until the parent is gone."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tfedge.core.errors import TfedgeError
from tfedge.runtime.channel import Channel, SharedBuffer


def main(pipe: int, incoming: list[int], outgoing: list[int]) -> None:
    """Serve calls that arrive on ``pipe`` until it closes.

    Args:
        pipe: Descriptor of the connection to the parent.
        incoming: Descriptors of the two buffers that the parent writes.
        outgoing: Descriptors of the two buffers that this process writes.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, args=(os.getppid(),), daemon=True).start()
    channel = Channel(
        Connection(pipe),
        outgoing=[SharedBuffer(descriptor) for descriptor in outgoing],
        incoming=[SharedBuffer(descriptor) for descriptor in incoming],
        copies=False,
    )
    while True:
        try:
            target, args, kwargs = channel.receive()
        except EOFError:
            return
        channel.send(_answer(target, args, kwargs))
        del args, kwargs


def _answer(target: str, args: tuple, kwargs: dict) -> tuple[str, Any]:
    """Call the target and return its result, or its error as plain data."""
    try:
        return "result", resolve(target)(*args, **kwargs)
    except TfedgeError as error:
        return "refusal", error
    except BaseException as error:
        return "failure", (type(error).__name__, str(error), traceback.format_exc())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def resolve(target: str) -> Callable:
    """Return the function named ``"package.module:function"``.

    Example:
        >>> resolve("math:sqrt")(4.0)
        2.0
    """
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def _leave_with_parent(parent: int) -> None:
    """End this process when its parent has died, even in the middle of a call."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def peak_memory_bytes() -> int:
    """Return the largest resident size that this process has had, in bytes.

    Example:
        >>> peak_memory_bytes() > 1_000_000
        True
    """
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except FileNotFoundError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
