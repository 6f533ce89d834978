"""``tfedge evaluate``: metrics of a file or a Keras model."""

from __future__ import annotations

import argparse

from tfedge.cli import options, types
from tfedge.cli.command import Answer, Command
from tfedge.cli.console import Console
from tfedge.cli.data.read import open_source
from tfedge.cli.data.request import Request, Source, request_of
from tfedge.cli.demands import at_least, at_most, given
from tfedge.cli.models import check_model, inputs_of, open_model
from tfedge.cli.output import check_output, write_record
from tfedge.core.errors import ArgumentError

_DESCRIPTION = """\
Score a model on data: the .tflite file that ships, on an interpreter, or the Keras model it came
from. Inputs are quantized and outputs dequantized, so that metrics see real values."""

_EXAMPLE = """\
  tfedge evaluate model.tflite digits.npz::test
  tfedge evaluate model.tflite photos/ --scale unit --metrics accuracy,top_5 --min-accuracy 0.9
  cat samples.csv | tfedge evaluate model.tflite - --label class --json"""


def _add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help=options.MODEL_HELP)
    parser.add_argument("data", metavar="DATA", help=options.DATA_HELP)
    parser.add_argument(
        "--metrics",
        type=types.names,
        default=("accuracy",),
        metavar="NAMES",
        help="names with commas between: accuracy, top_5, auc, calibration_error, "
        "confusion_matrix, mse, mae (default: accuracy)",
    )
    options.add_record(parser)
    group = parser.add_argument_group("demands (exit status 3 if one is not met)")
    group.add_argument(
        "--min-accuracy", type=types.fraction, metavar="X", help="least accuracy, in [0, 1]"
    )
    group.add_argument(
        "--min",
        type=types.pair,
        action="append",
        default=[],
        metavar="METRIC=VALUE",
        help="least value of a metric",
    )
    group.add_argument(
        "--max",
        type=types.pair,
        action="append",
        default=[],
        metavar="METRIC=VALUE",
        help="largest value of a metric",
    )
    running = options.add_running(parser)
    options.add_threads(running)
    options.add_place(running)
    options.add_reading(parser)


def labelled_source(request: Request, metrics: tuple[str, ...] | None) -> Source:
    """Find data, and refuse those without labels where metrics need some.

    Args:
        request: Where they lie, and how they are read.
        metrics: The metrics that were asked for, None where none have to be.

    Raises:
        ArgumentError: If there are no labels.
        DataError: If there are no data.
    """
    source = open_source(request)
    if metrics and not source.labelled:
        raise ArgumentError(
            f"The metrics need labels, and none were found in {request.spec!r}. Say which they "
            "are with --y KEY (CSV: --label COLUMN)."
        )
    return source


def _run(asked: argparse.Namespace, console: Console) -> Answer:
    """Evaluate."""
    least = [*asked.min, *given({"accuracy": asked.min_accuracy})]
    _check_limits(asked.metrics, [*least, *asked.max])
    check_output(asked.record, asked.force)
    if asked.model == asked.data == "-":
        raise ArgumentError("Model and data cannot both come from stdin.")
    check_model(asked.model, asked)
    source = labelled_source(request_of(asked.data, asked, console.say), asked.metrics)
    from tfedge.evaluate.evaluator import evaluate

    model = open_model(asked.model)
    record = evaluate(
        model,
        source.load(inputs_of(model)),
        metrics=asked.metrics,
        runtime=asked.runtime,
        threads=asked.threads,
        batch_size=asked.batch_size,
        accelerator=asked.accelerator,
        on=asked.on,
        verbose=console.bars,
    )
    failed = [*at_least(record.metrics, least), *at_most(record.metrics, asked.max)]
    write_record(record, asked.record)
    return Answer(record, failed=tuple(failed))


def _check_limits(metrics: tuple[str, ...], limits: list[tuple[str, float]]) -> None:
    """Raise for a limit on a metric that is not computed."""
    for name, _ in limits:
        # With several outputs, metrics have the output's name in front.
        if not any(name == metric or name.endswith(f"_{metric}") for metric in metrics):
            raise ArgumentError(
                f"A limit is set on {name!r}, which is not among --metrics {','.join(metrics)}."
            )


COMMAND = Command(
    "evaluate",
    "[options] MODEL DATA",
    "metrics of a file or a Keras model on data",
    _DESCRIPTION,
    _EXAMPLE,
    _add,
    _run,
)
