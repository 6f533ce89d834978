"""``tfedge advise``: what would help a model within a budget, before any training."""

from __future__ import annotations

import argparse
from typing import Any

from tfedge.cli import options
from tfedge.cli.budget import add_budget, budget_of
from tfedge.cli.command import Answer, Command
from tfedge.cli.commands.evaluate import labelled_source
from tfedge.cli.console import Console
from tfedge.cli.data.read import open_source
from tfedge.cli.data.request import request_of
from tfedge.cli.models import check_model, inputs_of, open_model
from tfedge.cli.output import check_output, write_record

_DESCRIPTION = """\
Say which techniques would help a model within a budget, and what each would gain, before anything
is trained. Files are made of the model as it is and with fewer channels, and measured. What 8-bit
integers cost in accuracy is known only with --calibration and --val."""

_EXAMPLE = """\
  tfedge advise model.keras --size 60k
  tfedge advise model.keras --latency-ms 2 --calibration data.npz::train --val data.npz::val"""


def _add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help=options.KERAS_HELP)
    parser.add_argument(
        "--calibration", metavar="DATA", help="typical inputs: see 'data' below (default: made up)"
    )
    parser.add_argument("--val", metavar="DATA", help="samples with labels, likewise")
    options.add_record(parser)
    add_budget(parser)
    options.add_reading(parser)


def _run(asked: argparse.Namespace, console: Console) -> Answer:
    """Advise."""
    budget = budget_of(asked)
    check_output(asked.record, asked.force)
    check_model(asked.model, asked)
    found: dict[str, Any] = {}
    if asked.calibration:
        found["calibration"] = open_source(request_of(asked.calibration, asked, console.say))
    if asked.val:
        request = request_of(asked.val, asked, console.say)
        found["val"] = labelled_source(request, ("drop",))
    from tfedge.pipeline.advise import advise

    model = open_model(asked.model)
    data = {name: source.load(inputs_of(model)) for name, source in found.items()}
    advice = advise(model, budget, **data, seed=asked.seed or 0, verbose=console.bars)
    write_record(advice, asked.record)
    return Answer(advice)


COMMAND = Command(
    "advise",
    "[options] MODEL",
    "what would help within a budget, before any training",
    _DESCRIPTION,
    _EXAMPLE,
    _add,
    _run,
)
