"""``tfedge.sensitivity``: which layers of a model suffer from integers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from tfedge.convert.mixed.bench import Bench
from tfedge.convert.mixed.judge import Judge, Verdict, judged
from tfedge.convert.mixed.record import LayerSensitivity, Sensitivity
from tfedge.convert.mixed.start import conversion_of
from tfedge.convert.mixed.units import Unit
from tfedge.core.checks import one_of, whole_number
from tfedge.core.observers import Observer
from tfedge.core.progress import progress
from tfedge.core.replay import rereadable
from tfedge.core.sampling import picked, spread
from tfedge.evaluate.difference import sqnr_db
from tfedge.runtime.intermediate import intermediate_outputs
from tfedge.runtime.model import TFLiteModel

KINDS = ("int8", "int4_weights")
_LAYER_SAMPLES = 8


def sensitivity(
    model: Any,
    calibration: Any,
    *,
    data: Any = None,
    metric: Any = None,
    samples: int = 200,
    quantize: str = "int8",
    observer: str | Observer = "minmax",
    calibration_samples: int = 200,
    input_shapes: Any = None,
    verbose: int = 1,
    seed: int = 0,
) -> Sensitivity:
    """Measure how much the output of a model suffers when one layer alone is quantized.

    The model is converted and calibrated once. Then for each layer a file is made in which this
    layer has integers, weights and activations on both sides of it, and everything else floats;
    the file runs on the samples. One layer alone is measured, and not all but one, because a
    tensor that does not fit into 8 bits harms on both its sides: freeing one of two neighbours
    gains nothing, and each of them alone shows it.

    Args:
        model: A Keras 3 or tf_keras model, or a path to one, as `tfedge.convert` takes it.
        calibration: Samples that show the range of every activation.
        data: Samples to judge on, with labels or not; the calibration data by default.
        metric: What ``drop`` is measured in, as `tfedge.evaluate` takes it. By default accuracy
            where labels are classes, mean absolute error for other labels, and without labels
            the share of predictions that change. Errors count as worse when they grow.
        samples: Largest number of samples to judge on, drawn at random from arrays.
        quantize: ``"int8"``; or ``"int4_weights"``, which rounds kernels alone, to 15 values for
            each channel.
        observer: How ranges are drawn from the samples, as `tfedge.convert` takes it.
        calibration_samples: Largest number of samples that calibrate.
        input_shapes: Shapes of open inputs, as `tfedge.convert` takes them.
        verbose: 1 for a progress bar.
        seed: Of the drawing of samples.

    Returns:
        A :class:`~tfedge.convert.mixed.record.Sensitivity`: it prints a table, ``.table()`` has
        the rows, worst first, ``.plot()`` draws them.

    Raises:
        ModelError: If ``model`` is no model, is not built, has open shapes, or was trained with
            fake quantization.
        CalibrationError: If calibration data is missing, empty or does not fit.
        DataError: If ``data`` does not fit, or a metric is given without labels.
        ArgumentError: If a setting is not known.
        ConversionError: If the converter refuses or dies, or operators have no integers.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> layers = keras3().layers
        >>> steps = [layers.Input((4,)), layers.Dense(8, "relu", name="hidden")]
        >>> model = keras3().Sequential([*steps, layers.Dense(3, name="head")])
        >>> x = np.random.default_rng(0).random((50, 4), "float32")
        >>> found = sensitivity(model, x, verbose=0)
        >>> [row.layer for row in found.layers], found.metric
        (['hidden', 'head'], 'agreement')
    """
    one_of("quantize", quantize, KINDS)
    whole_number("samples", samples)
    calibration = rereadable(calibration)
    conversion = conversion_of(model, calibration, calibration_samples, observer, input_shapes)
    given = calibration if data is None else data
    batch = judged(given, conversion.signature.inputs, samples, seed)
    bench = Bench(conversion)
    judge = Judge(bench.reference, batch, metric)
    whole, rows = _measured(bench, judge, quantize, verbose)
    activations = _activations(bench, batch.x) if quantize == "int8" else {}
    return Sensitivity(
        model=conversion.name,
        quantize=quantize,
        samples=judge.samples,
        metric=judge.metric,
        value=judge.value,
        drop=whole.drop,
        sqnr_db=whole.sqnr_db,
        layers=tuple(_row(unit, found, activations.get(unit)) for unit, found in rows.items()),
    )


def noise_of(
    units: Iterable[Unit],
    made: Callable[[Unit], TFLiteModel],
    judge: Judge,
    done: Callable[[int], object],
) -> dict[Unit, Verdict]:
    """Return what each layer does to the output.

    Args:
        units: The layers.
        made: Makes the file in which one layer is quantized.
        judge: Judges it.
        done: Told after each layer.
    """
    found = {}
    for unit in units:
        found[unit] = judge(made(unit))
        done(1)
    return found


def _measured(
    bench: Bench, judge: Judge, quantize: str, verbose: int
) -> tuple[Verdict, dict[Unit, Verdict]]:
    """Return verdicts of the whole file and of each layer."""
    if quantize == "int8":
        units, made, whole = bench.units, bench.alone, bench.integer
    else:
        units = tuple(unit for unit in bench.units if unit.kernels)
        made, whole = lambda unit: bench.lowered_alone([unit]), bench.lowered_alone(units)
    with progress("sensitivity", len(units), verbose, unit="layer") as done:
        return judge(whole), noise_of(units, made, judge, done)


def _activations(bench: Bench, x: Mapping[str, np.ndarray]) -> dict[Unit, float]:
    """Return the SQNR of each layer's output in the integer file; tensors are matched by name."""
    few = picked(x, spread(len(next(iter(x.values()))), _LAYER_SAMPLES))
    truth = intermediate_outputs(bench.reference, few)
    found = intermediate_outputs(bench.integer, few)
    return {
        unit: sqnr_db(truth[unit.nodes[-1]], found[unit.nodes[-1]])
        for unit in bench.units
        if unit.nodes[-1] in truth and unit.nodes[-1] in found
    }


def _row(unit: Unit, found: Verdict, activation: float | None) -> LayerSensitivity:
    """Return the record of one layer."""
    return LayerSensitivity(
        layer=unit.layer,
        fused=unit.fused,
        operators=unit.kinds,
        weights=unit.weights,
        sqnr_db=found.sqnr_db,
        drop=found.drop,
        activation_sqnr_db=activation,
    )
