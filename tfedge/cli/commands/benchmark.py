"""``tfedge benchmark``: latency and memory of files."""

from __future__ import annotations

import argparse
from typing import Any

from tfedge.cli import options, types
from tfedge.cli.command import Answer, Command
from tfedge.cli.console import Console
from tfedge.cli.demands import at_most, given
from tfedge.cli.models import check_model, open_model
from tfedge.cli.output import check_output, write_record
from tfedge.core.errors import ArgumentError

_DESCRIPTION = """\
Measure the latency and memory of .tflite files, each in a fresh process that holds nothing else.
Several files, numbers of threads or batches are measured in turns, so that a busy moment falls on
all alike. Times are milliseconds for one run."""

_EXAMPLE = """\
  tfedge benchmark model.tflite
  tfedge benchmark float.tflite int8.tflite --threads 1 2 4
  tfedge benchmark model.tflite --on ssh://pi@kitchen --max-latency-ms 5"""


def _add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", nargs="+", metavar="FILE", help=options.FILE_HELP)
    parser.add_argument(
        "--threads",
        type=types.count,
        metavar="N",
        nargs="+",
        default=[1],
        help="threads for the kernels; several are a sweep (default: 1)",
    )
    parser.add_argument(
        "--batch",
        type=types.count,
        metavar="N",
        nargs="+",
        help="samples per run; several are a sweep (default: the file's own)",
    )
    parser.add_argument(
        "--runs", type=types.count, metavar="N", help="timed runs (default: as many as needed)"
    )
    parser.add_argument(
        "--seconds",
        type=types.positive,
        metavar="X",
        default=1.0,
        help="longest time to measure (default: 1)",
    )
    parser.add_argument(
        "--precision",
        type=types.fraction,
        metavar="X",
        default=0.02,
        help="stop when the 95%% interval of the median is as narrow as this fraction of it "
        "(default: 0.02)",
    )
    options.add_record(parser)
    _add_demands(parser)
    options.add_place(options.add_running(parser))


def _add_demands(parser: argparse.ArgumentParser) -> None:
    """Add what the file must keep."""
    group = parser.add_argument_group("demands (exit status 3 if one is not met)")
    group.add_argument(
        "--max-latency-ms", type=types.positive, metavar="X", help="largest median, in ms"
    )
    group.add_argument(
        "--max-p99-ms", type=types.positive, metavar="X", help="largest 99th percentile, in ms"
    )


def _run(asked: argparse.Namespace, console: Console) -> Answer:
    """Measure."""
    check_output(asked.record, asked.force)
    for spec in asked.model:
        check_model(spec, asked, file=True)
    if asked.model.count("-") > 1:
        raise ArgumentError("Only one file can come from stdin.")
    import tfedge

    record = tfedge.benchmark(
        _single([open_model(spec) for spec in asked.model]),
        threads=_single(asked.threads),
        batch=_single(asked.batch),
        runs=asked.runs,
        seconds=asked.seconds,
        precision=asked.precision,
        runtime=asked.runtime,
        accelerator=asked.accelerator,
        on=asked.on,
        verbose=console.bars,
    )
    write_record(record, asked.record)
    return Answer(record, failed=tuple(_failed(record, asked)))


def _single(values: list | None) -> Any:
    """Return the only one of a list, or the list."""
    return values[0] if values and len(values) == 1 else values


def _failed(record: Any, asked: argparse.Namespace) -> list[str]:
    """Return the demands that are not met, by any of the measurements."""
    limits = given({"p50_ms": asked.max_latency_ms, "p99_ms": asked.max_p99_ms})
    failed = []
    for one in getattr(record, "records", [record]):
        found = {"p50_ms": one.p50_ms, "p99_ms": one.p99_ms}
        failed += [f"{one.model}: {text}" for text in at_most(found, limits)]
    return failed


COMMAND = Command(
    "benchmark",
    "[options] FILE ...",
    "latency and memory of files",
    _DESCRIPTION,
    _EXAMPLE,
    _add,
    _run,
)
