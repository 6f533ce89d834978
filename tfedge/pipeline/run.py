"""``tfedge.run``: a recipe, carried out on a model, stage by stage."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tfedge.core.errors import ArgumentError
from tfedge.core.openers import open_path
from tfedge.core.progress import progress
from tfedge.pipeline.fingerprint import fingerprint, model_digest
from tfedge.pipeline.judging import metrics_for
from tfedge.pipeline.leaks import count_leaks
from tfedge.pipeline.line import Line
from tfedge.pipeline.recipe import Recipe
from tfedge.pipeline.run_result import RunResult
from tfedge.pipeline.samples import Samples
from tfedge.pipeline.stages import work_folder
from tfedge.pipeline.steps.context import Context
from tfedge.pipeline.task import task_of
from tfedge.pipeline.versions import versions

_LABELS = 1024


def run(
    recipe: Any,
    model: Any,
    train: Any,
    val: Any = None,
    *,
    work: str | os.PathLike | None = None,
    seed: int | None = None,
    loss: Any = None,
    metrics: Any = None,
    callbacks: Sequence[Any] = (),
    verbose: int = 1,
) -> RunResult:
    """Carry out a recipe: a model goes in, a file comes out, and what happened on the way.

    With a work folder each stage is kept as soon as it is finished. The same call after a crash,
    a kill or Ctrl-C goes on from there and gives the same file.

    Args:
        recipe: A `tfedge.Recipe`, the name of a preset, the path of a JSON or YAML file, plain
            data, or a list of steps.
        model: A functional or Sequential model of either Keras, or the path of one. It is not
            changed.
        train: Samples with labels, in any form that `tfedge.core.data.batches` reads. Arrays are
            shuffled; ``tf.data``, Keras sequences and functions that make generators are read
            anew in each epoch, in their own order, augmented as they are.
        val: The like, that no step trains on: each stage is judged by it. None judges none.
        work: Folder for the stages; None keeps none.
        seed: Seed of whatever is random; the recipe's by default.
        loss: Loss of steps that train, as ``compile`` takes it. Default: the recipe's; else that
            of the compiled model; else what suits the labels and the last layer.
        metrics: Metrics as `tfedge.evaluate` takes them, the first of which counts. Default: the
            recipe's; else accuracy for classes, mean absolute error for values.
        callbacks: Keras callbacks for every training.
        verbose: 0 for no progress bar.

    Returns:
        The file, and what each stage made.

    Raises:
        ArgumentError: If the recipe is wrong.
        ModelError: If the model cannot be adopted, or a step cannot be done with it.
        DataError: If data are missing, bring no labels, or do not fit.
        StorageError: If the work folder cannot be written; finished stages are kept.

    Warns:
        UserWarning: If samples of ``val`` are in ``train`` too; if the work folder was used for
            something else.

    Example:
        >>> import numpy as np
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> stack = [layers.Input((4,)), layers.Dense(8, "relu"), layers.Dense(2, "softmax")]
        >>> x = np.random.default_rng(0).random((64, 4), "float32")
        >>> y = (x[:, 0] > x[:, 1]).astype(int)
        >>> steps = [{"kind": "prune", "sparsity": 0.5, "epochs": 1}, {"kind": "convert"}]
        >>> result = run(steps, keras3().Sequential(stack), (x, y), verbose=0)
        >>> result.lite.inputs[0].dtype, [stage.kind for stage in result.stages]
        ('int8', ['original', 'prune', 'convert'])
    """
    return carried_out(recipe, model, train, val, work, seed, loss, metrics, callbacks, verbose)


def carried_out(
    recipe: Any,
    model: Any,
    train: Any,
    val: Any,
    work: str | os.PathLike | None,
    seed: int | None,
    loss: Any,
    metrics: Any = None,
    callbacks: Sequence[Any] = (),
    verbose: int = 0,
    watch: Callable[[int, int, Any], None] | None = None,
) -> RunResult:
    """Carry out a recipe as `run` does, watched.

    Args:
        recipe: As `run` takes it, like what follows.
        model: The model.
        train: Samples with labels.
        val: The like, or None.
        work: Folder for the stages.
        seed: Seed.
        loss: Loss.
        metrics: Metrics.
        callbacks: Keras callbacks.
        verbose: 0 for no progress bar.
        watch: As `Context` has it. Stages that are there already are not shown to it.
    """
    from tfedge.models.adopt import adopt

    recipe = as_recipe(recipe)
    recipe = recipe if seed is None else replace(recipe, seed=seed)
    _check_val(recipe, val)
    model = open_path(model) if isinstance(model, (str, os.PathLike)) else model
    original = adopt(model)
    data = {"train": samples_of(train, original, "train")}
    if val is not None:
        data["val"] = samples_of(val, original, "val")
        count_leaks(data["train"], data["val"])
    task = task_of(model, original, data["train"].some(_LABELS)[1], loss or recipe.loss)
    judged_by = metrics_for(original, data.get("val"), metrics or recipe.metrics)
    named = {"name": original.name, "callbacks": tuple(callbacks), "watch": watch}
    context = Context(original, data["train"], data.get("val"), task, judged_by, **named)
    return _result(context, recipe, data, work, verbose)


def _result(
    context: Context,
    recipe: Recipe,
    data: Mapping[str, Samples],
    work: str | os.PathLike | None,
    verbose: int,
) -> RunResult:
    """Return the result of all stages."""
    marks = {name: fingerprint(one) for name, one in data.items()}
    digest = model_digest(context.original)
    belongs_to = {"model": digest, "training data": marks["train"].sha256}
    val = marks["val"].sha256 if "val" in marks else ""
    classes = {type(layer).__name__: type(layer) for layer in context.original.layers}
    folder = work_folder(work, belongs_to, context.identity(), _own(classes))
    total = len(recipe.steps) + 1
    with folder as stages, progress(recipe.name, total, verbose, unit="step") as count:
        line = Line(stages, context, recipe, val)
        for _ in line.stages():
            count(1)
        lite = line.load()
    return RunResult(
        recipe, lite, tuple(line.done), versions(), marks, context.name, digest, context.task.text
    )


def as_recipe(recipe: Any) -> Recipe:
    """Return a recipe, whatever it came as.

    Args:
        recipe: A recipe, the name of a preset, a path, plain data, or a list of steps.

    Raises:
        ArgumentError: If it is none.

    Example:
        >>> as_recipe("fast").name
        'fast'
    """
    if isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, Mapping):
        return Recipe.from_dict(recipe)
    if isinstance(recipe, (list, tuple)):
        return Recipe(recipe)
    if isinstance(recipe, os.PathLike) or (isinstance(recipe, str) and Path(recipe).suffix):
        return Recipe.load(recipe)
    return Recipe.preset(recipe)


def samples_of(data: Any, model: Any, name: str) -> Samples:
    """Return users' data as `Samples`; those that are so already stay as they are."""
    return data if isinstance(data, Samples) else Samples(data, model, name)


def _own(classes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the classes that are no part of tf_keras."""
    return {name: kind for name, kind in classes.items() if not kind.__module__.startswith("tf_k")}


def _check_val(recipe: Recipe, val: Any) -> None:
    """Raise if a step needs validation data and there are none."""
    for place, step in enumerate(recipe.steps, 1):
        if step.settings.get("patience") and val is None:
            raise ArgumentError(
                f"Step {place} ({step.kind}) ends training early, patience="
                f"{step.settings['patience']!r}, by the loss on val, and there is no val. Pass "
                "val, or leave patience out."
            )
