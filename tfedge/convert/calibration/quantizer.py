"""Quantizes a float file with ranges of our own; stands in the converter where its own did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert import mlir_quantize
from tensorflow.lite.python.optimize import calibrator

from tfedge.convert.calibration.float_file import FloatFile
from tfedge.convert.calibration.run import Observed, OpenFile, pick
from tfedge.convert.calibration.stability import enough, spread_by_samples
from tfedge.core.observers import Observer, Percentile
from tfedge.core.statistics import Statistics, together
from tfedge.evaluate.difference import sqnr_db

_COUNTED = 1 << 16
_COUNTED_IN_PASSING = 1 << 12
_NEVER_MOVED = (0.0, 1.0)
_FEW_CODES = 4


class Quantizer:
    """Takes the place of ``TFLiteConverter._quantize``.

    TensorFlow's converter runs its calibrator on one sample after the other, writes the extrema
    into the float file, and hands that to its quantizer. Here the ranges come from an observer.
    (Its calibrator reads inputs of an operator after the operator ran. Where ADD writes over its
    input, it takes the sum for the input: ranges of residual branches come out too wide.)

    Args:
        converter: The converter; its settings for the quantizer are kept.
        samples: Arrays by name of the file's input.
        observers: Rules for the ranges; of several, the one whose files are most like the float
            file on samples that were held out.

    Attributes:
        findings: What `CalibrationRecord` is made of, once a file was quantized.
        ranged: The float file with its ranges, likewise.
    """

    def __init__(
        self, converter: Any, samples: Mapping[str, np.ndarray], observers: Sequence[Observer]
    ):
        self._converter, self._samples, self._observers = converter, samples, observers
        self.findings: dict[str, Any] = {}
        self.ranged = b""

    def __call__(self, content: bytes, *settings: Any) -> bytes:
        """Return the integer file of a float file.

        Args:
            content: The float file.
            *settings: Types and options, as the converter hands them to its own quantizer.
        """
        content = calibrator.add_intermediate_tensors(content)
        file = FloatFile(content)
        if file.has_inner_values:
            file = FloatFile(self._calibrated_by_tensorflow(content))
        choosing = len(self._observers) > 1
        counts = choosing or any(observer.counts_values for observer in self._observers)
        seen = Observed(file, self._samples, _COUNTED if counts else _COUNTED_IN_PASSING)
        scores = self._scores(file, seen, settings) if choosing else {}
        chosen = max(self._observers, key=lambda observer: scores.get(observer.name, 0.0))
        whole = _joined(seen.groups)
        self.findings = _findings(file, seen, whole, chosen, scores)
        self.ranged = file.with_ranges(_ranges(whole, chosen))
        return self._integers(self.ranged, settings)

    def _scores(self, file: FloatFile, seen: Observed, settings: Sequence) -> dict[str, float]:
        """Return the SQNR in dB that each observer reaches on samples that it did not see.

        Ranges are learned on one half of the samples and judged on the other, and the other way
        round; a lone sample has to do for both.
        """
        parts = range(len(seen.groups))
        folds = [parts[::2], parts[1::2]] if len(parts) > 1 else [parts]
        learned = [_joined([seen.groups[part] for part in fold]) for fold in folds]
        order = [part for fold in folds[::-1] for part in fold]
        truth = [np.concatenate(c) for c in zip(*(seen.outputs[p] for p in order), strict=True)]
        scores = {}
        for observer in self._observers:
            rows = []
            for ranges, judged in zip(learned, folds[::-1], strict=True):
                content = self._integers(file.with_ranges(_ranges(ranges, observer)), settings)
                positions = np.concatenate([seen.positions[part] for part in judged])
                rows += seen.rows(OpenFile(content, keep=False), positions)
            outputs = [np.concatenate(column) for column in zip(*rows, strict=True)]
            scores[observer.name] = min(map(sqnr_db, truth, outputs))
        return scores

    def _integers(self, content: bytes, settings: Sequence) -> bytes:
        """Return the integer file of a float file with ranges."""
        input_type, output_type, activations, bias, allow_float, variables, debug = settings
        per_tensor = self._converter._experimental_disable_per_channel
        dense = self._converter._experimental_disable_per_channel_quantization_for_dense_layers
        if activations == tf.int16:
            types = [np.dtype(t.as_numpy_dtype).num for t in (input_type, output_type)]
            rest = [np.dtype(t.as_numpy_dtype).num for t in (activations, bias)]
            wrapper = calibrator.Calibrator(content)._calibrator
            return wrapper.QuantizeModel(*types, allow_float, *rest, per_tensor, dense)
        return mlir_quantize(
            content,
            per_tensor,
            input_data_type=input_type,
            output_data_type=output_type,
            enable_variable_quantization=variables,
            disable_per_channel_for_dense_layers=dense,
            debug_options_str=debug.SerializeToString(),
        )

    def _calibrated_by_tensorflow(self, content: bytes) -> bytes:
        """Return a float file with ranges of what only TensorFlow's calibrator sees."""
        native = OpenFile(content).batch
        total = len(next(iter(self._samples.values())))
        starts = range(0, total - native + 1, native)
        batches = [pick(self._samples, np.arange(s, s + native)) for s in starts]
        return calibrator.Calibrator(content).calibrate(lambda: iter(batches))


def _joined(groups: Sequence[Mapping[int, Statistics]]) -> dict[int, Statistics]:
    """Return the statistics of several parts by tensor."""
    return {index: together(group[index] for group in groups) for index in groups[0]}


def _ranges(seen: Mapping[int, Statistics], observer: Observer) -> dict[int, tuple[float, float]]:
    """Return the range of every tensor; one that never moved from 0 gets room for values."""
    return {index: _range(statistics, observer) for index, statistics in seen.items()}


def _range(seen: Statistics, observer: Observer) -> tuple[float, float]:
    """Return the range of one tensor."""
    silent = not seen.lows or seen.low == seen.high == 0
    return _NEVER_MOVED if silent else observer.range(seen)


def _findings(
    file: FloatFile,
    seen: Observed,
    whole: Mapping[int, Statistics],
    observer: Observer,
    scores: Mapping[str, float],
) -> dict[str, Any]:
    """Return what was found out about samples and ranges."""
    computed = file.computed()
    used = [index for index in whole if whole[index].count]
    lows = np.array([[group[index].low for index in used] for group in seen.groups])
    highs = np.array([[group[index].high for index in used] for group in seen.groups])
    spread = spread_by_samples(lows, highs, [len(part) for part in seen.positions])
    return {
        "observer": repr(observer),
        "samples": seen.samples,
        "enough_samples": enough(spread),
        "spread": {str(size): round(share, 4) for size, share in spread.items()},
        "idle": tuple(file.name(i) for i in used if _is_idle(whole[i], seen, i in computed)),
        "stretched": tuple(file.name(i) for i in used if _is_stretched(whole[i], observer)),
        "sqnr_db_by_observer": {name: round(score, 2) for name, score in scores.items()},
    }


def _is_idle(seen: Statistics, observed: Observed, computed: bool) -> bool:
    """Return whether a computed tensor of several values held one value, or an input only 0."""
    held_one = seen.is_constant and seen.count > observed.samples
    return held_one and (computed or seen.high == 0)


def _is_stretched(seen: Statistics, observer: Observer) -> bool:
    """Return whether nearly all values share a few codes, because a few values are far off."""
    if seen.is_constant:
        return False
    low, high = _range(seen, observer)
    inner_low, inner_high = Percentile(99.9).range(seen)
    return inner_high - inner_low < _FEW_CODES * (high - low) / 255
