"""The parser of the whole command line."""

from __future__ import annotations

import argparse

from tfedge._version import __version__
from tfedge.cli.command import Command
from tfedge.cli.commands import (
    advise,
    benchmark,
    compare,
    compress,
    convert,
    evaluate,
    inspect,
    prune_channels,
    report,
    run,
)
from tfedge.cli.options import add_common

_MODULES = (
    *(compress, advise, run, convert, prune_channels),
    *(evaluate, compare, benchmark, inspect, report),
)

COMMANDS: dict[str, Command] = {module.COMMAND.name: module.COMMAND for module in _MODULES}

_DESCRIPTION = "From a trained Keras model to a small .tflite file that was measured."
_EPILOG = """\
exit status:
  0    done
  1    the work failed; the error on stderr says why
  2    wrong usage, or a setting that cannot be
  3    done, but a check that was demanded failed (--min-accuracy, --max-drop, --fits ...)
  130  interrupted with Ctrl-C

The answer goes to stdout, everything else to stderr. 'tfedge COMMAND --help' tells more.
"""


def _form(prog: str) -> argparse.HelpFormatter:
    """Return what lays the help out: descriptions as they are, words in a column of their own."""
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=28)


def command_line() -> argparse.ArgumentParser:
    """Return the parser of all commands.

    Example:
        >>> command_line().parse_args(["inspect", "model.tflite"]).model
        'model.tflite'
    """
    parser = argparse.ArgumentParser(
        "tfedge",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=_form,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tfedge {__version__}")
    added = parser.add_subparsers(
        title="commands", dest="command", required=True, metavar="COMMAND"
    )
    for command in COMMANDS.values():
        one = added.add_parser(
            command.name,
            usage=f"tfedge {command.name} {command.usage}",
            help=command.summary,
            description=command.description,
            epilog=f"example:\n{command.example}",
            formatter_class=_form,
            allow_abbrev=False,
        )
        command.add_arguments(one)
        add_common(one)
    return parser
