"""A progress bar where tqdm is installed, silence elsewhere."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Generator


@contextlib.contextmanager
def progress(
    label: str, total: int | None, verbose: int, unit: str = "sample"
) -> Generator[Callable[[int], object], None, None]:
    """Show a bar while samples, or other units, are counted.

    Args:
        label: Text before the bar.
        total: Number of units, None when it is not known.
        verbose: 0 for silence.
        unit: What is counted.

    Yields:
        A function that counts so many more.

    Example:
        >>> with progress("cnn", 2, verbose=0) as count:
        ...     count(2)
    """
    if not verbose or importlib.util.find_spec("tqdm") is None:
        yield lambda number: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=label, unit=unit, unit_scale=unit == "sample") as bar:
        yield bar.update
