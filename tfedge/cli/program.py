"""The program: reads the words, runs the command, and turns what happened into an exit status."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from tfedge.cli.command import Answer
from tfedge.cli.console import NORMAL, QUIET, VERBOSE, Console
from tfedge.cli.parser import COMMANDS, command_line
from tfedge.core.errors import ArgumentError, TfedgeError

DONE, FAILED, MISUSED, UNMET, INTERRUPTED = 0, 1, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The words after the name of the program, None for those of this process.

    Returns:
        0: done. 1: the work failed; why is on stderr. 2: wrong usage, or a setting that cannot
        be. 3: done, but a demanded check failed. 130: Ctrl-C.

    Example:
        >>> import tempfile
        >>> from tfedge.runtime.sample import sample_model
        >>> path = sample_model().save(f"{tempfile.mkdtemp()}/halve.tflite")
        >>> main(["inspect", str(path)])
        TFLiteModel 'halve': ...
        0
    """
    try:
        asked = command_line().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    console = Console(_level(asked), asked.debug)
    try:
        return _run(asked, console)
    except ArgumentError as error:
        return _failed(error, console, MISUSED)
    except (TfedgeError, OSError) as error:
        return _failed(error, console, FAILED)
    except KeyboardInterrupt:
        console.error("interrupted")
        return INTERRUPTED


def _run(asked: argparse.Namespace, console: Console) -> int:
    """Run the command, print its answer, and return the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with console.warnings_shown():
        answer = COMMANDS[asked.command].run(asked, console)
    try:
        _print(answer, asked)
    except BrokenPipeError:  # whoever read the output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FAILED
    for sentence in answer.failed:
        print(f"check failed: {sentence}", file=sys.stderr)
    if answer.interrupted:
        console.error("interrupted; the best so far was kept")
        return INTERRUPTED
    return UNMET if answer.failed else DONE


def _print(answer: Answer, asked: argparse.Namespace) -> None:
    """Print the answer: on stderr where stdout carries a file."""
    text = answer.as_json(asked.command) if asked.json else answer.shown()
    print(text, file=sys.stderr if answer.output == "-" else sys.stdout, flush=True)


def _level(asked: argparse.Namespace) -> int:
    """Return how much is said."""
    if asked.quiet:
        return QUIET
    return VERBOSE if asked.verbose else NORMAL


def _failed(error: Exception, console: Console, status: int) -> int:
    """Say why it stops, with the trace if asked for, and return the exit status."""
    if console.debug:
        traceback.print_exception(error, file=sys.stderr)
    console.error(str(error))
    return status
