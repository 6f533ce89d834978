"""One walk over the layer graph: every place of every tensor gets an id, and ids are tied.

What the rules of the layers say is collected here: the weights that carry channels (*sites*),
the channels that must stay (*fixed*), and what to change in the layers' settings and calls when
channels go (*edits*).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.dependency.call import Call
from tfedge.compress.pruning.channels.dependency.places import (
    Ids,
    collapse,
    first_line,
    on_axis,
    varying,
)
from tfedge.compress.pruning.channels.dependency.ties import Ties
from tfedge.compress.pruning.channels.rebuilding.kept import Kept
from tfedge.models.edges import Tensor, tensors_in
from tfedge.models.graph import LayerGraph, Step, read_graph

Edit = tuple[tuple, Callable[[Kept, Any], Any]]


@dataclasses.dataclass(eq=False)
class Site:
    """One axis of one weight, and the id of each place along it.

    ``weight`` is None for what is no weight but must keep a channel: the result of a slice.
    """

    layer: Any
    name: str
    weight: str | None
    axis: int
    ids: np.ndarray
    role: str | None
    unit: str = "channel"


class Trace:
    """What was learnt about the channels of a model.

    Attributes:
        graph: The layer graph that was walked.
        ties: Which ids belong together.
        sites: Weight axes that carry ids.
        fixed: ``(ids, reason)`` of what must stay; the first reason is the one to tell.
        edits: Settings to change, by identity of the layer: ``(path in config, function)``.
        call_edits: Arguments to change, by key of the step: ``(argument, function)``.
        scales: Factors that weights get when channels go, by identity of the layer and weight.
    """

    def __init__(self, model: Any) -> None:
        self.graph: LayerGraph = read_graph(model)
        self.ties = Ties()
        self.sites: list[Site] = []
        self.fixed: list[tuple[np.ndarray, str]] = []
        self.edits: dict[int, list[Edit]] = {}
        self.call_edits: dict[int, list[Edit]] = {}
        self.scales: dict[tuple[int, str], Callable[[Kept], float]] = {}
        self._tensors: dict[int, Ids] = {}
        self._makers: dict[int, str] = {}
        self._known: dict[tuple, Site | None] = {}
        self._blocks: list[np.ndarray] = []
        self._walk()

    def ids(self, tensor: Tensor) -> Ids:
        """Return the ids of a tensor."""
        return self._tensors.get(tensor.index)

    def _walk(self) -> None:
        """Follow the channels from the inputs to the outputs."""
        for name, _, tensor in self.graph.input_layers:
            self._makers[tensor.index] = name
            self._tensors[tensor.index] = self._input(name, tensor)
        for step in self.graph.steps:
            self._follow(step)
        self._tie_entries()
        found, self.fixed = self.fixed, []
        for tensor in tensors_in(self.graph.outputs):
            self.fix(self.ids(tensor), "it is an output of the model")
        self.fixed += found
        self._settle_blocks()

    def _input(self, name: str, tensor: Tensor) -> Ids:
        """Return ids of an input's last axis, all of which must stay."""
        size = tensor.shape[-1]
        if len(tensor.shape) < 2 or size is None:
            return None
        line = self.ties.new(size)
        self.fix(line, f"it is joined with the model's input {name!r}")
        return on_axis(line, -1, len(tensor.shape))

    def _follow(self, step: Step) -> None:
        """Let the rule of one layer say what comes out of a call of it."""
        tensors = tensors_in((step.args, step.kwargs))
        call = Call(
            self,
            step.layer,
            step.name,
            args=step.args,
            kwargs=step.kwargs,
            incoming=[self.ids(tensor) for tensor in tensors],
            shapes=[tensor.shape for tensor in tensors],
            makers=[self._makers[tensor.index] for tensor in tensors],
            out_shapes=[tensor.shape for tensor in step.outputs],
            key=step.key,
        )
        for tensor, ids in zip(step.outputs, call.run(), strict=True):
            self._makers[tensor.index] = step.name
            self._tensors[tensor.index] = ids

    def _tie_entries(self) -> None:
        """A nested model that is called twice has one input shape."""
        first: dict[int, tuple[Tensor, ...]] = {}
        for model, tensors in self.graph.entries:
            for one, other in zip(first.setdefault(id(model), tensors), tensors, strict=True):
                self.same(self.ids(one), self.ids(other), "a nested model is called on both")

    def same(self, one: Ids, other: Ids, reason: str) -> None:
        """Tie two tensors of one shape; if only one can lose places, it must not."""
        if varying(one) == varying(other):
            if one is not None and other is not None and varying(one):
                self.ties.tie(one, other)
        else:
            self.fix(one, reason)
            self.fix(other, reason)

    def fix(self, ids: Ids, reason: str) -> None:
        """Keep ids, whatever happens."""
        if ids is not None and ids.size:
            self.fixed.append((np.unique(ids), reason))

    def is_fixed(self, ids: np.ndarray) -> bool:
        """Return whether all of these must stay, as far as is known by now."""
        if not self.fixed:
            return False
        labels = self.ties.labels()
        kept = labels[np.concatenate([ids for ids, _ in self.fixed])]
        return bool(np.isin(labels[ids], kept).all())

    def site(self, site: Site, ids: Ids) -> np.ndarray | None:
        """Note a weight axis; one that is met again (a shared layer) is tied to the first time."""
        key = id(site.layer), site.weight, site.axis
        if key not in self._known:
            self._known[key] = site if ids is not None else None
            if ids is not None:
                self.sites.append(site)
            return ids
        known = self._known[key]
        reason = f"{site.name!r} is also called on channels that cannot be removed"
        if known is None or ids is None:
            self.fix(ids if known is None else known.ids, reason)
            return None if known is None else known.ids
        self.ties.tie(known.ids, ids)
        return known.ids

    def made(self, layer: Any, weight: str, axis: int) -> np.ndarray | None:
        """Return the ids that a shared layer made when it was called before."""
        known = self._known.get((id(layer), weight, axis))
        return known.ids if known is not None else None

    def block(self, ids: np.ndarray) -> None:
        """Note that what is left of a tensor must be a block: whole planes go, of one axis."""
        if len(varying(ids)) > 1:
            self._blocks.append(ids)

    def _settle_blocks(self) -> None:
        """Where several axes carry ids, choose the axis whose planes go."""
        settled = False
        while not settled:
            settled = True
            for ids in self._blocks:
                labels = self.ties.labels()[ids]
                if not any(_depends_on(labels, axis) for axis in varying(ids)):
                    collapse(self.ties, ids, _most_classes(labels))
                    settled = False


def _depends_on(labels: np.ndarray, axis: int) -> bool:
    """Return whether labels differ along one axis only."""
    planes = np.moveaxis(labels, axis, 0).reshape(labels.shape[axis], -1)
    return bool((planes == planes[:, :1]).all())


def _most_classes(labels: np.ndarray) -> int:
    """Return the axis that leaves most to choose from; the later one of equals."""
    return max(varying(labels), key=lambda axis: (len(np.unique(first_line(labels, axis))), axis))
