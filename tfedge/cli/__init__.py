"""The command line: every command asks one public function, and prints what it returns."""

from tfedge.cli.program import main

__all__ = ["main"]
