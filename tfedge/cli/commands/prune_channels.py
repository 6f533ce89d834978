"""``tfedge prune-channels``: a Keras model with fewer channels."""

from __future__ import annotations

import argparse
from typing import Any

from tfedge.cli import options, types
from tfedge.cli.command import Answer, Command
from tfedge.cli.console import Console
from tfedge.cli.data.read import open_source
from tfedge.cli.data.request import request_of
from tfedge.cli.models import check_model, inputs_of, open_model
from tfedge.cli.output import check_output, write_model
from tfedge.core.errors import ArgumentError

IMPORTANCES = (
    *("l1", "l2", "bn_scale", "fpgm", "lamp", "random", "activation"),
    *("taylor", "fisher", "hessian"),
)
SCOPES = ("local", "global", "isomorphic")
FROM_LOSS = ("taylor", "fisher", "hessian")

_DESCRIPTION = """\
Take whole channels out of a Keras model, with every weight that belongs to them. What is written is
an ordinary Keras model, smaller and faster; train it on before you judge it, or say --reconstruct
with data. Exactly one target is given."""

_EXAMPLE = """\
  tfedge prune-channels model.keras --macs 0.5 -o slim.keras
  tfedge prune-channels model.keras --ratio 0.3 --importance taylor \\
      --loss sparse_categorical_crossentropy --data digits.npz::train --reconstruct -o slim.keras"""


def _add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("model", metavar="MODEL", help=options.KERAS_HELP)
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="the .keras or .h5 file to write"
    )
    options.add_force(parser)
    group = parser.add_argument_group("target (one of them)")
    target = group.add_mutually_exclusive_group(required=True)
    target.add_argument(
        "--ratio", type=types.fraction, metavar="X", help="fraction of channels that goes"
    )
    target.add_argument(
        "--layer",
        type=types.pair,
        action="append",
        metavar="NAME=RATIO",
        help="fraction that goes from one layer, or those that a regular expression finds",
    )
    left = "what is left of the {}: a fraction below 1, or a number"
    target.add_argument(
        "--macs", type=types.positive, metavar="X", help=left.format("multiply-accumulates")
    )
    target.add_argument(
        "--parameters", type=types.positive, metavar="X", help=left.format("parameters")
    )
    target.add_argument(
        "--size", type=types.size, metavar="SIZE", help="bytes left of the weights, as float32"
    )
    target.add_argument(
        "--latency-ms",
        type=types.positive,
        metavar="X",
        help="median milliseconds of the float32 file, measured here",
    )
    _add_choice(parser)
    options.add_reading(parser)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    """Add which channels go."""
    group = parser.add_argument_group("which channels go")
    group.add_argument(
        "--importance",
        choices=IMPORTANCES,
        default="l2",
        help="what makes a channel matter; activation needs data, taylor, fisher and hessian data "
        "with labels and a loss (default: l2)",
    )
    group.add_argument(
        "--scope", choices=SCOPES, default="local", help="what is compared (default: local)"
    )
    group.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="LAYER",
        help="a layer that stays whole",
    )
    group.add_argument(
        "--round-to",
        type=types.count,
        metavar="N",
        default=1,
        help="widths are multiples of it (default: 1)",
    )
    group.add_argument(
        "--minimum",
        type=types.positive,
        metavar="X",
        default=1,
        help="least width of a layer (default: 1)",
    )
    group.add_argument("--data", metavar="DATA", help=options.DATA_HELP)
    group.add_argument("--loss", help="a loss of Keras, by name")
    group.add_argument(
        "--reconstruct",
        action="store_true",
        help="let the channels that stay take over what the others did, by least squares on data",
    )


def _run(asked: argparse.Namespace, console: Console) -> Answer:
    """Remove channels."""
    check_output(asked.output, asked.force, (".keras", ".h5"))
    _check_needs(asked)
    check_model(asked.model, asked)
    source = open_source(request_of(asked.data, asked, console.say)) if asked.data else None
    if source and asked.importance in FROM_LOSS and not source.labelled:
        raise ArgumentError(f"--importance {asked.importance} needs labels. Say --y KEY.")
    import tfedge

    model = open_model(asked.model)
    data = source.load(inputs_of(model)) if source else None
    slim = tfedge.prune_channels(model, data=data, **_settings(asked))
    written = write_model(slim, asked.output)
    console.say(f"wrote {written}; train it on, or convert it: tfedge convert {written}")
    return Answer(tfedge.channel_report(model, slim), output=written)


def _check_needs(asked: argparse.Namespace) -> None:
    """Raise if data or a loss are missing."""
    needs_data = asked.importance in (*FROM_LOSS, "activation")
    if needs_data and not asked.data:
        raise ArgumentError(f"--importance {asked.importance} needs --data.")
    if asked.reconstruct and not asked.data:
        raise ArgumentError("--reconstruct needs --data.")
    if asked.importance in FROM_LOSS and not asked.loss:
        raise ArgumentError(
            f"--importance {asked.importance} needs --loss, such as "
            "sparse_categorical_crossentropy: files of models come without their loss."
        )


def _settings(asked: argparse.Namespace) -> dict[str, Any]:
    """Return the settings of tfedge.prune_channels."""
    import tfedge

    names = ("macs", "parameters", "latency_ms", "scope", "round_to", "loss", "reconstruct")
    settings = {name: getattr(asked, name) for name in names}
    settings["ratio"] = dict(asked.layer) if asked.layer else asked.ratio
    settings["size_bytes"] = asked.size
    settings["exclude"] = tuple(asked.exclude)
    settings["minimum"] = asked.minimum if asked.minimum < 1 else round(asked.minimum)
    if asked.latency_ms is not None:
        settings["measure"] = tfedge.FileLatency("float32")
    importance = tfedge.ChannelImportance(asked.importance, seed=asked.seed or 0)
    return settings | {"importance": importance}


COMMAND = Command(
    "prune-channels",
    "[options] MODEL -o FILE",
    "a Keras model with fewer channels",
    _DESCRIPTION,
    _EXAMPLE,
    _add,
    _run,
)
