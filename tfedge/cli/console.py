"""What goes to the screen beside the answer: messages, warnings and bars, all on stderr."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

QUIET, NORMAL, VERBOSE = range(3)


@dataclass(frozen=True)
class Console:
    """How much is said on stderr. The answer alone goes to stdout.

    Args:
        level: 0 for errors and warnings only, 1 for messages too, 2 for details too.
        debug: Whether errors show where in the code they arose.

    Example:
        >>> Console(level=0).bars
        0
    """

    level: int = NORMAL
    debug: bool = False

    def say(self, text: str) -> None:
        """Print a message."""
        if self.level >= NORMAL:
            print(text, file=sys.stderr, flush=True)

    def detail(self, text: str) -> None:
        """Print what only ``--verbose`` shows."""
        if self.level >= VERBOSE:
            print(text, file=sys.stderr, flush=True)

    def error(self, text: str) -> None:
        """Print why the command stops."""
        print(f"error: {text}", file=sys.stderr, flush=True)

    @property
    def bars(self) -> int:
        """1 where a progress bar can be drawn: on a terminal, or with ``--verbose``."""
        seen = self.level == VERBOSE or sys.stderr.isatty()
        return int(self.level >= NORMAL and seen)

    @contextlib.contextmanager
    def warnings_shown(self) -> Iterator[None]:
        """Show warnings for users as one line; no others, and no hints of TensorFlow."""
        with warnings.catch_warnings(), _quiet(logging.getLogger("tensorflow")):
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = self._warn
            yield

    def _warn(self, message, category, filename, lineno, file=None, line=None) -> None:
        """Print a warning; where it came from only with ``--debug``."""
        where = f" ({filename}:{lineno})" if self.debug else ""
        print(f"warning: {message}{where}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Let a logger tell of errors only, for a while."""
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
