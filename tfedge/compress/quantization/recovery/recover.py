"""Accuracy that rounding took, brought back without labels and without training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tfedge.compress.quantization.calibration_data import input_batches
from tfedge.compress.quantization.preparation import prepared
from tfedge.compress.quantization.recovery.methods import METHODS, Work
from tfedge.compress.quantization.recovery.synthesis import synthetic_inputs
from tfedge.compress.quantization.settings import QuantizeSettings
from tfedge.core.checks import one_of, whole_number
from tfedge.core.observers import OBSERVERS, Observer, observer_named
from tfedge.core.progress import progress
from tfedge.models.training.trainable import TrainableModel

_SAMPLES = 256
_AUTO = "auto"


def recover(
    model: Any,
    calibration: Any = None,
    *,
    methods: str | Iterable[str] = ("equalize", "bias"),
    layers: Mapping[Any, Any] | None = None,
    exclude: Any = (),
    observer: str | Observer = _AUTO,
    samples: int = _SAMPLES,
    seed: int = 0,
    verbose: int = 1,
) -> TrainableModel:
    """Return a fake-quantized copy of a model that computes as nearly as it can as the float one.

    Rounding shifts and stretches what flows through a network. A few passes over typical inputs,
    without labels, take much of that back. The result is a model as :func:`tfedge.quantize`
    returns it: ``tfedge.convert(recovered, "int8")`` writes its file, and it can be trained on.

    Args:
        model: A Keras model of either flavour, or the path of one, pruned or clustered or not.
        calibration: Typical inputs, in any form that :func:`tfedge.core.data.batches` reads;
            labels are ignored. None makes inputs up from the statistics that the model's
            BatchNormalization layers remember.
        methods: Any of these; they run in this order:

            - ``"equalize"``: channels are scaled from one layer to the next, so that none gets
              only a few of the integers of its tensor.
            - ``"rounding"``: each weight is rounded up or down as it serves the output of its
              layer, which is learned and takes seconds for each layer
              (:func:`~tfedge.compress.quantization.rounding.learn.learn_rounding`).
            - ``"batch_norm"``: the statistics of normalizations follow what goes into them.
            - ``"bias"``: the mean error of each channel is taken off its bias.
        layers: Settings of single layers, as :func:`tfedge.quantize` takes them, such as
            ``{"conv.*": {"weight_bits": 4}}``.
        exclude: Layers to leave in float and as they are: names, regular expressions, classes.
        observer: The rule that makes ranges of activations, a name or an object of
            :mod:`tfedge.core.observers`; ``"auto"`` takes the one that brings the outputs
            nearest to the float model's on the samples.
        samples: Largest number of samples used. All are in memory at once, with what one layer
            makes of them.
        seed: Seed of made-up inputs.
        verbose: 0 for no progress bar.

    Returns:
        A new tf_keras model. Its attribute ``recovery`` says what each method changed, a
        `Recovery`. A method that makes the copy worse is undone.

    Raises:
        ArgumentError: If a method, observer or setting is not known, or a choice matches no layer.
        ModelError: If the model is quantized already, or no layer can be quantized.
        CalibrationError: If the data do not fit or give no finite range, or there are none and
            the model has no BatchNormalization.

    Example:
        >>> import numpy as np
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> steps = [layers.Input((8,)), layers.Dense(6, "relu"), layers.Dense(4)]
        >>> x = np.random.default_rng(0).normal(size=(64, 8))
        >>> recovered = recover(keras3().Sequential(steps), x, verbose=0)
        >>> list(recovered.recovery.changed)
        ['equalize', 'bias']

    Reference:
        Nagel et al., ICCV 2019, arXiv:1906.04721; without data: Cai et al., CVPR 2020,
        arXiv:2001.00281.
    """
    rules, chosen = _rules(observer), _chosen(methods)
    whole_number("samples", samples)
    ready = prepared(
        model, preserve=None, exclude=exclude, layers=layers, default=QuantizeSettings()
    )
    data = calibration
    if data is None:
        made_up = synthetic_inputs(ready.model, samples, seed)
        data = dict(zip(ready.model.input_names, made_up, strict=True))
    batches = list(input_batches(ready.model, data, samples))
    with progress("recover", len(chosen) + 1, verbose, unit="step") as count:
        work = Work(ready, batches, rules, chosen)
        count(1)
        for name in chosen:
            work.do(name)
            count(1)
    return work.finished(synthetic=calibration is None)


def _rules(observer: str | Observer) -> list[Observer]:
    """Return the rules that are tried."""
    if observer == _AUTO:
        return [kind() for kind in OBSERVERS.values()]
    return [observer_named(observer)]


def _chosen(methods: str | Iterable[str]) -> list[str]:
    """Return the methods in the order in which they run."""
    names = [methods] if isinstance(methods, str) else list(methods)
    for name in names:
        one_of("methods", name, list(METHODS))
    return [name for name in METHODS if name in names]
