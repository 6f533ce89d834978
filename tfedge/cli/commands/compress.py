"""``tfedge compress``: the best file of a model within a budget."""

from __future__ import annotations

import argparse

from tfedge.cli import options, types
from tfedge.cli.budget import add_budget, budget_of
from tfedge.cli.command import Answer, Command
from tfedge.cli.commands.evaluate import labelled_source
from tfedge.cli.console import Console
from tfedge.cli.data.request import request_of
from tfedge.cli.models import check_model, inputs_of, open_model
from tfedge.cli.output import check_folder, check_output

SAMPLERS = ("tpe", "nsga2")
_WRITTEN = ("model.tflite", "recipe.json", "result.json", "files")

_DESCRIPTION = """\
Search for the best file of a model within a budget: 8-bit integers first, then fewer channels,
zeros, shared values, training in integers and distillation, as far as the limits allow. VAL is
split: one half chooses, the other proves. FOLDER gets model.tflite, its recipe, the Pareto set and
the record of every trial. If no file is within the budget, the nearest one is written, the verdict
says which limit binds, and the exit status is 3. Ctrl-C ends it and keeps the best so far."""

_EXAMPLE = """\
  tfedge compress model.keras data.npz::train data.npz::val --size 60k --drop 1% -o small
  tfedge compress model.keras data.npz::train data.npz::val --latency-ms 2 --trials 20 \\
      --work search --report report.html -o small"""


def _add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help=options.KERAS_HELP)
    parser.add_argument("train", metavar="TRAIN", help="samples to train on: see 'data' below")
    parser.add_argument("val", metavar="VAL", help="samples that were not trained on, some hundred")
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", required=True, help="where the result is written"
    )
    options.add_force(parser)
    parser.add_argument(
        "--report", metavar="FILE", help="also measure the best file for a page: .html, .md, .json"
    )
    add_budget(parser)
    _add_search(parser)
    options.add_reading(parser)


def _add_search(parser: argparse.ArgumentParser) -> None:
    """Add how the search goes."""
    group = parser.add_argument_group("search")
    group.add_argument(
        "--time", type=types.positive, metavar="X", help="seconds; a trial that runs is finished"
    )
    group.add_argument("--trials", type=types.count, metavar="N", help="number of files to try")
    group.add_argument(
        "--epochs",
        type=types.whole,
        metavar="N",
        default=10,
        help="longest training of one trial; 0 trains nothing (default: 10)",
    )
    group.add_argument("--loss", help="loss of training, by Keras's name (default: found out)")
    group.add_argument(
        "--work",
        metavar="FOLDER",
        help="keep the search here: the same command goes on where it was stopped",
    )
    group.add_argument(
        "--workers", type=types.count, metavar="N", default=1, help="processes (default: 1)"
    )
    group.add_argument(
        "--sampler", choices=SAMPLERS, default="tpe", help="of Optuna (default: tpe)"
    )


def _run(asked: argparse.Namespace, console: Console) -> Answer:
    """Search."""
    budget = budget_of(asked, time=asked.time, trials=asked.trials)
    check_folder(asked.output, asked.force, _WRITTEN)
    check_output(asked.report, asked.force, (".html", ".md", ".json"))
    check_model(asked.model, asked)
    requests = [request_of(spec, asked, console.say) for spec in (asked.train, asked.val)]
    train, val = (labelled_source(request, ("training",)) for request in requests)
    from tfedge.pipeline.compress import compress

    model = open_model(asked.model)
    inputs = inputs_of(model)
    names = ("epochs", "work", "workers", "sampler", "loss")
    settings = {name: getattr(asked, name) for name in names} | {"seed": asked.seed or 0}
    data = (train.load(inputs), val.load(inputs))
    result = compress(model, *data, budget, **settings, verbose=console.bars)
    written = str(result.save(asked.output))
    if asked.report:
        result.report(asked.report)
    console.say(f"wrote model.tflite, recipe.json and result.json to {written}")
    failed = () if result.met else (result.verdict,)
    return Answer(result, output=written, failed=failed, interrupted=result.interrupted)


COMMAND = Command(
    "compress",
    "[options] MODEL TRAIN VAL -o FOLDER",
    "the best file of a model within a budget",
    _DESCRIPTION,
    _EXAMPLE,
    _add,
    _run,
)
