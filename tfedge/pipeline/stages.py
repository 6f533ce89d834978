"""A work folder: the result of every stage, whole or not there, found again by what made it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tfedge._version import __version__
from tfedge.core.errors import ArgumentError, TfedgeError
from tfedge.core.files import write_whole
from tfedge.core.record_files import decode_record, encode_record
from tfedge.pipeline.recipe_files import json_bytes
from tfedge.pipeline.stage import Stage
from tfedge.runtime.model import TFLiteModel

_MARK, _RECORD = "work.json", "stage.json"
_KERAS, _FILE = "model.keras", "model.tflite"


class WorkFolder:
    """The results of stages, each in a folder named by what led to it.

    Args:
        path: The folder; made if it is not there.
        belongs_to: What all stages come from, as texts by name: model and data.
        settings: What else decides what comes out, as texts by name.
        classes: Classes of users' own that their models consist of, by name.

    Raises:
        ArgumentError: If it cannot be made or written.
    """

    def __init__(
        self,
        path: Path,
        belongs_to: Mapping[str, str],
        settings: Mapping[str, str],
        classes: Mapping[str, Any],
    ) -> None:
        self.path = path
        self.start = _digest({"tfedge": __version__, **belongs_to, **settings})
        self._classes = dict(classes)
        with _writing(path, "make the work folder"):
            path.mkdir(parents=True, exist_ok=True)
            _sweep(path)
            self._claim({"tfedge": __version__, **belongs_to})

    def after(self, key: str, step: Mapping[str, Any], seed: int) -> str:
        """Return the key of the stage that a step makes of another stage."""
        return _digest({"after": key, "step": step, "seed": seed})

    def find(self, key: str, kind: str) -> Stage | None:
        """Return a stage that is there and whole, None otherwise."""
        place = self._place(key, kind)
        if not place.is_dir():
            return None
        try:
            found = json.loads((place / _RECORD).read_bytes())
            if _digest_of_file(_model_in(place)) == found["stored"]:
                return decode_record(found["stage"], str(place))
        except (TfedgeError, OSError, ValueError, KeyError):
            pass  # said below
        warnings.warn(
            f"The stage in {str(place)!r} is damaged. It is made anew.", UserWarning, stacklevel=4
        )
        shutil.rmtree(place)
        return None

    def keep(self, key: str, stage: Stage, made: Any) -> None:
        """Write a stage, whole or not at all."""
        place = self._place(key, stage.kind)
        temporary = self.path / f".{place.name}.{socket.gethostname()}.{os.getpid()}"
        with _writing(self.path, f"keep the result of {stage.kind!r}"):
            try:
                temporary.mkdir()
                found = {"stored": _write_model(made, temporary), "stage": encode_record(stage)}
                write_whole(temporary / _RECORD, json_bytes(found))
                with contextlib.suppress(FileExistsError):
                    _moved(temporary, place)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)

    def load(self, key: str, stage: Stage, name: str) -> Any:
        """Return the model or file of a stage."""
        path = _model_in(self._place(key, stage.kind))
        if path.name == _FILE:
            return TFLiteModel(path.read_bytes(), name, stage.notes)
        from tfedge.models.files import load_model

        return load_model(path, safe=False, custom_objects=self._classes)

    def _place(self, key: str, kind: str) -> Path:
        """Return the folder of a stage."""
        return self.path / f"{kind}-{key[:20]}"

    def _claim(self, mark: dict[str, str]) -> None:
        """Note what the folder belongs to; warn if that was something else before."""
        path = self.path / _MARK
        try:
            before = json.loads(path.read_bytes())
        except (OSError, ValueError):
            before = {}
        changed = [name for name in mark if before and before.get(name) != mark[name]]
        if changed:
            what = ", ".join(_difference(name, before, mark) for name in changed)
            warnings.warn(
                f"The work folder {str(self.path)!r} was used for something else: {what}. Its "
                "stages are left alone and none is used where that matters. Give each its own "
                "work folder to tell them apart.",
                UserWarning,
                stacklevel=5,
            )
        if before != mark:
            write_whole(path, json_bytes(mark))


@contextlib.contextmanager
def work_folder(work: str | os.PathLike | None, *identity: Mapping[str, Any]) -> Iterator[Any]:
    """Open a work folder, or one that is gone afterwards.

    Args:
        work: The folder, None for one that is gone afterwards.
        *identity: What else `WorkFolder` takes.

    Raises:
        ArgumentError: If it cannot be made or written.
    """
    if work is not None:
        yield WorkFolder(Path(work), *identity)
        return
    with tempfile.TemporaryDirectory(prefix="tfedge-run-") as folder:
        yield WorkFolder(Path(folder), *identity)


@contextlib.contextmanager
def _writing(path: Path, what: str) -> Iterator[None]:
    """Say in words that something cannot be written."""
    try:
        yield
    except OSError as error:
        raise ArgumentError(
            f"Cannot {what} in {str(path)!r}: {error.strerror or error}. Nothing was left half "
            "written, and finished stages are kept. Make room or choose another folder; the same "
            "call goes on from there."
        ) from error


def _write_model(made: Any, folder: Path) -> str:
    """Write a model or file; return a digest of what was written."""
    if isinstance(made, TFLiteModel):
        write_whole(folder / _FILE, made.content)
    else:
        made.save(folder / _KERAS)
        with (folder / _KERAS).open("rb") as file:
            os.fsync(file.fileno())
    return _digest_of_file(_model_in(folder))


def _moved(temporary: Path, place: Path) -> None:
    """Put a finished folder in its place, unless another process was first."""
    try:
        temporary.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def _sweep(path: Path) -> None:
    """Take away what processes of this machine left that do not run any more."""
    for left in path.glob(f".*.{socket.gethostname()}.*"):
        number = left.name.rpartition(".")[2]
        if number.isdigit() and not _runs(int(number)):
            shutil.rmtree(left, ignore_errors=True)


def _runs(number: int) -> bool:
    """Return whether a process runs."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _model_in(folder: Path) -> Path:
    """Return the path of the model in a stage's folder."""
    path = folder / _FILE
    return path if path.exists() else folder / _KERAS


def _digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest(found: Mapping[str, Any]) -> str:
    """Return the SHA-256 of plain data."""
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _difference(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return what is different, in words."""
    if name == "tfedge":
        return f"tfedge {before.get(name)} instead of {after[name]}"
    return f"another {name}"
