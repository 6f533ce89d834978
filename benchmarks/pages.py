"""What benchmarks share: where their data are, and what their pages say of versions."""

from __future__ import annotations

import argparse
import importlib.metadata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def parser_with_data(doc: str) -> argparse.ArgumentParser:
    """Return a parser that says what a script is for and knows ``--data``."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Return the options; without data there is nothing to measure."""
    options = parser.parse_args()
    if not options.data.exists():
        raise SystemExit(f"No data at {options.data}: pass the folder with --data.")
    return options


def installed(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of packages."""
    return {name: importlib.metadata.version(name) for name in packages}


def listed(versions: dict[str, str]) -> str:
    """Return versions for a page."""
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def listed_of(results: Iterable[dict[str, Any]]) -> str:
    """Return the versions with which results were made."""
    versions = {name: v for item in results for name, v in item["versions"].items()}
    return listed(dict(sorted(versions.items())))
