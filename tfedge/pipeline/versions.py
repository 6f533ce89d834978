"""Which versions of which packages made a file."""

from __future__ import annotations

import importlib.metadata
import platform

from tfedge._version import __version__

_PACKAGES = (
    "tensorflow",
    "tf-keras",
    "keras",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "tflite-runtime",
    "numpy",
)


def versions() -> dict[str, str]:
    """Return versions by package, of those that are installed.

    Example:
        >>> list(versions())[:2]
        ['tfedge', 'python']
    """
    found = {"tfedge": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
