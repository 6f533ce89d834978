"""Latency, memory, energy and operators' times of files on a device."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np

from tfedge.core import errors
from tfedge.core.record_files import decode_record
from tfedge.core.records import Record
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.remote.device import RemoteDevice, opened


def benchmark_on(
    on: str | RemoteDevice, models: list[TFLiteModel], several: bool, **options: Any
) -> Any:
    """Return what `tfedge.benchmark` finds on a device; warnings from there are given here.

    Args:
        on: The device.
        models: Files; they travel there and are measured there, in processes of their own.
        several: Whether the caller passed a list of files.
        **options: For `tfedge.benchmark` there.

    Raises:
        DeviceError: If the device cannot be reached, or went away.
    """
    return _asked(on, "benchmark", models, several=several, options=options)


def energy_on(on: str | RemoteDevice, model: TFLiteModel, **options: Any) -> Any:
    """Return what `tfedge.energy` finds on a device, with the meters that it has.

    Args:
        on: The device.
        model: The file; it travels there and runs there, in a process of its own.
        **options: For `tfedge.energy` there.

    Raises:
        DeviceError: If the device cannot be reached, or went away.
    """
    return _asked(on, "energy", [model], options=options)


def compare_latency_on(on: str | RemoteDevice, models: list[TFLiteModel], **options: Any) -> Any:
    """Return what `tfedge.compare_latency` finds on a device.

    Args:
        on: The device.
        models: The two files; they travel there and run there in turns, in one process.
        **options: For `tfedge.compare_latency` there.

    Raises:
        DeviceError: If the device cannot be reached, or went away.
    """
    return _asked(on, "compare_latency", models, options=options)


def profile_on(on: str | RemoteDevice, models: list[TFLiteModel], **options: Any) -> Any:
    """Return what `tfedge.profile` finds on a device.

    Args:
        on: The device.
        models: The file and, where there is one, the file to compare it with.
        **options: For `tfedge.profile` there.

    Raises:
        DeviceError: If the device cannot be reached, or went away.
    """
    return _asked(on, "profile", models, options=options)


def _asked(on: str | RemoteDevice, kind: str, models: list[TFLiteModel], **value: Any) -> Any:
    """Return the record that a device answers; warnings from there are given here."""
    contents = [[np.frombuffer(model.content, np.uint8)] for model in models]
    names = [model.name for model in models]
    with opened(on) as device:
        with device.connected() as connection:
            (answer,) = connection.call(kind, contents, names=names, **value)
        for word, text in answer.value["warnings"]:
            category = getattr(errors, word, UserWarning)
            warnings.warn(f"On {device.name}: {text}", category, stacklevel=5)
        return _at(decode_record(answer.value["record"], f"what {device.name} sent"), device.name)


def _at(record: Record, on: str) -> Record:
    """Return a record that says where it was measured, and so do the records in it."""
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if field.name == "on":
            changes["on"] = on
        elif isinstance(value, Record):
            changes[field.name] = _at(value, on)
        elif isinstance(value, tuple):
            changes[field.name] = tuple(_at(v, on) if isinstance(v, Record) else v for v in value)
    return dataclasses.replace(record, **changes)
