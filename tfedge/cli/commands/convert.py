"""``tfedge convert``: a Keras model becomes a ``.tflite`` file that was checked."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tfedge.cli import options, types
from tfedge.cli.command import Answer, Command
from tfedge.cli.console import Console
from tfedge.cli.data.read import open_source
from tfedge.cli.data.request import request_of
from tfedge.cli.models import check_model, inputs_of, open_model
from tfedge.cli.output import STDOUT, check_output, write_file
from tfedge.core.errors import ArgumentError

MODES = ("float32", "float16", "dynamic", "int8", "int16x8", "int8_weights", "int4_weights")
OBSERVERS = ("minmax", "moving_average", "percentile", "mse", "entropy", "auto", "tflite")

BORDERS = ("int8", "uint8", "int16", "float32")
_SOURCES = (".cc", ".cpp", ".cxx", ".c")

_DESCRIPTION = """\
Convert a Keras model to a .tflite file, in a process of its own, and run the file beside the model.
Wrappers of pruning, clustering and quantization-aware training are taken off. A file that is a poor
copy is written with a warning that names the first layer that diverges."""

_EXAMPLE = """\
  tfedge convert model.keras -o float.tflite
  tfedge convert model.keras --quantize int8 --calibration digits.npz::train -o model.tflite
  tfedge convert model.keras --quantize int8 --calibration photos/ --scale unit -o model.tflite
  tfedge convert model.keras --quantize float16 -o - | tfedge inspect -"""


def _add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", help=options.MODEL_HELP)
    parser.add_argument(
        "-o",
        "--output",
        help="the .tflite file to write, or - for stdout (default: named after MODEL, here)",
    )
    options.add_force(parser)
    parser.add_argument(
        "--quantize",
        choices=MODES,
        default="float32",
        help="how numbers are kept; int8 and int16x8 compute in integers, float16 and *_weights "
        "store less and compute in float (default: float32)",
    )
    parser.add_argument(
        "--calibration",
        metavar="DATA",
        help="samples that show the range of every activation; int8 and int16x8 need them, unless "
        f"the model was trained for it. {options.DATA_HELP}",
    )
    _add_details(parser)
    options.add_reading(parser)


def _add_details(parser: argparse.ArgumentParser) -> None:
    """Add what is seldom needed."""
    group = parser.add_argument_group("what becomes of the model")
    group.add_argument(
        "--calibration-samples",
        type=types.count,
        metavar="N",
        default=200,
        help="most samples (default: 200)",
    )
    group.add_argument(
        "--observer",
        choices=OBSERVERS,
        default="minmax",
        help="how ranges are drawn from samples; auto measures which is best (default: minmax)",
    )
    group.add_argument("--input-type", choices=BORDERS, help="type of inputs of an integer file")
    group.add_argument("--output-type", choices=BORDERS, help="type of its outputs")
    group.add_argument(
        "--float-fallback",
        action="store_true",
        help="let an integer file hold operators that compute in float",
    )
    group.add_argument(
        "--batch-size",
        type=types.whole,
        metavar="N",
        default=1,
        help="first axis, 0: open (default: 1)",
    )
    _add_output(group)


def _add_output(group: argparse._ArgumentGroup) -> None:
    """Add how the file is stored, checked and called."""
    group.add_argument("--sparse", choices=("auto", "yes"), help="store zeros sparsely")
    group.add_argument(
        "--for",
        dest="runtimes",
        choices=options.RUNTIMES[1:],
        action="append",
        help="a runtime that must run it and agree; may be repeated",
    )
    group.add_argument(
        "--no-parity", action="store_true", help="do not run the file beside the model"
    )
    group.add_argument("--name", help="what to call the file in messages")
    group.add_argument(
        "--c", metavar="FILE.cc", help="also write C source for tflite-micro, with its headers"
    )


def _run(asked: argparse.Namespace, console: Console) -> Answer:
    """Convert."""
    output = asked.output or f"{Path(asked.model).stem}.tflite"
    _check_files(asked, output)
    check_model(asked.model, asked)
    source = None
    if asked.calibration is not None:
        source = open_source(request_of(asked.calibration, asked, console.say))
    from tfedge.convert.converter import convert

    model = open_model(asked.model)
    calibration = source.load(inputs_of(model)) if source else None
    lite = convert(model, asked.quantize, calibration, **_settings(asked, console))
    if asked.c:
        lite.to_c(asked.c)
    written = write_file(lite, output)
    console.say(f"wrote {lite.size_bytes:,} bytes to {'stdout' if output == STDOUT else output}")
    return Answer(lite, _text(lite), written)


def _check_files(asked: argparse.Namespace, output: str) -> None:
    """Look at the files to be written, and at what the mode needs."""
    if ":" in asked.model and asked.output is None and not Path(asked.model).exists():
        raise ArgumentError("A model of MODULE:FUNCTION has no file name. Say -o FILE.")
    check_output(output, asked.force, (".tflite",))
    check_output(asked.c, asked.force, _SOURCES)
    if asked.c:
        place = Path(asked.c)
        for other in (f"{place.stem}.h", f"{place.stem}_ops.h"):
            check_output(str(place.with_name(other)), asked.force)


def _settings(asked: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Return the settings of tfedge.convert."""
    names = ("calibration_samples", "observer", "input_type", "output_type", "float_fallback")
    settings = {name: getattr(asked, name) for name in (*names, "runtimes", "name")}
    settings |= {"batch_size": asked.batch_size or None, "parity": not asked.no_parity}
    sparse = {None: False, "auto": "auto", "yes": True}[asked.sparse]
    return settings | {"sparse": sparse, "verbose": console.bars}


def _text(lite: Any) -> str:
    """Return what people read: the file, and how well it copies the model."""
    parity = lite.notes.get("parity")
    return f"{lite}\n{parity}" if parity is not None else str(lite)


COMMAND = Command(
    "convert",
    "[options] MODEL",
    "a Keras model to a .tflite file",
    _DESCRIPTION,
    _EXAMPLE,
    _add,
    _run,
)
