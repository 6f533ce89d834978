"""What benchmarks measured, one line of JSON for each run, kept beside the pages made of it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "records"


@dataclasses.dataclass(frozen=True)
class Records:
    """The runs of a benchmark, found by what was asked; the latest of equal ones counts.

    A run that is on record is not made again, on whatever machine, and a page can be made of all
    runs at any time. Lines are only ever added, so that several processes can write at once.

    Args:
        name: Name of the file, without its ending.
    """

    name: str

    @property
    def path(self) -> Path:
        """The file."""
        return FOLDER / f"{self.name}.jsonl"

    def find(self, **key: Any) -> dict[str, Any] | None:
        """Return the latest run of a key, or nothing."""
        found = [run for run in self if all(run.get(name) == key[name] for name in key)]
        return found[-1] if found else None

    def kept(self, run: Callable[[], dict[str, Any]], **key: Any) -> dict[str, Any]:
        """Return the run of a key, made now and added if it is not on record."""
        return self.find(**key) or self.add({**key, **run()})

    def add(self, run: dict[str, Any]) -> dict[str, Any]:
        """Add a line, say it, and return it."""
        line = json.dumps(run)
        self.path.parent.mkdir(exist_ok=True)
        with self.path.open("a") as file:
            file.write(line + "\n")
        print(line, flush=True)
        return run

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield all runs, the oldest first."""
        if self.path.exists():
            yield from map(json.loads, self.path.read_text().splitlines())
