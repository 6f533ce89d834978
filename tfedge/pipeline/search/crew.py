"""Other processes that work on the same search."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tfedge.core.errors import WorkerError

_PATIENCE_SECONDS = 20.0


@contextlib.contextmanager
def crew(folder: Path, size: int) -> Iterator[list[subprocess.Popen]]:
    """Run processes that take trials of the search in a folder; wait for them at the end.

    They end by themselves when there is no trial left. Where this process is interrupted, they are
    ended, and their trials are taken again by whoever goes on.

    Args:
        folder: The work folder, with what was handed over.
        size: Number of processes.

    Raises:
        WorkerError: If one ended with an error; says how its log ends.
    """
    command = [sys.executable, "-m", "tfedge.pipeline.search.worker", str(folder)]
    logs = [(folder / f"worker-{number}.log").open("wb") for number in range(size)]
    running = [
        subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        for log in logs
    ]
    try:
        yield running
        codes = [one.wait() for one in running]
    except BaseException:
        for one in running:
            one.terminate()
        for one in running:
            _ended(one)
        raise
    finally:
        for log in logs:
            log.close()
    for number, code in enumerate(codes):
        if code:
            lines = (folder / f"worker-{number}.log").read_text(errors="replace").splitlines()
            raise WorkerError(
                f"A process of the search ended with code {code}. Its trial counts for nothing; "
                "the same call goes on. Its last lines:\n" + "\n".join(lines[-12:])
            )


def _ended(process: subprocess.Popen) -> None:
    """Wait for a process that was told to end, and end it if it does not."""
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
