"""Memory is given back as soon as a graph is done with, not when the collector gets round to it."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def collected() -> Iterator[None]:
    """Free what was made inside and is no longer used.

    Traced graphs hang in cycles and hold the weights. A collection of everything that a process
    with TensorFlow holds takes a third of a second, so older objects are passed over.

    Example:
        >>> import weakref
        >>> class Graph:
        ...     def __init__(self):
        ...         self.itself = self
        >>> with collected():
        ...     seen = weakref.ref(Graph())
        >>> seen() is None
        True
    """
    frozen_by_the_user = gc.get_freeze_count() > 0
    if not frozen_by_the_user:
        gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        if not frozen_by_the_user:
            gc.unfreeze()
