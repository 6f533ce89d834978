"""Which versions of packages are installed."""

from __future__ import annotations

from collections.abc import Iterable


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Return versions by package, of those that are installed, in the order asked.

    Example:
        >>> list(installed(["numpy", "no-such-package"]))
        ['numpy']
    """
    import importlib.metadata  # whoever asks for no version need not wait for it

    found = {}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
