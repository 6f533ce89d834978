"""``tfedge.compress``: the best file of a model within a budget."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from tfedge.pipeline.budget import Budget
from tfedge.pipeline.result import CompressionResult
from tfedge.pipeline.search.conductor import Conductor
from tfedge.pipeline.search.identity import claim, identity_of
from tfedge.pipeline.search.job import Job, Settings
from tfedge.pipeline.search.subject import check_settings, subject_of

_EPOCHS = 10


def compress(
    model: Any,
    train: Any,
    val: Any,
    budget: Budget,
    *,
    epochs: int = _EPOCHS,
    seed: int = 0,
    work: str | os.PathLike | None = None,
    workers: int | str = 1,
    sampler: str = "tpe",
    loss: Any = None,
    resume: bool = True,
    verbose: int = 1,
) -> CompressionResult:
    """Search for the best file of a model within a budget.

    The cheapest file comes first: 8-bit integers without training. Then curves of the model are
    measured that need no training: what is left of size, multiply-accumulates and latency when
    channels go. They settle what is worth a trial, and what cannot be within the budget. Trials
    that train follow: as much as the limits allow; where a drop of accuracy is allowed, as far as
    it goes, in steps that get smaller; then what Optuna's sampler chooses. ``val`` is split: the
    search chooses by one half, and the limits are proven by the interpreter on the other.

    If the budget allows a drop of accuracy, the best file is the smallest one within it, else the
    most accurate one. If no file is within the budget, the nearest one is returned, and
    ``result.verdict`` says which limit binds.

    Args:
        model: A Keras 3 or tf_keras model, or the path of one. It is not changed.
        train: Training data with labels, in any form that ``tfedge.run`` takes.
        val: Validation data with labels that were not trained on; some hundred samples at least.
        budget: What the file may cost, and the search.
        epochs: Longest training of one trial; 0 trains nothing.
        seed: Seed of the split, of the sampler and of training.
        work: A folder in which everything is kept. The same call goes on where it was stopped or
            killed. Processes of several machines may work in it at the same time. None: a
            temporary folder, which ends with the program.
        workers: Number of processes that run trials; ``"ray"`` for this one and one more on each
            machine of a Ray cluster, all of which must see ``work``.
        sampler: Optuna's sampler: ``"tpe"``, or ``"nsga2"`` for some hundred trials and more.
        loss: Loss for training, as ``compile`` takes it; the model's own by default.
        resume: Whether a search in ``work`` may be gone on with; False refuses a folder with one.
        verbose: 0 for no progress bar.

    Returns:
        A :class:`~tfedge.pipeline.result.CompressionResult`: ``best``, ``pareto()``, ``table()``,
        ``report("report.html")``, ``save("folder")``. Ctrl-C ends the search and returns the best
        so far, if there is any file yet.

    Raises:
        ArgumentError: If a setting is wrong, or ``work`` holds the search of something else.
        ModelError: If ``model`` is no Keras model.
        DataError: If ``val`` has no labels, or data do not fit.
        StorageError: If ``work`` cannot be written, or the disk is full. What is there stays, and
            the same call goes on.
        MissingPackageError: If Optuna is not installed (``pip install tfedge[search]``), or Ray
            where it is asked for (``pip install tfedge[ray]``).

    Warns:
        UserWarning: If ``val`` is small, or holds samples of ``train``.

    Example:
        >>> import numpy as np
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> stack = [layers.Input((4,)), layers.Dense(8, "relu"), layers.Dense(2, "softmax")]
        >>> x = np.random.default_rng(0).random((600, 4), "float32")
        >>> y = (x[:, 0] > x[:, 1]).astype(int)
        >>> data = (x[:300], y[:300]), (x[300:], y[300:])
        >>> budget = Budget(size_bytes=10_000, accuracy_drop=0.05, trials=1)
        >>> result = compress(keras3().Sequential(stack), *data, budget, epochs=0, verbose=0)
        >>> result.met, result.best.inputs[0].dtype
        (True, 'int8')

    Reference:
        Akiba et al., "Optuna", KDD 2019, arXiv:1907.10902; the walk follows the accuracy-aware
        training of NNCF (https://github.com/openvinotoolkit/nncf).
    """
    check_settings(budget, epochs, seed, workers, sampler)
    begin = time.time()
    subject = subject_of(model, train, val, seed)
    folder = _temporary() if work is None else Path(work)
    settings: Any = {"budget": budget, "seed": seed, "epochs": epochs, "sampler": sampler}
    claim(folder, identity_of(subject.model, subject.train, subject.val, **settings), resume)
    deadline = None if budget.time is None else begin + budget.time
    known = Settings(**settings, loss=loss, deadline=deadline, name=subject.model.name)
    job = Job(folder, known, subject.model, subject.training_data, subject.parts.choose)
    return Conductor(job, subject, workers, verbose).result()


def _temporary() -> Path:
    """Return a folder that goes when the program ends."""
    folder = tempfile.mkdtemp(prefix="tfedge-search-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
