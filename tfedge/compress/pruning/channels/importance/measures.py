"""What is measured of each group: weights, gradients, activations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.group import IN, OUT, ChannelGroup, Member
from tfedge.compress.pruning.channels.importance import saliency
from tfedge.compress.pruning.channels.importance.activations import mean_magnitudes
from tfedge.compress.pruning.channels.importance.combine import reduced
from tfedge.compress.pruning.channels.importance.gradients import curvatures, gradients
from tfedge.compress.pruning.channels.weights import (
    is_batch_scale,
    is_kernel,
    is_scale,
    is_statistic,
    rows,
    variables_of,
)

FROM_LOSS = ("taylor", "fisher", "hessian")

_PER_SAMPLE = 1
_PER_BATCH = 16


@dataclasses.dataclass(frozen=True)
class Source:
    """Everything that a kind may draw on.

    Attributes:
        model: The model.
        layers: Its layers by flat name.
        groups: Its channel groups.
        data: Samples, with labels where the loss is needed.
        loss: A loss, or None for the compiled one.
        reduce: How the members of a group are put together.
        samples: Number of samples.
        seed: Seed of random numbers.
    """

    model: Any
    layers: Mapping[str, Any]
    groups: Sequence[ChannelGroup]
    reduce: str
    samples: int
    seed: int
    data: Any
    loss: Any

    def variables(self) -> dict[tuple[str, str], Any]:
        """Return the variables of all members."""
        return variables_of(self.layers, self.groups)

    def reduced(self, of_member: Callable[[Member], np.ndarray | None]) -> dict[str, np.ndarray]:
        """Return one score per unit; members that are not measured do not count."""
        measured = {g.name: [of_member(member) for member in g.members] for g in self.groups}
        found = {name: [x for x in all_ if x is not None] for name, all_ in measured.items()}
        return {name: reduced(x, self.reduce) for name, x in found.items() if x}


def _magnitude(of_rows: Callable[[np.ndarray], np.ndarray]) -> Callable[[Source], dict]:
    """Return the kind that measures kernels and normalization scales."""

    def measure(source: Source) -> dict[str, np.ndarray]:
        """Measure all members whose size says something."""
        values = _Values(source.variables())
        return source.reduced(
            lambda member: (
                of_rows(values.rows(member))
                if is_scale(member) or is_kernel(member, values.variable(member))
                else None
            )
        )

    return measure


def _lamp(source: Source) -> dict[str, np.ndarray]:
    """Shares of the squared norms of whole units."""
    energies = _magnitude(lambda values: saliency.l2(values) ** 2)(source)
    return {name: saliency.lamp(energy) for name, energy in energies.items()}


def _bn_scale(source: Source) -> dict[str, np.ndarray]:
    """Magnitudes of the scales of BatchNormalization."""
    values = _Values(source.variables())
    return source.reduced(
        lambda member: (
            saliency.l1(values.rows(member)) if is_batch_scale(member, source.layers) else None
        )
    )


def _fpgm(source: Source) -> dict[str, np.ndarray]:
    """Distances between the filters that make the channels."""
    values = _Values(source.variables())
    return source.reduced(
        lambda member: (
            saliency.geometric_median(values.rows(member))
            if member.role == OUT and is_kernel(member, values.variable(member))
            else None
        )
    )


def _random(source: Source) -> dict[str, np.ndarray]:
    """Random numbers in [0, 1)."""
    generator = np.random.default_rng(source.seed)
    return {group.name: generator.random(group.size) for group in source.groups}


def _activation(source: Source) -> dict[str, np.ndarray]:
    """Mean magnitudes of what the consumers take in."""
    means = mean_magnitudes(source.model, source.data, samples=source.samples)
    variables = source.variables()

    def seen(member: Member) -> np.ndarray | None:
        """Return the mean magnitude by unit, None where the input has another last axis."""
        size = variables[member.layer, member.weight].shape[member.axis]
        mean = means.get(member.layer)
        if member.role != IN or mean is None or len(mean) != size:
            return None
        return mean[member.positions].mean(axis=1)

    return source.reduced(seen)


def _taylor(source: Source) -> dict[str, np.ndarray]:
    """Sizes of the gates of batches."""
    return _from_gates(source, saliency.taylor, _PER_BATCH)


def _fisher(source: Source) -> dict[str, np.ndarray]:
    """Squared gates of single samples."""
    return _from_gates(source, saliency.fisher, _PER_SAMPLE)


def _from_gates(source: Source, formula: Callable, batch_size: int) -> dict[str, np.ndarray]:
    """Return what a formula makes of the gates of all members, batch by batch."""
    values = _Values(source.variables())
    members = [member for group in source.groups for member in _removing(group)]
    gates: dict[Member, list[np.ndarray]] = {member: [] for member in members}
    keys = list(dict.fromkeys((member.layer, member.weight) for member in members))
    settings = {"samples": source.samples, "batch_size": batch_size}
    trained = [values.variables[key] for key in keys]
    for found in gradients(source.model, trained, source.data, source.loss, **settings):
        slopes = dict(zip(keys, found, strict=True))
        for member in members:
            slope = rows(slopes[member.layer, member.weight], member)
            gates[member].append(saliency.gates(values.rows(member), slope))
    return source.reduced(lambda m: formula(np.stack(gates[m])) if m in gates else None)


def _hessian(source: Source) -> dict[str, np.ndarray]:
    """Second derivatives, averaged over batches."""
    values = _Values(source.variables())
    members = [member for group in source.groups for member in _removing(group)]
    keys = list(dict.fromkeys((member.layer, member.weight) for member in members))
    trained = [values.variables[key] for key in keys]
    settings = {"samples": source.samples, "seed": source.seed}
    batches = list(curvatures(source.model, trained, source.data, source.loss, **settings))
    means = {key: np.mean(parts, axis=0) for key, *parts in zip(keys, *batches, strict=True)}
    measured = set(members)

    def second_order(member: Member) -> np.ndarray | None:
        """Return the change of the loss by unit."""
        if member not in measured:
            return None
        diagonal = rows(means[member.layer, member.weight], member)
        return saliency.hessian(values.rows(member), diagonal)

    return source.reduced(second_order)


def _removing(group: ChannelGroup) -> list[Member]:
    """Return the members whose zeros are removal: the consumers, or all where there are none."""
    consumers = [member for member in group.members if member.role == IN]
    return consumers or [member for member in group.members if not is_statistic(member)]


class _Values:
    """The values of variables, read once."""

    def __init__(self, variables: Mapping[tuple[str, str], Any]) -> None:
        """Keep the variables."""
        self.variables = variables
        self._arrays: dict[tuple[str, str], np.ndarray] = {}

    def variable(self, member: Member) -> Any:
        """Return the variable of a member."""
        return self.variables[member.layer, member.weight]

    def rows(self, member: Member) -> np.ndarray:
        """Return the values of a member, one row per unit."""
        key = member.layer, member.weight
        if key not in self._arrays:
            self._arrays[key] = np.asarray(self.variables[key].numpy())
        return rows(self._arrays[key], member)


KINDS: dict[str, Callable[[Source], dict[str, np.ndarray]]] = {
    "l1": _magnitude(saliency.l1),
    "l2": _magnitude(saliency.l2),
    "bn_scale": _bn_scale,
    "fpgm": _fpgm,
    "lamp": _lamp,
    "taylor": _taylor,
    "fisher": _fisher,
    "hessian": _hessian,
    "activation": _activation,
    "random": _random,
}
