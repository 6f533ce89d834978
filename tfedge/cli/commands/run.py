"""``tfedge run``: a recipe, carried out on a model."""

from __future__ import annotations

import argparse
from typing import Any

from tfedge.cli import options, types
from tfedge.cli.command import Answer, Command
from tfedge.cli.commands.evaluate import labelled_source
from tfedge.cli.console import Console
from tfedge.cli.data.request import request_of
from tfedge.cli.models import check_model, inputs_of, open_model
from tfedge.cli.output import check_folder

_WRITTEN = ("model.tflite", "recipe.json")

_DESCRIPTION = """\
Carry out a recipe, a JSON or YAML file or a preset: fast, balanced, smallest, microcontroller,
edgetpu. FOLDER gets model.tflite, and recipe.json with the recipe, versions, seed, data
fingerprints and what each stage measured on VAL; recipe.json can be run again."""

_EXAMPLE = """\
  tfedge run fast model.keras data.npz::train data.npz::val -o small
  tfedge run recipe.yaml model.keras data.npz::train data.npz::val --work stages -o small"""


def _add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("recipe", metavar="RECIPE", help="a .json or .yaml file, or a preset")
    parser.add_argument("model", metavar="MODEL", help=options.KERAS_HELP)
    parser.add_argument("train", metavar="TRAIN", help="samples to train on: see 'data' below")
    parser.add_argument(
        "val", metavar="VAL", nargs="?", help="samples that each stage is judged by (default: none)"
    )
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", required=True, help="where the result is written"
    )
    options.add_force(parser)
    parser.add_argument(
        "--work",
        metavar="FOLDER",
        help="keep finished stages here: the same command goes on where it was stopped",
    )
    parser.add_argument("--loss", help="loss of training, by Keras's name (default: the recipe's)")
    parser.add_argument(
        "--metrics", type=types.names, metavar="NAMES", help="names with commas between"
    )
    options.add_reading(parser)


def _run(asked: argparse.Namespace, console: Console) -> Answer:
    """Carry out the recipe."""
    check_folder(asked.output, asked.force, _WRITTEN)
    check_model(asked.model, asked)
    specs = [spec for spec in (asked.train, asked.val) if spec]
    requests = [request_of(spec, asked, console.say) for spec in specs]
    sources = [labelled_source(request, ("training",)) for request in requests]
    from tfedge.pipeline.run import as_recipe, run

    recipe = as_recipe(asked.recipe)
    model = open_model(asked.model)
    data = [source.load(inputs_of(model)) for source in sources]
    names = ("work", "loss", "metrics", "seed")
    settings: dict[str, Any] = {name: getattr(asked, name) for name in names}
    result = run(recipe, model, *data, **settings, verbose=console.bars)
    written = str(result.save(asked.output))
    console.say(f"wrote model.tflite and recipe.json to {written}")
    return Answer(result, output=written)


COMMAND = Command(
    "run",
    "[options] RECIPE MODEL TRAIN [VAL] -o FOLDER",
    "a recipe, carried out on a model",
    _DESCRIPTION,
    _EXAMPLE,
    _add,
    _run,
)
