"""What a work folder belongs to: one model, one set of data, one budget."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tfedge._version import __version__
from tfedge.core.errors import ArgumentError, DataError, StorageError
from tfedge.core.files import write_whole
from tfedge.core.record_files import encode_record
from tfedge.pipeline.fingerprint import fingerprint, model_digest
from tfedge.pipeline.samples import Samples

MANIFEST = "search.json"
_WORDS = {
    "tfedge": "another version of tfedge",
    "model": "another model",
    "train": "other training data",
    "val": "other validation data",
    "budget": "another budget",
    "seed": "another seed",
    "epochs": "another number of epochs",
    "sampler": "another sampler",
}


def identity_of(model: Any, train: Samples, val: Samples, **settings: Any) -> dict[str, Any]:
    """Return what a search is a search of, as plain data.

    Args:
        model: The model.
        train: Training data.
        val: Validation data.
        **settings: ``budget``, ``seed``, ``epochs``, ``sampler``.
    """
    budget = encode_record(settings.pop("budget"))["fields"]
    kept = {name: value for name, value in budget.items() if name not in ("time", "trials")}
    digests = {"train": fingerprint(train).sha256[:16], "val": fingerprint(val).sha256[:16]}
    found = {"model": model_digest(model)[:16], **digests, "budget": kept, **settings}
    return {"tfedge": __version__, **json.loads(json.dumps(found))}


def claim(folder: Path, identity: dict[str, Any], resume: bool) -> bool:
    """Make a folder this search's own; return whether it was before.

    Args:
        folder: The work folder; made if it does not exist.
        identity: What the search is a search of.
        resume: Whether a search that was begun may be gone on with.

    Raises:
        ArgumentError: If it holds another search, or one that is not to be gone on with.
        StorageError: If it cannot be written.
        DataError: If what it holds cannot be read.
    """
    path = folder / MANIFEST
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_whole(path, (json.dumps(identity, indent=2) + "\n").encode())
            return False
    except OSError as error:
        raise StorageError(
            f"work={str(folder)!r} cannot be written: {error.strerror}. Choose a folder that can "
            "be written and has room."
        ) from error
    _compare(folder, _read(path), identity)
    if not resume:
        raise ArgumentError(
            f"work={str(folder)!r} holds a search already. Go on with it with resume=True, or "
            "choose another folder."
        )
    return True


def _read(path: Path) -> dict[str, Any]:
    """Return what a folder says it belongs to."""
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise DataError(
            f"{str(path)!r} is damaged ({error}). Choose another work folder."
        ) from error


def _compare(folder: Path, found: dict[str, Any], identity: dict[str, Any]) -> None:
    """Raise if a folder belongs to another search; says in what it differs."""
    differ = [name for name in _WORDS if found.get(name) != identity.get(name)]
    if differ:
        told = [f"{_WORDS[name]} ({_change(name, found, identity)})" for name in differ]
        raise ArgumentError(
            f"work={str(folder)!r} holds the search of {', '.join(told)}. Its trials say nothing "
            "about this one. Choose another work folder."
        )


def _change(name: str, found: dict[str, Any], identity: dict[str, Any]) -> str:
    """Return what is there and what was asked."""
    old, new = found.get(name), identity.get(name)
    if isinstance(old, dict) and isinstance(new, dict):
        names = [one for one in new if old.get(one) != new[one]]
        return "; ".join(f"{one} {_short(old.get(one))}, now {_short(new[one])}" for one in names)
    return f"{_short(old)}, now {_short(new)}"


def _short(value: Any) -> str:
    """Return a value as short text."""
    if isinstance(value, dict):
        return str(value.get("fields", value).get("name", value))[:40]
    return str(value)
