"""Why a runtime refused a file: operators that are newer than it is, named."""

from __future__ import annotations

import re

from tfedge.core.versions import installed
from tfedge.runtime.interpreter import pip_name

_VERSION = re.compile(r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'")
_CODE = re.compile(r"[Bb]uiltin_code out of range: (\d+)")
_CUSTOM = re.compile(r"unresolved custom op: (\w+)")


def too_old(said: str, runtime: str) -> str | None:
    """Return why a runtime is too old for a file, or None if it refused it for another reason.

    Args:
        said: What the runtime said.
        runtime: An installed runtime.

    Example:
        >>> too_old("Didn't find op for builtin opcode 'CONV_2D' version '99'.", "litert")
        'litert ... has no CONV_2D version 99: the file is newer than this runtime. ...'
    """
    if runtime == "micro":  # it says itself what it lacks, and versions mean nothing to it
        return None
    here = f"{runtime} {_version(runtime)}".strip()
    if found := _VERSION.search(said):
        what = f"has no {found[1]} version {found[2]}"
    elif found := _CODE.search(said):
        what = f"knows no operator of code {found[1]}"
    elif found := _CUSTOM.search(said):
        return (
            f"{here} has no custom operator {found[1]!r}. Convert with built-in operators only, or "
            "run it on a runtime that has this one."
        )
    else:
        return None
    other = "Update it" if runtime == "litert" else 'Use runtime="litert"'
    return (
        f"{here} {what}: the file is newer than this runtime. {other} (pip install --upgrade "
        f'ai-edge-litert), or convert again for {runtime}: convert(runtimes="{runtime}").'
    )


def _version(runtime: str) -> str:
    """Return the version of an installed runtime, empty where it was not installed by pip."""
    return "".join(installed([pip_name(runtime)]).values())
