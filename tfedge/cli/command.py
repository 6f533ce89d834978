"""What a command is, and what it answers. Nothing here is slow to import."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tfedge.cli.console import Console


@dataclass(frozen=True)
class Answer:
    """What a command found.

    Args:
        result: A record, or plain data with records in it: what ``--json`` prints.
        text: What people read instead; by default the result prints itself.
        output: Path of the file or folder that was written.
        failed: A sentence for each demanded check that failed.
        interrupted: Whether it was stopped, and this is what there was by then.
    """

    result: Any
    text: str | None = None
    output: str | None = None
    failed: tuple[str, ...] = ()
    interrupted: bool = False

    def shown(self) -> str:
        """Return the text for people."""
        return repr(self.result) if self.text is None else self.text

    def as_json(self, command: str) -> str:
        """Return everything as JSON text; numbers that are not finite become null.

        Args:
            command: Name of the command that answers.
        """
        from tfedge.core.records import json_text

        found = {"result": self.result, "output": self.output, "failed": list(self.failed)}
        return json_text({"command": command, **found}, indent=2)


@dataclass(frozen=True)
class Command:
    """One command of the program.

    Args:
        name: The word for it.
        usage: The words that it takes, options left out.
        summary: A line for the list of commands.
        description: What it does, for its own help.
        example: Command lines that show it, the last thing in its help.
        add_arguments: Adds its arguments to a parser.
        run: Does the work.
    """

    name: str
    usage: str
    summary: str
    description: str
    example: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Console], Answer]
