"""What a search may vary, and the recipe that a choice means."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfedge.core.records import Record
from tfedge.pipeline.search.channel_stages import LEANS, ChannelStages
from tfedge.pipeline.search.few_bits import FewBits
from tfedge.pipeline.search.stage_finding import MOST

SCOPES = ("global", "local")
BY_STAGE = "stages"
IMPORTANCES = ("fisher", "l2")
WIDTHS = (1, 8)
ROUNDED = ("recover", "qat")


@dataclass(frozen=True, repr=False)
class Space(Record):
    """What may be varied.

    Attributes:
        mode: What files are converted to: ``"int8"``, or what the model allows.
        least_channels: Least fraction of the multiply-accumulates that may stay.
        most_channels: Largest fraction with which a file can be within the budget.
        sparsities: Sparsities worth a try; 0 for none.
        clusters: Numbers of shared values worth a try; 0 for none.
        epochs: Longest training after channels went.
        times: Whether time counts, so that widths that suit vector units are worth a try.
        reasons: Why something is left out, by name.
        stages: Stages of the network that may keep different shares of their channels, None if
            it has none.
        few_bits: Layers that take 4-bit weights, None where that saves nothing that counts.

    Example:
        >>> space = Space("int8", 0.1, 1.0, (0.0,), (0,), 4, False, {})
        >>> recipe_of(space, {**PLAIN, "channels": 0.5})["steps"][0]
        {'kind': 'prune_channels', 'macs': 0.5, 'scope': 'global', 'importance': 'l2'}
    """

    mode: str
    least_channels: float
    most_channels: float
    sparsities: tuple[float, ...]
    clusters: tuple[int, ...]
    epochs: int
    times: bool
    reasons: Mapping[str, str]
    stages: ChannelStages | None = None
    few_bits: FewBits | None = None

    @property
    def has_channels(self) -> bool:
        """Whether channels can go at all."""
        return self.least_channels < 1.0

    @property
    def leans(self) -> tuple[str, ...]:
        """What is chosen for each stage: how much of its channels it gives, beside the others."""
        return STAGES[: len(self.stages.layers)] if self.stages else ()

    def suggest(self, trial: Any) -> dict[str, Any]:
        """Return what an Optuna trial, or anything with its ``suggest_`` functions, chooses."""
        chosen = dict(PLAIN)
        if self.has_channels:
            low, high = self.least_channels, max(self.most_channels, self.least_channels)
            share = trial.suggest_float("channels", low, high, log=True)
            chosen["channels"] = round(share, 3)
            scopes = (*SCOPES, BY_STAGE) if self.stages else SCOPES
            chosen["scope"] = trial.suggest_categorical("scope", scopes)
            chosen["importance"] = trial.suggest_categorical("importance", IMPORTANCES)
            if self.times:
                chosen["round_to"] = trial.suggest_categorical("round_to", WIDTHS)
            if chosen["scope"] == BY_STAGE:
                chosen |= {name: trial.suggest_categorical(name, LEANS) for name in self.leans}
        chosen["epochs"] = trial.suggest_int("epochs", 0, self.epochs)
        chosen["distill"] = trial.suggest_categorical("distill", (True, False))
        chosen["rounding"] = trial.suggest_categorical("rounding", ROUNDED)
        if len(self.sparsities) > 1:
            chosen["sparsity"] = trial.suggest_categorical("sparsity", self.sparsities)
        if len(self.clusters) > 1:
            chosen["clusters"] = trial.suggest_categorical("clusters", self.clusters)
        if self.few_bits:
            chosen["few_bits"] = trial.suggest_categorical("few_bits", self.few_bits.counts)
        return settled(chosen)

    def inside(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        """Return a choice as the parameters of a trial: those that this space varies."""
        named = ["epochs", "distill", "rounding"]
        named += ["channels", "scope", "importance"] if self.has_channels else []
        named += ["round_to"] if self.has_channels and self.times else []
        named += self.leans if choice["scope"] == BY_STAGE else []
        named += ["sparsity"] if len(self.sparsities) > 1 else []
        named += ["clusters"] if len(self.clusters) > 1 else []
        named += ["few_bits"] if self.few_bits else []
        return {name: choice[name] for name in named}


STAGES = tuple(f"stage_{number}" for number in range(1, MOST + 1))
PLAIN: dict[str, Any] = {
    "channels": 1.0,
    "scope": "global",
    "importance": "l2",
    "round_to": 1,
    "epochs": 0,
    "distill": False,
    "rounding": "recover",
    "sparsity": 0.0,
    "clusters": 0,
    "few_bits": 0,
    **dict.fromkeys(STAGES, 1.0),
}
"""The cheapest choice: nothing goes, nothing is trained."""


def settled(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return a choice without settings that change nothing, so that equal recipes are equal.

    Example:
        >>> settled({**PLAIN, "distill": True, "scope": "local"}) == PLAIN
        True
    """
    clean = dict(choice)
    if clean["channels"] >= 0.999:
        clean |= {name: PLAIN[name] for name in ("channels", "scope", "importance", "round_to")}
    if clean["scope"] != BY_STAGE:
        clean |= dict.fromkeys(STAGES, 1.0)
    if not clean["epochs"]:
        clean |= {"distill": False, "rounding": "recover"}
    for name in ("clusters", "rounding", "sparsity"):
        if clean["epochs"] < _tails(clean):
            clean[name] = PLAIN[name]
    return clean | {"few_bits": 0} if clean["clusters"] else clean


def _tails(choice: Mapping[str, Any]) -> int:
    """Return how many steps behind the first training train too."""
    return bool(choice["sparsity"]) + bool(choice["clusters"]) + (choice["rounding"] == "qat")


def key_of(choice: Mapping[str, Any]) -> str:
    """Return a text that is the same for the same choice.

    Example:
        >>> key_of({"b": 1, "a": 2})
        '{"a": 2, "b": 1}'
    """
    return json.dumps(dict(choice), sort_keys=True)


def recipe_of(space: Space, choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe of a choice, as plain data that `tfedge.run` takes.

    All training together has as many epochs as were chosen.

    Args:
        space: The space that it is chosen from.
        choice: Values of everything that can be chosen, as `Space.suggest` returns them.
    """
    tails, steps = _tails(choice), []
    tail = max(1, choice["epochs"] // (2 + tails))
    epochs = choice["epochs"] - tails * tail
    if choice["channels"] < 1:
        steps.append(_channels(space, choice))
    if epochs and (choice["channels"] < 1 or choice["distill"]):
        steps.append({"kind": "distill" if choice["distill"] else "train", "epochs": epochs})
    if choice["sparsity"]:
        steps.append({"kind": "prune", "sparsity": choice["sparsity"], "epochs": tail})
    if choice["clusters"]:
        steps.append({"kind": "cluster", "clusters": choice["clusters"], "epochs": tail})
    if space.mode == "int8":
        steps.append(_integers(space, choice, tail))
    steps.append({"kind": "convert", "quantize": space.mode})
    return {"steps": steps}


def _integers(space: Space, choice: Mapping[str, Any], epochs: int) -> dict[str, Any]:
    """Return the step that rounds to integers, some layers to 4 bits and with learned rounding."""
    trains = choice["rounding"] == "qat"
    step: dict[str, Any] = {"kind": "quantize", "epochs": epochs} if trains else {"kind": "recover"}
    if not space.few_bits or not choice["few_bits"]:
        return step
    step["layers"] = space.few_bits.settings(choice["few_bits"])
    return step if trains else {**step, "methods": ["equalize", "rounding", "bias"]}


def _channels(space: Space, choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return the step that removes channels."""
    how: dict[str, Any] = {"macs": choice["channels"], "scope": choice["scope"]}
    if space.stages and choice["scope"] == BY_STAGE:
        leans = [choice[name] for name in space.leans]
        how = {"ratio": space.stages.ratios(choice["channels"], leans)}
    step = {"kind": "prune_channels", **how, "importance": choice["importance"]}
    return {**step, "round_to": choice["round_to"]} if choice["round_to"] > 1 else step
