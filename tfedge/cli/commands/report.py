"""``tfedge report``: one page about a file, measured here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tfedge.cli import options, types
from tfedge.cli.command import Answer, Command
from tfedge.cli.console import Console
from tfedge.cli.data.read import open_source
from tfedge.cli.data.request import Source, request_of
from tfedge.cli.models import check_model, inputs_of, open_model
from tfedge.cli.output import check_output
from tfedge.core.errors import ArgumentError

ACCELERATORS = ("edgetpu", "gpu", "micro")
_SUFFIXES = (".html", ".md", ".json")

_DESCRIPTION = """\
Measure a .tflite file, and the model that it came from, and write one page about them: sizes,
accuracy by class, latency with intervals, memory, layers, weights, and how each figure was found.
The page needs no network. The ending of the output says in which form: .html, .md, or .json, which
this command turns into the others later."""

_EXAMPLE = """\
  tfedge report model.tflite -o report.html
  tfedge report model.tflite digits.npz::test --original model.keras -o report.html
  tfedge report report.json -o report.md"""


def _add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "model", metavar="FILE", help="a .tflite file, - for one on stdin, or a report's .json"
    )
    parser.add_argument(
        "data",
        metavar="DATA",
        nargs="?",
        help="samples that training has not seen: see 'data' below",
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", required=True, help="the .html, .md or .json to write"
    )
    options.add_force(parser)
    parser.add_argument(
        "--original",
        metavar="MODEL",
        help=f"what the file came from: a float .tflite file, {options.KERAS_HELP}",
    )
    parser.add_argument(
        "--shipped",
        metavar="MODEL",
        help="the Keras model that the file was made of, if channels went from the original",
    )
    parser.add_argument("--title", help="title of the page (default: the file's name)")
    parser.add_argument(
        "--class-names",
        type=types.names,
        metavar="NAMES",
        default=(),
        help="names of the classes with commas between (default: those of folders of images)",
    )
    _add_measuring(parser)
    options.add_reading(parser)


def _add_measuring(parser: argparse.ArgumentParser) -> None:
    """Add what is measured."""
    group = parser.add_argument_group("what is measured")
    group.add_argument(
        "--metrics",
        type=types.names,
        metavar="NAMES",
        help="names with commas between (default: accuracy and the confusion matrix for classes, "
        "mae and mse for real values)",
    )
    group.add_argument(
        "--accelerators",
        type=types.names,
        metavar="NAMES",
        default=("edgetpu", "micro"),
        help="what to check the file for: edgetpu, gpu, micro (default: edgetpu,micro)",
    )
    group.add_argument("--no-latency", action="store_true", help="do not measure times")
    group.add_argument("--no-layers", action="store_true", help="do not look into layers")
    group.add_argument(
        "--seconds",
        type=types.positive,
        metavar="X",
        default=2.0,
        help="longest time for each timing (default: 2)",
    )
    group.add_argument("--runtime", choices=options.RUNTIMES, default="auto", help="default: auto")
    group.add_argument(
        "--threads",
        type=types.count,
        metavar="N",
        default=1,
        help="threads for the kernels (default: 1)",
    )


def _run(asked: argparse.Namespace, console: Console) -> Answer:
    """Measure, or read what was measured, and write the page."""
    check_output(asked.output, asked.force, _SUFFIXES)
    if Path(asked.model).suffix.lower() == ".json":
        from tfedge.report.record import ModelReport

        report = ModelReport.load(asked.model)
    else:
        report = _measured(asked, console)
    written = _written(report, asked.output)
    console.say(f"wrote {written}")
    return Answer(report, report.verdict, written)


def _measured(asked: argparse.Namespace, console: Console) -> Any:
    """Return a report of what is measured now."""
    if asked.model == asked.data == "-":
        raise ArgumentError("File and data cannot both come from stdin.")
    check_model(asked.model, asked, file=True)
    others = [asked.original, asked.shipped]
    for spec in filter(None, others):
        check_model(spec, asked)
    source = open_source(request_of(asked.data, asked, console.say)) if asked.data else None
    from tfedge.report.build import model_report

    lite = open_model(asked.model)
    original, shipped = (open_model(spec) if spec else None for spec in others)
    return model_report(
        lite,
        original,
        source.load(inputs_of(lite)) if source else None,
        shipped=shipped,
        class_names=asked.class_names or _class_names(source),
        latency=not asked.no_latency,
        layers=not asked.no_layers,
        verbose=console.bars,
        **_settings(asked),
    )


def _settings(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that are passed on as they are."""
    names = ("title", "metrics", "accelerators", "seconds", "runtime", "threads")
    return {name: getattr(asked, name) for name in names}


def _class_names(source: Source | None) -> tuple[str, ...]:
    """Return the names of the folders of classes, where data are such folders."""
    return tuple(getattr(source, "classes", ()))


def _written(report: Any, path: str) -> str:
    """Write a report in the form that the ending says."""
    suffix = Path(path).suffix.lower()
    write = {".html": report.to_html, ".md": report.to_markdown, ".json": report.save}[suffix]
    return str(write(path))


COMMAND = Command(
    "report",
    "[options] FILE [DATA] -o PAGE",
    "one page about a file",
    _DESCRIPTION,
    _EXAMPLE,
    _add,
    _run,
)
