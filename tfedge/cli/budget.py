"""The options of a budget, which ``compress`` and ``advise`` share."""

from __future__ import annotations

import argparse
from typing import Any

from tfedge.cli import types

RUNTIMES = ("litert", "tflite-runtime", "tf.lite", "micro", "edgetpu", "gpu")
_NAMES = {
    "size": "size_bytes",
    "gzip": "gzip_bytes",
    "latency_ms": "latency_ms",
    "macs": "macs",
    "arena": "arena_bytes",
    "energy_uj": "energy_uj",
    "drop": "accuracy_drop",
    "integer_only": "integer_only",
    "device": "device",
    "on": "on",
}


def add_budget(parser: argparse.ArgumentParser) -> None:
    """Add the limits of a file."""
    group = parser.add_argument_group("budget (one limit at least)")
    group.add_argument("--size", type=types.size, metavar="SIZE", help="largest file: 60k, 64KiB")
    group.add_argument("--gzip", type=types.size, metavar="SIZE", help="largest file after gzip")
    group.add_argument(
        "--latency-ms",
        type=types.positive,
        metavar="X",
        help="longest median of one sample: here, on the device of --on, or estimated for the "
        "microcontroller of --device",
    )
    group.add_argument(
        "--macs", type=types.count, metavar="N", help="most multiply-accumulates of one sample"
    )
    group.add_argument("--arena", type=types.size, metavar="SIZE", help="largest arena: RAM")
    group.add_argument(
        "--energy-uj", type=types.positive, metavar="X", help="most energy of one sample, in µJ"
    )
    group.add_argument(
        "--drop",
        type=types.fraction,
        metavar="X",
        help="how much worse than the original it may be: 0.01 or 1%% of accuracy; for real values "
        "the relative rise of the mean squared error",
    )
    _add_places(group)


def _add_places(group: argparse._ArgumentGroup) -> None:
    """Add where a file must run."""
    group.add_argument(
        "--integer-only", action="store_true", help="every operator computes in integers"
    )
    group.add_argument("--device", help="a device that it must fit, such as 'Raspberry Pi Pico'")
    group.add_argument(
        "--runs-on",
        choices=RUNTIMES,
        action="append",
        default=[],
        help="a runtime or accelerator that must run it; may be repeated",
    )
    group.add_argument(
        "--on", metavar="ssh://USER@HOST", help="measure latency and energy on this device"
    )


def budget_of(asked: argparse.Namespace, **search: Any) -> Any:
    """Return the `tfedge.Budget` that was asked for.

    Args:
        asked: The options, as `add_budget` adds them.
        **search: Limits of the search: ``time`` and ``trials``.

    Raises:
        ArgumentError: If nothing is limited, or limits contradict each other.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_budget(parser)
        >>> budget_of(parser.parse_args(["--size", "60k", "--drop", "1%"]))
        Budget: at most 60,000 bytes, accuracy drop of 1.00 %
    """
    from tfedge.pipeline.budget import Budget

    limits = {theirs: getattr(asked, ours) for ours, theirs in _NAMES.items()}
    return Budget(**limits, runtimes=tuple(asked.runs_on), **search)
