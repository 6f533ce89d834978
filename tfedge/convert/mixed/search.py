"""The search for the fewest layers in float, and the weights that can do with fewer bits.

Sensitivities are measured one layer at a time; what they promise is proven on the interpreter
with every file that is considered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tfedge.convert.mixed.bench import Bench
from tfedge.convert.mixed.judge import Judge, Verdict
from tfedge.convert.mixed.knapsack import least_harm
from tfedge.convert.mixed.sensitivity import noise_of
from tfedge.convert.mixed.settings import FLOAT, FOUR_BITS, MixedPrecision
from tfedge.convert.mixed.units import Unit
from tfedge.core.errors import ConversionError
from tfedge.runtime.model import TFLiteModel


@dataclass(frozen=True)
class Trial:
    """A file that was tried out.

    Args:
        lite: The file.
        verdict: How good it is.
        kept: Layers in float.
        lowered: Layers with weights of few values.
    """

    lite: TFLiteModel
    verdict: Verdict
    kept: tuple[Unit, ...]
    lowered: tuple[Unit, ...]


class Search:
    """Looks for a file within limits.

    Args:
        bench: Makes files.
        judge: Judges them.
        settings: The limits.
        said: What is settled about some layers.
        done: Told after each layer measured and each file tried out.

    Attributes:
        tried: Number of files that were made, sensitivities included.
    """

    def __init__(
        self,
        bench: Bench,
        judge: Judge,
        settings: MixedPrecision,
        said: dict[Unit, str],
        done: Callable[[int], object],
    ):
        self._bench, self._judge, self._settings = bench, judge, settings
        self._fixed = tuple(unit for unit, kind in said.items() if kind == FLOAT)
        self._four = tuple(unit for unit, kind in said.items() if kind == FOUR_BITS)
        self._free = tuple(unit for unit in bench.units if unit not in said)
        self._done, self.tried = done, 0

    def run(self) -> Trial:
        """Return a file within every limit.

        Raises:
            ConversionError: If there is none; says which limit binds.
        """
        trial = self.tested(self._fixed, self._four)
        if not self._is_accurate(trial):
            trial = self._with_floats()
        if not self._is_light(trial):
            trial = self._with_few_bits(trial)
        self._require_size(trial)
        return trial

    def tested(self, kept: Sequence[Unit], lowered: Sequence[Unit]) -> Trial:
        """Return a file with these layers in float and those lowered, judged."""
        lite = self._bench.file(kept, lowered)
        self._count(1)
        return Trial(lite, self._judge(lite), tuple(kept), tuple(lowered))

    def _count(self, number: int) -> None:
        """Count files."""
        self.tried += number
        self._done(number)

    def _with_floats(self) -> Trial:
        """Return a file that is accurate, with as few layers in float as can be found.

        Layers are freed in the order of the harm that each does alone; the least number that
        suffices is found by halving. Then each is put back unless it is needed, large ones first.
        """
        noise = noise_of(self._free, self._bench.alone, self._judge, self._count)
        order = sorted(noise, key=lambda unit: (noise[unit].sqnr_db, -noise[unit].drop))
        trial = self._shortest(order)
        freed = [unit for unit in reversed(trial.kept) if unit not in self._fixed]
        for unit in sorted(freed, key=lambda unit: -unit.weights):
            fewer = [other for other in trial.kept if other is not unit]
            without = self.tested(fewer, self._four) if fewer else trial
            trial = without if self._is_accurate(without) else trial
        return trial

    def _shortest(self, order: Sequence[Unit]) -> Trial:
        """Return the file with the first layers of an order in float, as few as suffice."""
        low, size = 0, 1
        best = self.tested([*self._fixed, *order[:size]], self._four)
        while not self._is_accurate(best):
            if size >= len(order):
                raise ConversionError(self._too_coarse(best))
            low, size = size, min(2 * size, len(order))
            best = self.tested([*self._fixed, *order[:size]], self._four)
        while size - low > 1:
            middle = (low + size) // 2
            trial = self.tested([*self._fixed, *order[:middle]], self._four)
            if self._is_accurate(trial):
                best, size = trial, middle
            else:
                low = middle
        return best

    def _with_few_bits(self, start: Trial) -> Trial:
        """Return a file that is light enough, with the least harmful weights lowered.

        Harm and bytes of each layer are measured with it alone lowered; the choice is exact for
        sums of these. Where gzip finds less in all of them together, more is asked for.
        """
        heavy = [unit for unit in self._free if unit.kernels and unit not in start.kept]
        noise = noise_of(heavy, lambda u: self._bench.lowered_alone([u]), self._judge, self._count)
        harms = [10 ** (-noise[unit].sqnr_db / 10) for unit in heavy]
        least = start.lite.gzip_bytes
        savings = [least - self._lowered(start, [unit]).gzip_bytes for unit in heavy]
        limit = self._settings.gzip_bytes or 0
        needed, chosen = least - limit, [*range(len(heavy))]
        while (places := least_harm(harms, savings, needed)) is not None:
            lite = self._lowered(start, [heavy[place] for place in places])
            if lite.gzip_bytes <= limit:
                chosen = places
                break
            needed += lite.gzip_bytes - limit
        trial = self.tested(start.kept, [*start.lowered, *(heavy[place] for place in chosen)])
        if not self._is_light(trial):
            raise ConversionError(self._too_heavy(trial, "gzip_bytes", trial.lite.gzip_bytes))
        if not self._is_accurate(trial):
            raise ConversionError(self._contradiction(trial, start))
        return trial

    def _lowered(self, start: Trial, units: Sequence[Unit]) -> TFLiteModel:
        """Return a file with more layers lowered, not judged."""
        self._count(1)
        return self._bench.file(start.kept, (*start.lowered, *units))

    def _is_accurate(self, trial: Trial) -> bool:
        """Return whether a file loses no more than it may."""
        settings, verdict = self._settings, trial.verdict
        drops = settings.max_drop is not None and verdict.drop > settings.max_drop
        return not drops and verdict.sqnr_db >= (settings.min_sqnr_db or float("-inf"))

    def _is_light(self, trial: Trial) -> bool:
        """Return whether a file is small enough after gzip."""
        limit = self._settings.gzip_bytes
        return limit is None or trial.lite.gzip_bytes <= limit

    def _require_size(self, trial: Trial) -> None:
        """Raise unless a file is small enough as it lies."""
        limit = self._settings.size_bytes
        if limit is not None and trial.lite.size_bytes > limit:
            raise ConversionError(self._too_heavy(trial, "size_bytes", trial.lite.size_bytes))

    def _measured(self, trial: Trial) -> str:
        """Return what was measured, in words."""
        verdict = trial.verdict
        return f"{self._judge.metric} drops by {verdict.drop:.4f}, SQNR {verdict.sqnr_db:.1f} dB"

    def _too_coarse(self, trial: Trial) -> str:
        """Return why no file is accurate enough."""
        held = [unit.layer for unit in self._bench.units if unit not in trial.kept]
        why = (
            f"{', '.join(map(repr, held[:5]))} must stay in integers"
            if held
            else "what remains is the rounding of inputs and outputs: take input_type='float32' "
            "and output_type='float32'"
        )
        return (
            f"{self._limits()} cannot be held: with {len(trial.kept)} layers in float "
            f"{self._measured(trial)}; {why}. Raise the limit."
        )

    def _too_heavy(self, trial: Trial, limit: str, found: int) -> str:
        """Return why no file is small enough."""
        asked = getattr(self._settings, limit)
        kept = ", ".join(repr(unit.layer) for unit in trial.kept[:5])
        cause = (
            f"{len(trial.kept)} layers are in float to keep {self._limits()}: {kept}"
            if trial.kept
            else "every layer is in integers already"
        )
        lowered = f" and {len(trial.lowered)} have 4-bit weights" if trial.lowered else ""
        hint = (
            "Weights of 4 bits are stored in 8 here, and pay after gzip: give gzip_bytes instead, "
            "or remove channels with tfedge.prune_channels."
            if limit == "size_bytes"
            else "Prune the model, or remove channels with tfedge.prune_channels."
        )
        return (
            f"{limit}={asked:,} binds: the smallest file found has {found:,} bytes; "
            f"{cause}{lowered}. {hint}"
        )

    def _contradiction(self, trial: Trial, start: Trial) -> str:
        """Return that a limit on size and one on accuracy cannot both hold."""
        return (
            f"gzip_bytes={self._settings.gzip_bytes:,} and {self._limits()} cannot both be held: "
            f"in {trial.lite.gzip_bytes:,} bytes, with 4-bit weights in {len(trial.lowered)} "
            f"layers, {self._measured(trial)}; with 8-bit weights the file has "
            f"{start.lite.gzip_bytes:,} bytes, and {self._measured(start)}. Raise one of them."
        )

    def _limits(self) -> str:
        """Return the limits on accuracy, in words."""
        named = {"max_drop": self._settings.max_drop, "min_sqnr_db": self._settings.min_sqnr_db}
        return " and ".join(f"{key}={value:g}" for key, value in named.items() if value is not None)
