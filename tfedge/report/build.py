"""Reports of a file: everything is measured here, and written elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from tfedge.core.checks import one_of, whole_number, within
from tfedge.core.progress import progress
from tfedge.report.measuring.attempts import Attempts
from tfedge.report.measuring.environment import environment
from tfedge.report.measuring.plain import class_names_of, constraints_of, plain_mapping, plain_rows
from tfedge.report.measuring.subject import Subject
from tfedge.report.record import ModelReport
from tfedge.runtime.energy.energy import METHODS
from tfedge.runtime.interpreter import choose_runtime
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.opening import opened_file

_ACCELERATORS = ("edgetpu", "gpu", "micro")
_LONGEST_SECONDS = 3600.0


def model_report(
    lite: Any,
    original: Any = None,
    data: Any = None,
    y: Any = None,
    *,
    shipped: Any = None,
    metrics: Any = None,
    class_names: Sequence[str] = (),
    budget: Any = (),
    recipe: Any = None,
    stages: Any = (),
    trials: Any = (),
    accelerators: Sequence[str] = ("edgetpu", "micro"),
    latency: bool = True,
    layers: bool = True,
    energy: str | None = "estimated",
    runtime: str = "auto",
    threads: int = 1,
    runs: int | None = None,
    seconds: float = 2.0,
    title: str | None = None,
    verbose: int = 1,
) -> ModelReport:
    """Measure a file, and the model that it came from, and return a report to read and to send.

    Sizes, metrics, confusion, latency, memory, sparsity, ranges and each layer's SQNR are taken
    by tfedge's own functions on this machine. What cannot be measured is left out, and the report
    says so in words.

    Args:
        lite: A `TFLiteModel`, or the path or bytes of a ``.tflite`` file.
        original: What it came from: a Keras 3 or tf_keras model, or a path; a float ``.tflite``
            file will do too. None: the file is reported alone.
        data: Samples that neither training nor the search has seen, as `tfedge.evaluate` takes
            them.
        y: Labels, when ``data`` are arrays without them.
        shipped: The Keras model that the file was made of, if channels were removed from the
            original: layers are compared with it, and widths before and after are shown.
        metrics: As `tfedge.compare` takes them. None: accuracy and the confusion matrix for
            classes, mean absolute and squared error for real-valued targets.
        class_names: Names of the classes.
        budget: Limits and whether they are kept: mappings or records with ``name``, ``limit``,
            ``value``, ``met``, ``how``, or one record that has them as ``constraints``.
        recipe: How the file was made: a mapping, or a record.
        stages: What each step gave: mappings or records.
        trials: What else was tried: mappings or records with numbers such as ``gzip_bytes`` and
            ``accuracy``; those that are best in both are drawn as a Pareto front.
        accelerators: Which of ``"edgetpu"``, ``"gpu"``, ``"micro"`` to check the file for.
        latency: Whether to measure times.
        layers: Whether to compare layer by layer and to look at activations.
        energy: How `tfedge.energy` finds the energy of one run: ``"estimated"``, ``"measured"``
            (both files, with a battery's meter that takes minutes), ``"auto"``; None for none.
        runtime: Which interpreter runs files.
        threads: Threads for its kernels.
        runs: Timed runs; None for as many as a narrow interval needs.
        seconds: Longest time for each timing.
        title: Title of the report; the file's name by default.
        verbose: 0 for no progress bar.

    Returns:
        A :class:`ModelReport`: ``to_html(path)``, ``to_markdown(path)``, ``to_json()``,
        ``save(path)``; a notebook shows it by itself.

    Raises:
        ArgumentError: If a setting is out of range.
        ModelError: If ``lite`` is no ``.tflite`` file, or ``original`` cannot be read.
        DataError: If samples or labels do not fit.

    Example:
        >>> import numpy as np
        >>> from tfedge.runtime.sample import sample_model
        >>> report = model_report(sample_model(), latency=False, verbose=0)
        >>> report.verdict
        'halve is a file of 936 B (gzip ... B).'
        >>> sorted(report.left_out)[:3]
        ['budget', 'channels', 'comparison']
    """
    _check(accelerators, energy, runtime, threads, runs, seconds)
    given = _given(budget, recipe, stages, trials)
    known: dict[str, Any] = {"name": title, "class_names": class_names_of(class_names)}
    start, file = time.perf_counter(), opened_file(lite, "be reported")
    with progress("report", Subject.STEPS + len(accelerators), verbose, unit="part") as count:
        attempts = Attempts(count)
        subject = Subject(file, original, shipped, attempts, choose_runtime(runtime), threads)
        found = subject.measured(data, y, metrics, layers)
        found |= subject.timed(runs, seconds) if latency else subject.untimed()
        found |= subject.inspected(accelerators) | subject.energies(energy)
    for part, value in given.items():
        if not value:
            attempts.skip(part, "not given")
    known |= {"how": subject.how, "left_out": attempts.left_out}
    return _record(file, time.perf_counter() - start, {**given, **known, **found})


def _given(budget: Any, recipe: Any, stages: Any, trials: Any) -> dict[str, Any]:
    """Return what is only shown, as plain data."""
    return {
        "budget": constraints_of(budget),
        "recipe": plain_mapping("recipe", recipe),
        "stages": plain_rows("stages", stages),
        "trials": plain_rows("trials", trials),
    }


def _record(file: TFLiteModel, seconds: float, found: dict[str, Any]) -> ModelReport:
    """Return the record, with what the file says about itself and where it was measured."""
    found["name"] = found["name"] or file.name
    return ModelReport(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        seconds=seconds,
        sha256=file.digest,
        inputs=tuple(item.text for item in file.inputs),
        outputs=tuple(item.text for item in file.outputs),
        environment=environment(),
        **found,
    )


def _check(
    accelerators: Sequence[str],
    energy: str | None,
    runtime: str,
    threads: int,
    runs: int | None,
    seconds: float,
) -> None:
    """Refuse settings before anything is measured."""
    for name in accelerators:
        one_of("accelerators", name, _ACCELERATORS)
    one_of("energy", energy, (*METHODS, None))
    one_of("runtime", runtime, ("auto", "litert", "tflite-runtime", "tf.lite"))
    whole_number("threads", threads)
    whole_number("runs", 1 if runs is None else runs)
    within("seconds", seconds, 0.0, _LONGEST_SECONDS)
