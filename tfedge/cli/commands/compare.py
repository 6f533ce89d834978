"""``tfedge compare``: two models side by side on the same data."""

from __future__ import annotations

import argparse
from typing import Any

from tfedge.cli import options, types
from tfedge.cli.command import Answer, Command
from tfedge.cli.commands.evaluate import labelled_source
from tfedge.cli.console import Console
from tfedge.cli.data.request import request_of
from tfedge.cli.demands import at_least, at_most, given
from tfedge.cli.models import check_model, inputs_of, open_model
from tfedge.cli.output import check_output, write_record
from tfedge.core.errors import ArgumentError

_ERRORS = ("mse", "mae", "mean_squared_error", "mean_absolute_error", "calibration_error")

_DESCRIPTION = """\
Run two models on the same samples and set them side by side: metrics, agreement of predictions,
signal-to-quantization-noise ratio, sizes, and the median time of one sample. The first model is the
reference, usually the Keras model; the second is usually the file made of it."""

_EXAMPLE = """\
  tfedge compare model.keras model.tflite digits.npz::test
  tfedge compare model.keras model.tflite digits.npz::test --layers
  tfedge compare old.tflite new.tflite digits.npz::test --no-latency --max-drop 0.01"""


def _add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("a", metavar="MODEL", help=f"the reference: {options.MODEL_HELP}")
    parser.add_argument("b", metavar="OTHER", help="the other model, likewise")
    parser.add_argument(
        "data", metavar="DATA", help="samples, labels may be missing: see 'data' below"
    )
    parser.add_argument(
        "--metrics",
        type=types.names,
        metavar="NAMES",
        help="names with commas between (default: accuracy for classes, mae for real values)",
    )
    parser.add_argument(
        "--layers", action="store_true", help="compare layer by layer, on the first samples"
    )
    parser.add_argument("--no-latency", action="store_true", help="do not measure times")
    options.add_record(parser)
    group = parser.add_argument_group("demands (exit status 3 if one is not met)")
    group.add_argument(
        "--max-drop",
        type=types.positive_or_zero,
        metavar="X",
        help="most that the first metric of the second model may be worse, such as 0.01 or 1%%",
    )
    group.add_argument(
        "--min-agreement", type=types.fraction, metavar="X", help="least share of agreement"
    )
    group.add_argument("--min-sqnr-db", type=types.number, metavar="X", help="least SQNR in dB")
    options.add_threads(options.add_running(parser))
    options.add_reading(parser)


def _run(asked: argparse.Namespace, console: Console) -> Answer:
    """Compare."""
    check_output(asked.record, asked.force)
    for spec in (asked.a, asked.b):
        check_model(spec, asked)
    if [asked.a, asked.b, asked.data].count("-") > 1:
        raise ArgumentError("Only one of models and data can come from stdin.")
    needed = asked.metrics or (("accuracy",) if asked.max_drop is not None else None)
    source = labelled_source(request_of(asked.data, asked, console.say), needed)
    import tfedge

    a, b = open_model(asked.a), open_model(asked.b)
    record = tfedge.compare(
        a,
        b,
        source.load(inputs_of(a)),
        metrics=asked.metrics,
        layers=asked.layers,
        latency=not asked.no_latency,
        runtime=asked.runtime,
        threads=asked.threads,
        batch_size=asked.batch_size,
    )
    write_record(record, asked.record)
    return Answer(record, failed=tuple(_failed(record, asked)))


def _failed(record: Any, asked: argparse.Namespace) -> list[str]:
    """Return the demands that are not met."""
    found = {"agreement": record.agreement, "sqnr_db": record.sqnr_db}
    limits = given({"agreement": asked.min_agreement, "sqnr_db": asked.min_sqnr_db})
    failed = at_least(found, limits)
    if asked.max_drop is not None:
        if not record.differences:
            raise ArgumentError("--max-drop needs a metric that is a single number.")
        name, change = next(iter(record.differences.items()))
        worse = change if name.endswith(_ERRORS) else -change
        failed += at_most({f"drop of {name}": worse}, [(f"drop of {name}", asked.max_drop)])
    return failed


COMMAND = Command(
    "compare",
    "[options] MODEL OTHER DATA",
    "two models side by side",
    _DESCRIPTION,
    _EXAMPLE,
    _add,
    _run,
)
