"""Recipes as JSON and YAML files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tfedge.core.errors import ArgumentError, DataError
from tfedge.core.files import write_for_user

_YAML = (".yaml", ".yml")
_SUFFIXES = (".json", *_YAML)


def read_recipe(path: Path) -> Any:
    """Return the plain data in a JSON or YAML file.

    Raises:
        DataError: If it cannot be read, or is neither.

    Example:
        >>> read_recipe(Path("nowhere.yaml"))
        Traceback (most recent call last):
        ...
        tfedge.core.errors.DataError: Cannot read the recipe 'nowhere.yaml': No such file or ...
    """
    try:
        text = path.read_text(encoding="utf-8")
        return yaml.safe_load(text) if path.suffix.lower() in _YAML else json.loads(text)
    except OSError as error:
        raise DataError(
            f"Cannot read the recipe {str(path)!r}: {error.strerror}. Check the path."
        ) from error
    except (ValueError, yaml.YAMLError) as error:
        kind = "YAML" if path.suffix.lower() in _YAML else "JSON"
        said = " ".join(str(error).split())
        raise DataError(f"{str(path)!r} is not {kind}: {said}. Mend it at that place.") from error


def write_recipe(found: Mapping[str, Any], path: Path) -> Path:
    r"""Write plain data as JSON or YAML, whole or not at all; return the path.

    Raises:
        ArgumentError: If the path ends otherwise, or cannot be written.

    Example:
        >>> import tempfile
        >>> path = write_recipe({"steps": []}, Path(tempfile.mkdtemp()) / "none.yaml")
        >>> path.read_text()
        'steps: []\n'
    """
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise ArgumentError(
            f"{str(path)!r} does not say what to write a recipe as. Let it end in one of "
            f"{', '.join(_SUFFIXES)}."
        )
    text = json_bytes(found).decode()
    if suffix in _YAML:
        text = yaml.safe_dump(json.loads(text), sort_keys=False, allow_unicode=True)
    return write_for_user(path, text.encode(), "a recipe")


def json_bytes(found: Mapping[str, Any]) -> bytes:
    r"""Return plain data as the content of a JSON file.

    Example:
        >>> json_bytes({"steps": []})
        b'{\n  "steps": []\n}\n'
    """
    return (json.dumps(found, indent=2, allow_nan=False) + "\n").encode()
