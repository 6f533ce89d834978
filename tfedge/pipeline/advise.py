"""``tfedge.advise``: which techniques would help, before anything is trained."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfedge.convert.converter import convert
from tfedge.core.data import Batch
from tfedge.core.errors import ArgumentError
from tfedge.core.openers import open_path
from tfedge.core.progress import progress
from tfedge.core.replay import rereadable
from tfedge.models.flavours import flavour_of
from tfedge.models.graph import read_graph
from tfedge.models.statistics import model_statistics
from tfedge.pipeline.advice import Advice
from tfedge.pipeline.advising import Advising
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.drop import Drop, Yardstick
from tfedge.pipeline.held_out import gathered
from tfedge.pipeline.search.proxies import FRACTIONS, curves

_MADE_UP = 200


def advise(
    model: Any,
    budget: Budget,
    calibration: Any = None,
    val: Any = None,
    *,
    seed: int = 0,
    verbose: int = 1,
) -> Advice:
    """Say which techniques would help a model within a budget, before anything is trained.

    Files are made of the model as it is and with fewer channels, and zeros and shared values are
    put into its weights: sizes, multiply-accumulates, arena and latency are measured so. What
    they do to accuracy can be told without training for 8-bit integers alone, and only if
    ``calibration`` and ``val`` are given.

    Args:
        model: A Keras 3 or tf_keras model, or the path of one. It is not changed.
        budget: What the file may cost.
        calibration: Typical inputs. None makes some up, which settles sizes and times but says
            nothing of accuracy.
        val: Samples with labels, for the drop that integers cost.
        seed: Seed of inputs that are made up.
        verbose: 0 for no progress bar.

    Returns:
        An `Advice`: a verdict, what each technique would gain and how that is known, and a recipe
        to begin with.

    Raises:
        ArgumentError: If ``budget`` is no `tfedge.Budget`.
        ModelError: If ``model`` is no Keras model.
        ConversionError: If no file can be made of it.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> stack = [layers.Input((16,)), layers.Dense(64, "relu"), layers.Dense(4)]
        >>> advice = advise(keras3().Sequential(stack), Budget(macs=700), verbose=0)
        >>> advice["prune_channels"].helps, advice["prune"].helps
        (True, False)
    """
    if not isinstance(budget, Budget):
        raise ArgumentError(f"budget={budget!r} is no budget. Pass tfedge.Budget(...).")
    model = open_path(model) if isinstance(model, (str, os.PathLike)) else model
    flavour_of(model)
    statistics, given = model_statistics(model), calibration is not None
    samples = rereadable(calibration) if given else _made_up(model, seed)
    with progress("advise", 2 + len(FRACTIONS), verbose, unit="file") as done, _calm(given):
        float_bytes = convert(model, parity=False).size_bytes
        done(1)
        found = curves(model, samples, budget, done=done)
        drop = _drop(model, found.mode, samples, val) if given and val is not None else None
    advising = Advising(budget, found, float_bytes, drop)
    return Advice(
        model=statistics.name,
        budget=budget,
        parameters=statistics.parameters,
        macs=statistics.macs or int(found.channels[0][1]["macs"]),
        float_bytes=float_bytes,
        verdict=advising.verdict(),
        techniques=advising.techniques(),
        recipe=advising.recipe(),
        curves=found,
    )


def _made_up(model: Any, seed: int) -> Any:
    """Return inputs that mean nothing: an array, or a list of arrays."""
    generator, made = np.random.default_rng(seed), []
    for _, _, tensor in read_graph(model).input_layers:
        shape = (_MADE_UP, *(side or 1 for side in tensor.shape[1:]))
        kind = np.dtype(str(tensor.dtype))
        values = generator.random(shape) if kind.kind == "f" else np.zeros(shape)
        made.append(values.astype(kind))
    return made[0] if len(made) == 1 else made


@contextlib.contextmanager
def _calm(given: bool) -> Iterator[None]:
    """Keep what is said of calibration data away if they are made up."""
    with warnings.catch_warnings():
        if not given:
            warnings.simplefilter("ignore", UserWarning)
        yield


def _drop(model: Any, mode: str, calibration: Any, val: Any) -> Drop:
    """Return what integers alone cost."""
    shapes = {name: tensor.shape[1:] for name, _, tensor in read_graph(model).input_layers}
    data: Batch = gathered(val, shapes)
    return Yardstick(model, data).drop(convert(model, mode, calibration, parity=False))
