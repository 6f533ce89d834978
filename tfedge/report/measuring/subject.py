"""The file and the model behind it, and the measurements of both."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tfedge.compress.pruning.channels.report import channel_report
from tfedge.core.errors import ModelError
from tfedge.core.openers import open_path
from tfedge.core.replay import rereadable
from tfedge.models.statistics import model_statistics
from tfedge.report.measuring.attempts import Attempts
from tfedge.report.measuring.layers import Known, layer_rows, parity_of_layers
from tfedge.report.measuring.ranges import activation_ranges, first_samples
from tfedge.report.measuring.scores import (
    choose_metrics,
    class_scores,
    lightened,
    measure_file,
    measure_pair,
)
from tfedge.report.measuring.sizes import file_sizes, weight_histograms
from tfedge.runtime.accelerators.check import check
from tfedge.runtime.energy.energy import energy
from tfedge.runtime.latency.benchmark import benchmark_each
from tfedge.runtime.latency.compare import compare_latency
from tfedge.runtime.memory.memory import memory
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.runner import Runner

_NO_ORIGINAL, _NO_DATA = "no original model was given", "no samples were given"


class Subject:
    """What a report is about.

    Args:
        file: The file.
        original: The model that it came from, or a path; None without one.
        shipped: The Keras model that the file was made of, if it is another.
        attempts: Runs the measurements.
        runtime: Which interpreter runs files.
        threads: Threads for its kernels.

    Attributes:
        how: How each part was obtained, by name of the part.
    """

    STEPS: ClassVar[int] = 14

    def __init__(
        self,
        file: TFLiteModel,
        original: Any,
        shipped: Any,
        attempts: Attempts,
        runtime: str,
        threads: int,
    ):
        self.how: dict[str, str] = {}
        self._file, self._attempts = file, attempts
        self._original, self._shipped = _opened(original), _opened(shipped)
        self._settings: dict[str, Any] = {"runtime": runtime, "threads": threads}
        self._runs = attempts.run("run", self._run_once) is True
        self._float_file = self._as_file()
        self._x: Any = None
        self._parity: Sequence[Any] = ()

    @property
    def _where(self) -> str:
        """Runtime and threads, in words."""
        threads = self._settings["threads"]
        return f"{self._settings['runtime']}, {threads} thread{'' if threads == 1 else 's'}"

    def _run_once(self) -> bool:
        """Run the file on zeros; raise if it does not run."""
        for item in self._file.inputs:
            if np.dtype(item.dtype).kind not in "biuf":
                raise ModelError(f"input {item.name!r} takes {item.dtype}; only numbers are fed")
        zeros = {
            item.name: np.zeros(item.shape, np.float32 if item.scale else item.dtype)
            for item in self._file.inputs
        }
        Runner(self._file, **self._settings).predict(zeros)
        return True

    def _as_file(self) -> TFLiteModel | None:
        """Return the float32 file of the original, or the original if it is a file."""
        if self._original is None:
            return self._attempts.skip("reference", _NO_ORIGINAL)
        if isinstance(self._original, TFLiteModel):
            return self._original
        return self._attempts.run("reference", _float_file, self._original)

    def measured(self, data: Any, y: Any, metrics: Any, layers: bool) -> dict[str, Any]:
        """Return metrics, agreement and each class's score; look at layers too."""
        data = rereadable(data)
        empty = {"task": "", "comparison": None, "evaluation": None, "classes": ()}
        if data is None or not self._runs:
            why = _NO_DATA if data is None else "the file does not run"
            for part in ("comparison", "evaluation", "sqnr"):
                self._attempts.skip(part, why)
            return empty
        reference = self._file if self._original is None else self._original
        chosen = self._attempts.run("task", choose_metrics, reference, data, y, metrics)
        if chosen is None:
            return empty
        self._x = first_samples(self._file, data) if layers else None
        found = {**empty, **self._scored(data, y, chosen.metrics), "task": chosen.task}
        self._parity = self._layers() or ()
        return found

    def _scored(self, data: Any, y: Any, metrics: Any) -> dict[str, Any]:
        """Return the comparison, or the evaluation of the file alone."""
        settings = {"metrics": metrics, **self._settings}
        compared = scored = None
        if self._original is None:
            self._attempts.skip("comparison", _NO_ORIGINAL)
        else:
            args = (self._original, self._file, data, y)
            compared = self._attempts.run("comparison", measure_pair, *args, **settings)
        if compared is None:
            scored = self._attempts.run("evaluation", measure_file, self._file, data, y, **settings)
        found = compared or scored
        if found is None:
            return {}
        after = compared.b.metrics if compared else found.metrics
        beside = f"; the original on {compared.a.runtime}" if compared else ""
        self.how["comparison"] = f"{found.samples:,} samples; the file on {self._where}{beside}"
        return {
            "comparison": lightened(compared),
            "evaluation": lightened(scored),
            "classes": class_scores(after, compared.a.metrics if compared else None),
        }

    def _layers(self) -> Any:
        """Return the SQNR of each layer against the model that the file was made of."""
        model = self._original if self._shipped is None else self._shipped
        if model is None or self._x is None:
            why = _NO_ORIGINAL if model is None else "not asked"
            return self._attempts.skip("sqnr", why)
        which = "the original" if self._shipped is None else "the Keras model that was shipped"
        self.how["sqnr"] = f"against {which}, {_count(self._x)} samples, one by one"
        return self._attempts.run("sqnr", parity_of_layers, model, self._file, self._x)

    def timed(self, runs: int | None, seconds: float) -> dict[str, Any]:
        """Return times of the file alone, and of it and the float32 file in turns."""
        limits: dict[str, Any] = {"runs": runs, "seconds": seconds, "verbose": 0, **self._settings}
        alone = ratio = None
        if not self._runs:
            return self.untimed("the file does not run")
        found = self._attempts.run("latency", benchmark_each, [self._file], **limits)
        if found:
            alone = found[0]
            self.how["latency"] = f"{self._where}, batch {alone.batch}, a process of its own"
        if self._float_file is None:
            self._attempts.skip("latency_ratio", "there is no float32 file to compare with")
        else:
            pair = (self._float_file, self._file)
            ratio = self._attempts.run("latency_ratio", compare_latency, *pair, **limits)
        return {"latency": alone, "latency_ratio": ratio}

    def untimed(self, why: str = "not asked") -> dict[str, Any]:
        """Return no times."""
        self._attempts.skip("latency", why)
        self._attempts.skip("latency_ratio", why)
        return {"latency": None, "latency_ratio": None}

    def inspected(self, accelerators: Sequence[str]) -> dict[str, Any]:
        """Return what can be read from the file and from the models, without timing anything."""
        run, file = self._attempts.run, self._file
        planned = run("memory", memory, file)
        statistics = None
        if self._original is None or isinstance(self._original, TFLiteModel):
            self._attempts.skip("statistics", "no Keras model was given")
        else:
            statistics = run("statistics", model_statistics, self._original)
        live = tuple(one.live_bytes for one in planned.operators) if planned else ()
        known = Known(statistics.layers if statistics else (), self._parity, live)
        checks = (run(f"check of {name}", check, file, name) for name in accelerators)
        seen = "" if self._x is None else f"; what was seen, from {_count(self._x)} samples"
        self.how["activations"] = f"limits from scales and zero points in the file{seen}"
        float_file = self._float_file
        return {
            "size": file_sizes(file),
            "reference": None if float_file is None else run("reference", file_sizes, float_file),
            "memory": planned,
            "statistics": statistics,
            "channels": self._channels(),
            "layers": layer_rows(file, known),
            "weights": weight_histograms(file),
            "activations": run("activations", activation_ranges, file, self._x) or (),
            "checks": tuple(one for one in checks if one is not None),
        }

    def energies(self, method: str | None) -> dict[str, Any]:
        """Return the energy of one run of both files, measured or estimated."""
        found: dict[str, Any] = {"energy": None, "energy_reference": None}
        if method is None or (method != "estimated" and not self._runs):
            self._attempts.skip("energy", "the file does not run" if method else "not asked")
            return found
        for part, file in (("energy", self._file), ("energy_reference", self._float_file)):
            if file is not None:
                settings = {"method": method, "verbose": 0, **self._settings}
                found[part] = self._attempts.run(part, energy, file, **settings)
        return found

    def _channels(self) -> Any:
        """Return what removal of channels did, where both models are at hand."""
        if self._original is None or self._shipped is None:
            return self._attempts.skip("channels", "no Keras models before and after were given")
        return self._attempts.run("channels", channel_report, self._original, self._shipped)


def _opened(model: Any) -> Any:
    """Return a model, also of a path."""
    return open_path(model) if isinstance(model, (str, os.PathLike)) else model


def _float_file(model: Any) -> TFLiteModel:
    """Return the float32 file of a Keras model."""
    from tfedge.convert.converter import convert

    return convert(model, "float32", parity=False)


def _count(x: Any) -> int:
    """Return the number of samples in the inputs of a batch."""
    from tfedge.core.data import count

    return count(x)
