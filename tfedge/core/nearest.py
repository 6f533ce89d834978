"""Names that are like one that nobody knows, for errors."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return a question to add to an error, with a space before it, or nothing.

    Args:
        name: What was asked for; upper and lower case are alike.
        known: The names that there are.

    Example:
        >>> did_you_mean("ResNet9", ["ResNet8", "DSCNN"])
        " Did you mean 'ResNet8'?"
        >>> did_you_mean("Transformer", ["ResNet8", "DSCNN"])
        ''
    """
    names = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(str(name).casefold(), names, n=1, cutoff=0.5)
    return f" Did you mean {names[near[0]]!r}?" if near else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return up to three names like ``name``, or the first five, quoted, for an error.

    Example:
        >>> nearest("conv_9", ["conv_1", "conv_2", "head"])
        "'conv_2', 'conv_1'"
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names[:5]
    return ", ".join(map(repr, near))
