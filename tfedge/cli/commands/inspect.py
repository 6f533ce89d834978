"""``tfedge inspect``: what a file or a Keras model is made of, and what would run it."""

from __future__ import annotations

import argparse
from typing import Any

from tfedge.cli import options, types
from tfedge.cli.command import Answer, Command
from tfedge.cli.console import Console
from tfedge.cli.demands import at_most, given
from tfedge.cli.models import check_model, open_model
from tfedge.core.errors import ArgumentError

ACCELERATORS = ("edgetpu", "gpu", "micro")

_DESCRIPTION = """\
Say what a model is made of. Of a .tflite file: sizes, inputs, outputs, operators, and on demand
memory, zeros, and whether a device or accelerator would run it. Of a Keras model: parameters and
multiply-accumulates, layer by layer."""

_EXAMPLE = """\
  tfedge inspect model.tflite
  tfedge inspect model.tflite --memory --fits "Raspberry Pi Pico"
  tfedge inspect model.tflite --check edgetpu --json | jq .result.check.edgetpu.mapped"""


def _add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help=options.MODEL_HELP)
    parser.add_argument("--sparsity", action="store_true", help="zeros in the weights")
    files = parser.add_argument_group("of .tflite files")
    files.add_argument("--operators", action="store_true", help="each operator with its shapes")
    files.add_argument("--memory", action="store_true", help="flash, arena, each operator's part")
    group = parser.add_argument_group("demands on .tflite files (exit status 3 if one is not met)")
    group.add_argument(
        "--fits", metavar="DEVICE", help="fit this device, such as 'Raspberry Pi Pico'"
    )
    group.add_argument(
        "--check",
        choices=ACCELERATORS,
        action="append",
        default=[],
        help="run whole on this accelerator or runtime; may be repeated",
    )
    group.add_argument(
        "--max-size", type=types.size, metavar="SIZE", help="largest file, such as 60k or 64KiB"
    )
    group.add_argument(
        "--max-gzip", type=types.size, metavar="SIZE", help="largest file after gzip"
    )
    group.add_argument(
        "--max-arena", type=types.size, metavar="SIZE", help="largest arena of activations"
    )


def _run(asked: argparse.Namespace, console: Console) -> Answer:
    """Inspect."""
    check_model(asked.model, asked)
    model = open_model(asked.model)
    if hasattr(model, "content"):
        return _file(model, asked)
    files_only = ("operators", "memory", "fits", "max_size", "max_gzip", "max_arena")
    given_ones = [name for name in files_only if getattr(asked, name)]
    if given_ones or asked.check:
        name = (given_ones or ["check"])[0].replace("_", "-")
        raise ArgumentError(f"--{name} is for .tflite files. Convert {asked.model!r} first.")
    return _keras(model, asked)


def _keras(model: Any, asked: argparse.Namespace) -> Answer:
    """Return what a Keras model is made of."""
    import tfedge
    from tfedge.models.statistics import model_statistics

    found: dict[str, Any] = {"model": model_statistics(model)}
    if asked.sparsity:
        found["sparsity"] = tfedge.sparsity(model)
    return Answer(found, _text(found))


def _file(lite: Any, asked: argparse.Namespace) -> Answer:
    """Return what a file is made of, and which demands it does not meet."""
    import tfedge

    found: dict[str, Any] = {"model": lite}
    if asked.memory or asked.max_arena:
        found["memory"] = tfedge.memory(lite)
    if asked.sparsity:
        found["sparsity"] = tfedge.sparsity(lite)
    if asked.fits:
        found["fits"] = tfedge.fits(lite, asked.fits)
    if asked.check:
        found["check"] = {name: tfedge.check(lite, name) for name in asked.check}
    text = _text(found)
    if asked.operators:
        text += "\n" + "\n".join(_operators(lite))
    return Answer(found, text, failed=tuple(_failed(found, asked)))


def _failed(found: dict[str, Any], asked: argparse.Namespace) -> list[str]:
    """Return the demands that are not met."""
    lite = found["model"]
    sizes = {"size_bytes": lite.size_bytes, "gzip_bytes": lite.gzip_bytes}
    limits = {"size_bytes": asked.max_size, "gzip_bytes": asked.max_gzip}
    if asked.max_arena:
        sizes["arena_bytes"] = found["memory"].arena_bytes
        limits["arena_bytes"] = asked.max_arena
    failed = at_most(sizes, given(limits))
    if asked.fits and not found["fits"]:
        wrong = "; ".join(f"{one.what}: {one.note}" for one in found["fits"].misfits)
        failed.append(f"it does not fit {found['fits'].device}: {wrong}")
    for name, one in found.get("check", {}).items():
        if not one.fits:
            total = len(one.operators)
            failed.append(f"{name} runs {one.mapped} of {total} operators")
    return failed


def _operators(lite: Any) -> list[str]:
    """Return a line for each operator."""
    from tfedge.core.tables import text_table

    rows = [
        (
            f"{one.index} {one.name}",
            one.numeric_type,
            " ".join("x".join(map(str, shape)) for shape in one.output_shapes),
            one.output,
        )
        for one in lite.operators
    ]
    return text_table(("operator", "type", "shape", "output"), rows)


def _text(found: dict[str, Any]) -> str:
    """Return what people read: everything, one after the other."""
    parts: list[Any] = []
    for part in found.values():
        parts += part.values() if isinstance(part, dict) else [part]
    return "\n".join(map(repr, parts))


COMMAND = Command(
    "inspect",
    "[options] MODEL",
    "what a model is made of, and what runs it",
    _DESCRIPTION,
    _EXAMPLE,
    _add,
    _run,
)
