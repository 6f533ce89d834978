"""``tfedge.convert``: a Keras model goes in, a ``.tflite`` file that was checked comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tfedge.convert.conversion import Conversion
from tfedge.convert.mixed.mix import mixed_files
from tfedge.convert.mixed.settings import MixedPrecision
from tfedge.convert.mixed.start import check_mixable
from tfedge.convert.modes import border_types, check_mode, mode_named
from tfedge.convert.proof import best_file, proof_samples
from tfedge.convert.ranges import observers_for
from tfedge.convert.runtimes import named_runtimes, on_runtimes
from tfedge.convert.samples import calibration_of, exportable
from tfedge.convert.signature import signature_of
from tfedge.convert.sparse import CHOICES, stored
from tfedge.core.checks import one_of, whole_number
from tfedge.core.observers import Observer
from tfedge.core.progress import progress
from tfedge.core.replay import rereadable
from tfedge.runtime.model import TFLiteModel


def convert(
    model: Any,
    quantize: str | MixedPrecision | None = "float32",
    calibration: Any = None,
    *,
    calibration_samples: int = 200,
    observer: str | Observer = "minmax",
    input_type: str | None = None,
    output_type: str | None = None,
    float_fallback: bool = False,
    batch_size: int | None = 1,
    input_shapes: Any = None,
    parity: Any = True,
    sparse: Any = False,
    runtimes: str | Sequence[str] | None = None,
    name: str | None = None,
    verbose: int = 0,
) -> TFLiteModel:
    """Convert a Keras model to a ``.tflite`` file, in a process of its own, and check the file.

    Pruning and clustering wrappers are stripped, of a ``Distiller`` the student is taken; the
    fake quantization of a QAT model becomes the file's. The model is not changed.

    Args:
        model: A Keras 3 or tf_keras model, or a path to ``.keras``, ``.h5`` or a SavedModel.
        quantize: ``"float32"``, ``"float16"``, ``"dynamic"`` (8-bit weights), ``"int8"``
            (weights, activations, inputs and outputs), ``"int16x8"`` (16-bit activations),
            ``"int8_weights"`` or ``"int4_weights"`` (weights alone, computed in float). A
            :class:`tfedge.MixedPrecision` is ``"int8"`` in which single layers are kept in float
            or have weights of fewer bits, chosen by measurement or named.
        calibration: Samples that show the range of every activation, for integer files: NumPy
            arrays, a dict by input name, ``tf.data`` (batched or not, with or without labels), a
            generator, a Keras ``Sequence``. A QAT model brings its own ranges and needs it only
            for layers that were left unquantized.
        calibration_samples: Largest number of samples used.
        observer: How ranges are drawn from the samples: ``"minmax"``, ``"moving_average"``,
            ``"percentile"``, ``"mse"``, ``"entropy"``; an object such as
            ``tfedge.core.observers.Percentile(99.9)``; ``"auto"`` for the one of these whose file
            is best on samples held out; ``"tflite"`` for TensorFlow's own calibrator.
        input_type: ``"int8"``, ``"uint8"`` or ``"float32"``: type of the inputs of an
            ``"int8"`` file, ``"int16"`` or ``"float32"`` of an ``"int16x8"`` file; the first by
            default.
        output_type: Likewise for the outputs.
        float_fallback: Whether an integer file may hold operators that compute in float.
        batch_size: Size of the first axis; None leaves it free, which costs operators.
        input_shapes: Shapes without the batch axis for inputs whose shape is open: a tuple, or
            tuples by input name. Taken from the calibration data otherwise.
        parity: Whether the file is run beside the model. True takes the calibration samples, or
            random ones where there are none; data of any form above is used instead. What
            `MixedPrecision` measures, it measures on these data too, with labels if they have any.
        sparse: ``"auto"`` also writes a pruned model in TFLite's sparse encoding, runs it beside
            the dense file on every runtime that is installed, and returns the smaller of those
            that work; True insists on the sparse one. ``notes["storage"]`` has the sizes, raw
            and after gzip. Zeros save storage, not time.
        runtimes: Where the file is to run: ``"litert"``, ``"tflite-runtime"``, ``"tf.lite"``, or
            several. It is run on each, and has to give there what it gives elsewhere.
        name: What to call the file; the model's own name by default.
        verbose: 1 for a progress bar: calibration data read, file written, file proven.

    Returns:
        The file. ``notes["parity"]`` has what the check measured, ``notes["calibration"]`` where
        ranges come from, ``notes["storage"]`` what ``sparse`` compared, ``notes["runtimes"]``
        what each runtime made of it, ``notes["weights"]`` how many weights are stored in what,
        ``notes["mixed_precision"]`` which layers are kept in what and what was measured.

    Raises:
        ModelError: If ``model`` is no model, is not built, or has open shapes.
        CalibrationError: If calibration data is missing, empty or does not fit.
        ArgumentError: If a setting is not known.
        ConversionError: If the converter refuses or dies, if operators stay in float, if the
            file kills the interpreter or is wrong on one of ``runtimes``, if ``sparse=True``
            and no sparse file works, or if no file is within the limits of `MixedPrecision`.
        MissingPackageError: If a mode or a runtime needs a package that is not installed.

    Example:
        >>> import numpy as np, tensorflow as tf
        >>> layers = tf.keras.layers
        >>> model = tf.keras.Sequential([layers.Input((4,)), layers.Dense(3, activation="softmax")])
        >>> x = np.random.default_rng(0).random((50, 4), "float32")
        >>> lite = convert(model, quantize="int8", calibration=x)
        >>> lite.inputs[0].dtype, len(lite.float_operators)
        ('int8', 0)
    """
    mix = quantize if isinstance(quantize, MixedPrecision) else None
    mode = mode_named("int8" if isinstance(quantize, MixedPrecision) else quantize)
    input_type, output_type = border_types(mode, input_type, output_type)
    observers, runtimes = observers_for(observer), named_runtimes(runtimes)
    one_of("sparse", sparse, CHOICES)
    whole_number("calibration_samples", calibration_samples)
    whole_number("batch_size", 1 if batch_size is None else batch_size)
    model = exportable(model)
    check_mode(mode, model)
    if mix:
        check_mixable(model, observer, sparse)
        calibration, parity = rereadable(calibration), rereadable(parity)
    given = calibration if isinstance(parity, bool) else parity
    title = str(name or getattr(model, "name", "model"))
    with progress(title, None if mix else 3, verbose, unit="step") as done:
        samples = calibration_of(model, mode, calibration, calibration_samples, batch_size or 1)
        signature = signature_of(model, batch_size, input_shapes, samples)
        done(1)
        settings = (mode, signature, samples, observers, input_type, output_type, float_fallback)
        conversion = Conversion(model, title, *settings)
        files = mixed_files(conversion, mix, given, done) if mix else conversion.files()
        return _written(files, conversion, parity, sparse, runtimes, done)


def _written(
    files: Iterator[TFLiteModel],
    conversion: Conversion,
    parity: Any,
    sparse: Any,
    runtimes: Sequence[str],
    done: Callable,
) -> TFLiteModel:
    """Return the file, proven unless ``parity`` is False, stored as ``sparse`` asks."""
    x, known = proof_samples(conversion, parity)
    lite = next(files) if parity is False else best_file(files, conversion, x, known, done)
    lite = stored(lite, conversion, sparse, x) if sparse else lite
    return on_runtimes(lite, conversion, runtimes, x)
