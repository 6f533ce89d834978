"""Processes on the machines of a Ray cluster that work on the same search."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfedge.core.errors import MissingPackageError, WorkerError
from tfedge.pipeline.search.worker import main

RAY = "ray"
_PATIENCE_SECONDS = 20.0


def ray() -> Any:
    """Return the module.

    Raises:
        MissingPackageError: If it is not installed.
    """
    try:
        import ray as found
    except ImportError as error:
        raise MissingPackageError(
            "workers='ray' needs Ray, which is not installed. Install it with: "
            "pip install 'tfedge[ray]'"
        ) from error
    return found


@contextlib.contextmanager
def ray_crew(folder: Path) -> Iterator[list[Any]]:
    """Run one process on each machine of a Ray cluster, as `crew` does here.

    A cluster that this program is connected to, or that ``RAY_ADDRESS`` names, is used; else Ray
    is started on this machine and ended afterwards.

    Args:
        folder: The work folder, with what was handed over. Every machine must see it.

    Raises:
        WorkerError: If a process ended with an error, or a machine does not see the folder.
    """
    module = ray()
    with _connected(module):
        running = [_begun(module, node, folder) for node in _nodes(module)]
        try:
            yield running
            for one in running:
                module.get(one)
        except module.exceptions.RayError as error:
            _ended(module, running)
            raise WorkerError(
                f"A process of the search on the Ray cluster ended with an error. Its trial counts "
                f"for nothing; the same call goes on.\n{error}"
            ) from error
        except BaseException:
            _ended(module, running)
            raise


@contextlib.contextmanager
def _connected(module: Any) -> Iterator[None]:
    """Be connected to a cluster; end what was begun for it."""
    if module.is_initialized():
        yield
        return
    module.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        yield
    finally:
        module.shutdown()


def _nodes(module: Any) -> list[str]:
    """Return the machines that run tasks."""
    alive = [one for one in module.nodes() if one["Alive"]]
    return [one["NodeID"] for one in alive if one["Resources"].get("CPU", 0) >= 1]


def _begun(module: Any, node: str, folder: Path) -> Any:
    """Begin to work on one machine; a process that dies is not begun again."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    there = NodeAffinitySchedulingStrategy(node, soft=False)
    task = module.remote(num_cpus=1, max_retries=0, scheduling_strategy=there)(work_there)
    return task.remote(str(folder.absolute()))


def work_there(folder: str) -> None:
    """Take trials of the search in a folder, on whatever machine this is.

    Raises:
        WorkerError: If the folder is not there.
    """
    if not Path(folder).is_dir():
        raise WorkerError(
            f"work={folder!r} is not seen by a machine of the Ray cluster. Choose a folder on a "
            "file system that all machines share."
        )
    main(folder)


def _ended(module: Any, running: list[Any]) -> None:
    """End what runs, and wait for it."""
    for one in running:
        module.cancel(one, force=True)
    module.wait(running, num_returns=len(running), timeout=_PATIENCE_SECONDS)
