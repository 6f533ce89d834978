"""``python -m tfedge.pipeline.search.worker FOLDER``: works on a search that another began."""

from __future__ import annotations

import sys
from pathlib import Path

from tfedge.core.errors import ArgumentError
from tfedge.pipeline.search.job import Job
from tfedge.pipeline.search.session import Session


def main(folder: str) -> None:
    """Take trials of the search in a folder until there is none left.

    Raises:
        ArgumentError: If no search was handed over there.
    """
    job = Job.taken_over(Path(folder))
    known = job.known()
    if known is None:
        raise ArgumentError(f"{folder!r} holds no search that other processes can work on.")
    space, curves = known
    ledger = job.ledger()
    try:
        Session(job, ledger).work(space, job.plan(space, curves), lambda number: None)
    finally:
        ledger.close()


if __name__ == "__main__":
    main(sys.argv[1])
