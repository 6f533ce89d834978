"""What is to be said of each technique, from the curves of a model and a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tfedge.pipeline.advice import Technique
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.constraints import shown
from tfedge.pipeline.drop import Drop
from tfedge.pipeline.search.narrowing import space_of
from tfedge.pipeline.search.plan import Plan
from tfedge.pipeline.search.proxies import Curves
from tfedge.pipeline.search.space import PLAIN, Space, recipe_of

_EPOCHS = 10
_THIN = 0.5
_NOT_KNOWN = "what it costs in accuracy is only known after training"


@dataclass(frozen=True)
class Advising:
    """Puts curves into words.

    Args:
        budget: The budget.
        curves: Curves of the model.
        float_bytes: Size of the float32 file.
        drop: What integers alone cost, None if that was not measured.
    """

    budget: Budget
    curves: Curves
    float_bytes: int
    drop: Drop | None

    @cached_property
    def space(self) -> Space:
        """What a search would vary."""
        return space_of(self.curves, self.budget, _EPOCHS)

    @cached_property
    def over(self) -> dict[str, float]:
        """Limits that the integer file is above, with the figure that it has."""
        whole = self.curves.channels[0][1]
        limits = self.budget.limits.items()
        return {name: whole[name] for name, limit in limits if whole[name] > limit}

    @property
    def loses(self) -> bool:
        """Whether integers alone are known to cost more than is allowed."""
        allowed = self.budget.accuracy_drop
        return self.drop is not None and self.drop.drop > (0.0 if allowed is None else allowed)

    def verdict(self) -> str:
        """Return what to expect, in a sentence."""
        out = [name for name in self.budget.limits if name in self.space.reasons]
        if out:
            return f"{out[0]} is out of reach: {self.space.reasons[out[0]]}."
        if self.over:
            listed = ", ".join(self._excess(name) for name in self.over)
            return f"8-bit integers alone are not enough: {listed}."
        tail = "" if self.drop is None else f"; they cost {_percent(self.drop.drop)}"
        return f"8-bit integers alone are within the limits of resources{tail}."

    def _excess(self, name: str) -> str:
        """Return a limit that is exceeded, with the figure."""
        allowed = shown(name, self.budget.limits[name])
        return f"{shown(name, self.over[name])} of {name}, {allowed} allowed"

    def techniques(self) -> tuple[Technique, ...]:
        """Return what each technique would do; what helps comes first."""
        rows = (
            self._integers(),
            self._channels(),
            self._distillation(),
            self._training_in_integers(),
            self._zeros(),
            self._shared(),
        )
        return tuple(sorted(rows, key=lambda row: not row.helps))

    def recipe(self) -> Mapping[str, Any]:
        """Return what to begin with."""
        plan = Plan(self.budget, self.space, self.curves)
        choice = plan.at_the_limit() if self.over else None
        return recipe_of(self.space, choice or PLAIN)

    def _integers(self) -> Technique:
        """8-bit integers after training."""
        size = int(self.curves.channels[0][1]["size_bytes"])
        times = f"{self.float_bytes / size:.1f}"
        gain = f"{size:,} bytes in place of {self.float_bytes:,} ({times} times smaller)"
        source, figures = "the file was made", {"size_bytes": float(size)}
        if self.curves.mode_reason:
            gain = f"{gain}; {self.curves.mode_reason}"
        if self.drop is not None:
            figures["accuracy_drop"] = self.drop.drop
            gain += f"; {self.drop.metric} {self.drop.original:.4f} -> {self.drop.value:.4f}"
            source += ", and run on the interpreter"
        else:
            source += "; accuracy was not measured: pass calibration and val"
        name = "recover" if self.curves.mode == "int8" else "convert"
        return Technique(name, True, gain, source, figures)

    def _channels(self) -> Technique:
        """Fewer channels."""
        name, source = (
            "prune_channels",
            "files were made without training, between them straight lines",
        )
        if self.curves.channels_reason:
            return Technique(name, False, self.curves.channels_reason, "read from the model", {})
        share = self.space.most_channels
        smaller = self.budget.ranked_by
        if share >= 1:
            half = self.curves.at(smaller, _THIN)
            asked = "zeros can share the work" if self.over else "no limit asks for it"
            gain = (
                f"{asked}; half of the multiply-accumulates would make "
                f"{shown(smaller, half)} of {smaller}, {_NOT_KNOWN}"
            )
            helps = bool(self.over) or self.budget.accuracy_drop is not None
            return Technique(name, helps, gain, source, {smaller: half})
        names = dict.fromkeys([*self.over, smaller])
        figures = {one: self.curves.at(one, share) for one in names}
        listed = ", ".join(f"{shown(one, value)} of {one}" for one, value in figures.items())
        gain = f"with {share:.0%} of the multiply-accumulates about {listed}; {_NOT_KNOWN}"
        return Technique(name, True, gain, source, {"macs_left": share, **figures})

    def _distillation(self) -> Technique:
        """A teacher for the thin model."""
        share = self.space.most_channels
        helps = share < _THIN and not self.curves.channels_reason
        gain = (
            f"{share:.0%} of the multiply-accumulates make a thin student, which learns more from "
            "the original than from labels alone"
            if helps
            else "the student would be nearly as wide as the original; training on labels may do"
        )
        source = "estimate: how much it gains is only known after training"
        return Technique("distill", helps, gain, source, {})

    def _training_in_integers(self) -> Technique:
        """Quantization-aware training."""
        if self.drop is None:
            gain, source = "if integers cost too much", "not measured: pass calibration and val"
            return Technique("quantize", False, gain, source, {})
        cost = f"integers alone cost {_percent(self.drop.drop)}"
        gain = f"{cost}, more than allowed" if self.loses else f"{cost}: nothing to win back"
        source = f"the file ran on {self.drop.samples} samples"
        return Technique("quantize", self.loses, gain, source, {"accuracy_drop": self.drop.drop})

    def _zeros(self) -> Technique:
        """Sparse kernels."""
        return self._packing("prune", self.curves.sparsities[1:], "{:.0%} zeros", "sparsity")

    def _shared(self) -> Technique:
        """Kernels with few values."""
        return self._packing("cluster", self.curves.clusters, "{} shared values", "clusters")

    def _packing(self, name: str, rows: Any, words: str, setting: str) -> Technique:
        """What makes a file smaller after gzip."""
        if name_of_reason(name) in self.space.reasons:
            return Technique(name, False, self.space.reasons[name_of_reason(name)], "rule", {})
        limit, whole = self.budget.gzip_bytes, self.curves.sparsities[0][1]
        enough = [row for row in rows if limit is None or row[1] <= limit]
        value, size = enough[0] if enough else min(rows, key=lambda row: row[1])
        met = "" if limit is None else ", within the limit" if enough else ", above the limit still"
        gain = f"{words.format(value)}: {size:,} bytes after gzip in place of {whole:,}{met}"
        gain += f"; {_NOT_KNOWN}"
        helps = size < whole and (limit is None or whole > limit)
        source = "put into the weights of the file, which was packed again"
        return Technique(
            name, helps, gain, source, {setting: float(value), "gzip_bytes": float(size)}
        )


def name_of_reason(technique: str) -> str:
    """Return under which name a space says why a technique is left out.

    Example:
        >>> name_of_reason("prune")
        'sparsity'
    """
    return {"prune": "sparsity", "cluster": "clusters"}[technique]


def _percent(drop: float) -> str:
    """Return a drop as text."""
    return f"{100 * drop:.2f} %"
