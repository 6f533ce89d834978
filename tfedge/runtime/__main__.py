"""``python -m tfedge.runtime``: look at a file, measure it, run it, on a device without TensorFlow.

Nothing but NumPy and one runtime is needed. ``tfedge.load_record`` reads what ``--json`` writes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tfedge.core.errors import ArgumentError, TfedgeError
from tfedge.core.files import write_whole
from tfedge.core.record_files import save_record
from tfedge.runtime.interpreter import RUNTIMES
from tfedge.runtime.latency.benchmark import benchmark
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.remote.lines import answers
from tfedge.runtime.remote.package import device_zip
from tfedge.runtime.runner import Runner


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, or 1 if it failed and said why.

    Args:
        arguments: Words of the command line, None for those of this process.

    Example:
        >>> import tempfile
        >>> from tfedge.runtime.sample import sample_model
        >>> path = sample_model().save(f"{tempfile.mkdtemp()}/halve.tflite")
        >>> main(["inspect", str(path)])
        TFLiteModel 'halve': ...
        0
    """
    asked = _parser().parse_args(arguments)
    try:
        return asked.command(asked)
    except TfedgeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # whoever read the output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1


def _parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser("python -m tfedge.runtime", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, command in (("inspect", _inspect), ("benchmark", _benchmark), ("run", _run)):
        words = (command.__doc__ or "").split("\n")[0]
        added = commands.add_parser(name, help=words, description=words)
        added.set_defaults(command=command)
        added.add_argument("model", help="a .tflite file")
        if command is not _run:
            added.add_argument("--json", help="also write what was found to this file")
        if command is not _inspect:
            added.add_argument("--runtime", default="auto", choices=("auto", *RUNTIMES, "micro"))
            added.add_argument(
                "--accelerator", default="cpu", help="cpu, gpu, npu, edgetpu, a file"
            )
        if command is _run:
            added.add_argument("--threads", type=int, default=1, help="threads for the kernels")
    timed = commands.choices["benchmark"]
    timed.add_argument("--threads", type=int, nargs="+", default=[1], help="several: a sweep")
    timed.add_argument("--batch", type=int, nargs="+", help="samples per run; several: a sweep")
    timed.add_argument("--runs", type=int, help="timed runs; as many as are needed if left out")
    timed.add_argument("--seconds", type=float, help="longest time to measure")
    packed = commands.add_parser("pack", help=_pack.__doc__, description=_pack.__doc__)
    packed.add_argument("path", help="the zip file to write")
    packed.set_defaults(command=_pack)
    return parser


def _inspect(asked: argparse.Namespace) -> int:
    """Print inputs, outputs and operators of a file."""
    lite = TFLiteModel.load(asked.model)
    print(lite)
    if asked.json:
        _write(Path(asked.json), lite.to_json(indent=2).encode())
    return 0


def _benchmark(asked: argparse.Namespace) -> int:
    """Measure latency and memory of a file, as tfedge.benchmark does."""
    names = ("threads", "batch", "runs", "seconds", "runtime", "accelerator")
    given = {name: getattr(asked, name) for name in names}
    given = {name: _single(value) for name, value in given.items() if value is not None}
    record = benchmark(asked.model, **given)
    print(record)
    if asked.json:
        save_record(record, asked.json)
    return 0


def _run(asked: argparse.Namespace) -> int:
    """Answer each sample on standard input, a line of JSON, with a line of outputs."""
    lite, settings = TFLiteModel.load(asked.model), (asked.runtime, asked.threads, None)
    with Runner(lite, *settings, asked.accelerator) as runner:
        failed = False
        for answer in answers(sys.stdin, runner):
            failed |= answer.startswith('{"error"')
            print(answer, flush=True)
    return int(failed)


def _pack(asked: argparse.Namespace) -> int:
    """Write the half of tfedge for devices as one zip; put it on PYTHONPATH there."""
    _write(Path(asked.path), device_zip())
    return 0


def _single(value: object) -> object:
    """Return the only item of a list of one, anything else as it is."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _write(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    try:
        write_whole(path, content)
    except OSError as error:
        raise ArgumentError(f"Cannot write {str(path)!r}: {error.strerror}.") from error


if __name__ == "__main__":
    sys.exit(main())
