"""A progress bar where tqdm is installed, silence elsewhere."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Generator


@contextlib.contextmanager
def progress(
    label: str, total: int | None, verbose: int
) -> Generator[Callable[[int], object], None, None]:
    """Show a bar while samples are counted.

    Args:
        label: Text before the bar.
        total: Number of samples, None when it is not known.
        verbose: 0 for silence.

    Yields:
        A function that counts so many samples more.

    Example:
        >>> with progress("cnn", 2, verbose=0) as count:
        ...     count(2)
    """
    if not verbose or importlib.util.find_spec("tqdm") is None:
        yield lambda samples: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=label, unit="sample", unit_scale=True) as bar:
        yield bar.update
