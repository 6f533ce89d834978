"""Quantizes a float file with ranges of our own; stands in the converter where its own did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.lite.python.convert import mlir_quantize
from tensorflow.lite.python.optimize import calibrator

from tfedge.convert.calibration.choice import Choice, refined, uniform
from tfedge.convert.calibration.float_file import FloatFile
from tfedge.convert.calibration.run import Observed, OpenFile, pick
from tfedge.convert.calibration.stability import enough, spread_by_samples
from tfedge.core.observers import Observer, Percentile
from tfedge.core.statistics import Statistics, together
from tfedge.evaluate.difference import sqnr_db

_COUNTED = 1 << 16
_COUNTED_IN_PASSING = 1 << 12
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
        whole = _joined(seen.groups)
        chosen, scores = uniform(self._observers[0], list(whole)), dict[str, float]()
        if choosing:
            chosen, scores = self._best(file, seen, settings)
        self.findings = _findings(file, seen, whole, chosen, scores)
        self.ranged = file.with_ranges(chosen.ranges(whole))
        return self._integers(self.ranged, settings)

    def _best(
        self, file: FloatFile, seen: Observed, settings: Sequence
    ) -> tuple[Choice, dict[str, float]]:
        """Return the choice of rules whose file is best, and the SQNR in dB of every choice.

        Ranges are learned on one half of the samples and judged on the other, and the other way
        round; a lone sample has to do for both. A rule for each tensor has to be clearly better
        than one for all.
        """
        parts = range(len(seen.groups))
        halves = [parts[::2], parts[1::2]] if len(parts) > 1 else [parts]
        learned = [_joined([seen.groups[part] for part in half]) for half in halves]
        order = [part for half in halves[::-1] for part in half]
        truth = [np.concatenate(c) for c in zip(*(seen.outputs[p] for p in order), strict=True)]
        places = [np.concatenate([seen.positions[p] for p in half]) for half in halves[::-1]]

        def score(choice: Choice) -> float:
            """Return the SQNR of the worst output on samples that were held out."""
            rows = []
            for ranges, positions in zip(learned, places, strict=True):
                content = self._integers(file.with_ranges(choice.ranges(ranges)), settings)
                rows += seen.rows(OpenFile(content, keep=False), positions)
            outputs = [np.concatenate(column) for column in zip(*rows, strict=True)]
            return min(map(sqnr_db, truth, outputs))

        choices = [uniform(observer, list(learned[0])) for observer in self._observers]
        scores = {choice.name: score(choice) for choice in choices}
        best = max(choices, key=lambda choice: scores[choice.name])
        best = refined(best, self._observers, _joined(seen.groups), score)
        scores.setdefault(best.name, score(best))
        return best, scores

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


def _findings(
    file: FloatFile,
    seen: Observed,
    whole: Mapping[int, Statistics],
    chosen: Choice,
    scores: Mapping[str, float],
) -> dict[str, Any]:
    """Return what was found out about samples and ranges."""
    computed = file.computed()
    used = [index for index in whole if whole[index].count]
    lows = np.array([[group[index].low for index in used] for group in seen.groups])
    highs = np.array([[group[index].high for index in used] for group in seen.groups])
    spread = spread_by_samples(lows, highs, [len(part) for part in seen.positions])
    return {
        "observer": str(chosen),
        "samples": seen.samples,
        "enough_samples": enough(spread),
        "spread": {str(size): round(share, 4) for size, share in spread.items()},
        "idle": tuple(file.name(i) for i in used if _is_idle(whole[i], seen, i in computed)),
        "stretched": tuple(
            file.name(i) for i in used if _is_stretched(whole[i], chosen.range(i, whole[i]))
        ),
        "sqnr_db_by_observer": {name: round(score, 2) for name, score in scores.items()},
    }


def _is_idle(seen: Statistics, observed: Observed, computed: bool) -> bool:
    """Return whether a computed tensor of several values held one value, or an input only 0."""
    held_one = seen.is_constant and seen.count > observed.samples
    return held_one and (computed or seen.high == 0)


def _is_stretched(seen: Statistics, limits: tuple[float, float]) -> bool:
    """Return whether nearly all values share a few codes, because a few values are far off."""
    if seen.is_constant:
        return False
    low, high = limits
    inner_low, inner_high = Percentile(99.9).range(seen)
    return inner_high - inner_low < _FEW_CODES * (high - low) / 255
