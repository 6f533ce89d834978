"""Files that commands write: looked at before the work, written whole or not at all."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import Any

from tfedge.core.errors import ArgumentError, ModelError

STDOUT = "-"


def check_output(path: str | None, force: bool, suffixes: tuple[str, ...] = ()) -> None:
    """Raise unless a file can be written there.

    Args:
        path: Where it goes; ``-`` is stdout; None is no file.
        force: Whether a file that exists is replaced.
        suffixes: The endings that it may have; empty for any.

    Raises:
        ArgumentError: If it exists already, has another ending, or its folder does not exist.

    Example:
        >>> check_output("/nowhere/model.tflite", False)
        Traceback (most recent call last):
        ...
        tfedge.core.errors.ArgumentError: There is no folder '/nowhere' to write 'model.tflite' ...
    """
    if path is None:
        return
    if path == STDOUT:
        if sys.stdout.isatty():
            raise ArgumentError("A model does not go to a terminal. Say -o FILE, or pipe it on.")
        return
    place = Path(path)
    if suffixes and place.suffix.lower() not in suffixes:
        raise ArgumentError(f"{path!r} must end in {' or '.join(suffixes)}.")
    if not place.parent.is_dir():
        raise ArgumentError(f"There is no folder {str(place.parent)!r} to write {place.name!r} to.")
    if place.is_dir():
        raise ArgumentError(f"{path!r} is a folder. Name a file.")
    if place.exists() and not force:
        raise ArgumentError(f"{path!r} exists already. Say --force to replace it.")


def check_folder(path: str, force: bool, names: tuple[str, ...]) -> None:
    """Raise unless files of these names can be written to a folder, which is made if need be.

    Args:
        path: The folder.
        force: Whether files that exist are replaced.
        names: What will be written there.

    Raises:
        ArgumentError: If one exists already, it is a file, or what it lies in does not exist.

    Example:
        >>> check_folder("/nowhere/small", False, ("model.tflite",))
        Traceback (most recent call last):
        ...
        tfedge.core.errors.ArgumentError: There is no folder '/nowhere' to make 'small' in.
    """
    place = Path(path)
    if place.exists() and not place.is_dir():
        raise ArgumentError(f"{path!r} is a file. Name a folder.")
    if not place.absolute().parent.is_dir():
        raise ArgumentError(f"There is no folder {str(place.parent)!r} to make {place.name!r} in.")
    there = [name for name in names if (place / name).exists()]
    if there and not force:
        raise ArgumentError(f"{path!r} holds {there[0]} already. Say --force to replace it.")


def write_file(lite: Any, path: str) -> str:
    """Write a ``.tflite`` file, or put it on stdout.

    Args:
        lite: A `TFLiteModel`.
        path: Where it goes; ``-`` is stdout.

    Returns:
        The path.

    Raises:
        ModelError: If it cannot be written.
    """
    if path != STDOUT:
        return str(lite.save(path))
    sys.stdout.buffer.write(lite.content)
    sys.stdout.buffer.flush()
    return path


def write_model(model: Any, path: str) -> str:
    """Write a Keras model as ``.keras`` or ``.h5``, whole or not at all.

    Args:
        model: A model of either Keras.
        path: Where it goes; the ending says in which format.

    Returns:
        The path.

    Raises:
        ModelError: If it cannot be written; what was there stays.
    """
    place = Path(path)
    temporary = place.with_name(f".{uuid.uuid4().hex}{place.suffix}")
    try:
        model.save(temporary)
        temporary.replace(place)
    except OSError as error:
        raise ModelError(f"Cannot write {path!r}: {error}. Nothing was changed.") from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def write_record(record: Any, path: str | None) -> None:
    """Write a record for `tfedge.load_record`, if a path is given."""
    if path is not None:
        from tfedge.core.record_files import save_record

        save_record(record, path)
