"""A work folder: the result of every stage, whole or not there, found again by what led to it."""

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
from tfedge.core.errors import TfedgeError
from tfedge.core.files import write_whole
from tfedge.core.record_files import decode_record, encode_record
from tfedge.pipeline.disk import gone_afterwards, said_in_words, swept
from tfedge.pipeline.recipe_files import json_bytes
from tfedge.pipeline.stage import Stage
from tfedge.runtime.model import TFLiteModel

_MARK = "work.json"
_KERAS, _FILE = "model.keras", "model.tflite"


class WorkFolder:
    """The results of stages, each in a folder that is named by what led to it.

    Args:
        path: The folder; made if it is not there.
        belongs_to: What all stages come from, as texts by name: model and data.
        settings: What else decides what steps make, as texts by name.
        classes: Classes of users' own that their models consist of, by name.

    Raises:
        StorageError: If it cannot be made or written.
    """

    def __init__(
        self,
        path: Path,
        belongs_to: Mapping[str, str],
        settings: Mapping[str, str],
        classes: Mapping[str, Any],
    ) -> None:
        self.path = path
        self.start = digest_of({"tfedge": __version__, **belongs_to, **settings})
        self._classes = dict(classes)
        with said_in_words(path, "make the work folder"):
            path.mkdir(parents=True, exist_ok=True)
            swept(path)
            self._claim({"tfedge": __version__, **belongs_to})

    def find(self, key: str, kind: str, judge: str = "") -> tuple[Stage, bool] | None:
        """Return a stage if it is there and whole, and whether it was judged so before.

        Args:
            key: What led to it.
            kind: Kind of the step.
            judge: What it is judged by; empty if it is not.

        Warns:
            UserWarning: If it is there and damaged; it is taken away.
        """
        place = self._place(key, kind)
        if not place.is_dir():
            return None
        found = _read(place, judge)
        if found is not None:
            return found
        warnings.warn(
            f"The stage in {str(place)!r} is damaged; it is made anew.", UserWarning, stacklevel=2
        )
        shutil.rmtree(place)
        return None

    def keep(self, key: str, stage: Stage, made: Any) -> None:
        """Write a stage, whole or not at all.

        Raises:
            StorageError: If it cannot be written.
        """
        place = self._place(key, stage.kind)
        temporary = self.path / f".{place.name}.{socket.gethostname()}.{os.getpid()}"
        with said_in_words(self.path, f"keep the stage {stage.kind!r}"), gone_afterwards(temporary):
            temporary.mkdir()
            found = {"stored": _write_model(made, temporary), "stage": encode_record(stage)}
            write_whole(temporary / _record(""), json_bytes(found))
            _moved(temporary, place)

    def keep_judged(self, key: str, stage: Stage, judge: str) -> None:
        """Write what a stage was found to be by some validation data.

        Raises:
            StorageError: If it cannot be written.
        """
        with said_in_words(self.path, f"keep the metrics of {stage.kind!r}"):
            content = json_bytes({"stage": encode_record(stage)})
            write_whole(self._place(key, stage.kind) / _record(judge), content)

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
                f"The work folder {str(self.path)!r} was used with {what} before. Stages of then "
                "are left as they are, and none of them is used. A work folder for each keeps "
                "them apart.",
                UserWarning,
                stacklevel=2,
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
        StorageError: If it cannot be made or written.
    """
    if work is not None:
        yield WorkFolder(Path(work), *identity)
        return
    with tempfile.TemporaryDirectory(prefix="tfedge-run-") as folder:
        yield WorkFolder(Path(folder), *identity)


def digest_of(found: Any) -> str:
    """Return the SHA-256 of plain data, in hexadecimal.

    Example:
        >>> digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
        True
    """
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def _read(place: Path, judge: str) -> tuple[Stage, bool] | None:
    """Return the stage in a folder, and whether it was judged so; None if it is damaged."""
    try:
        found = json.loads((place / _record("")).read_bytes())
        if _digest_of_file(_model_in(place)) != found["stored"]:
            return None
        judged = (place / _record(judge)).exists()
        found = json.loads((place / _record(judge if judged else "")).read_bytes())
        return decode_record(found["stage"], str(place)), judged
    except (TfedgeError, OSError, ValueError, KeyError):
        return None


def _record(judge: str) -> str:
    """Return the name of the file that tells of a stage, judged or not."""
    return f"stage-{judge[:16]}.json" if judge else "stage.json"


def _write_model(made: Any, folder: Path) -> str:
    """Write a model or file to the disk; return a digest of what was written."""
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


def _model_in(folder: Path) -> Path:
    """Return the path of the model in a stage's folder."""
    path = folder / _FILE
    return path if path.exists() else folder / _KERAS


def _digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _difference(name: str, before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return what is different, in words."""
    if name == "tfedge":
        return f"tfedge {before.get(name)} (this is {after[name]})"
    return f"another {name}" if name == "model" else f"other {name}"
