"""Iterators that are read more than once: what was drawn is kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Replay:
    """Items of an iterator, from the first one on, as often as they are asked for.

    No more is drawn than somebody reads, and that is drawn once.

    Args:
        source: An iterator, such as a running generator.

    Example:
        >>> items = Replay(iter(range(3)))
        >>> next(iter(items)), list(items), list(items)
        (0, [0, 1, 2], [0, 1, 2])
    """

    def __init__(self, source: Iterator[Any]) -> None:
        self._source = source
        self._drawn: list[Any] = []

    def __iter__(self) -> Iterator[Any]:
        """Yield what was drawn before, then draw on."""
        place = 0
        while place < len(self._drawn) or self._draws():
            yield self._drawn[place]
            place += 1

    def _draws(self) -> bool:
        """Draw one more item; return whether there was one."""
        for item in self._source:
            self._drawn.append(item)
            return True
        return False


def rereadable(data: Any) -> Any:
    """Return data that can be read more than once: iterators are kept, the rest stays as it is.

    Example:
        >>> type(rereadable(iter([1]))).__name__, rereadable([1])
        ('Replay', [1])
    """
    return Replay(data) if hasattr(data, "__next__") else data
