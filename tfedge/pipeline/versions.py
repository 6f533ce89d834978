"""Which versions of which packages made a file."""

from __future__ import annotations

import platform

from tfedge._version import __version__
from tfedge.core.versions import installed

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
    return {"tfedge": __version__, "python": platform.python_version(), **installed(_PACKAGES)}
