"""One call of a layer as its rule sees it: what comes in, and what it can say about channels."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfedge.compress.pruning.channels.dependency.places import Ids, collapse, varying
from tfedge.compress.pruning.channels.group import FOLLOWS, IN, OUT
from tfedge.models.edges import tensors_in

if TYPE_CHECKING:
    from tfedge.compress.pruning.channels.dependency.trace import Trace


class Call:
    """One call of a layer.

    A rule gets a call and returns the ids of the output, or a list of them for several outputs;
    None means that no channel of the output can go. On the way it names the weights that carry
    channels (``consumes``, ``follows``, ``makes``) and the settings that hold a width.

    Attributes:
        layer: The layer or operation.
        name: Its flat name.
        args: Positional arguments; tensors stand as :class:`tfedge.models.edges.Tensor`.
        kwargs: Keyword arguments.
        incoming: Ids of the input tensors, in the order of the arguments.
        shapes: Shapes of the input tensors, batch included.
        makers: Names of the layers that made the input tensors.
        out_shapes: Shapes of the output tensors.
    """

    def __init__(
        self, trace: Trace, layer: Any, name: str, *, args: tuple, kwargs: dict,
        incoming: list[Ids], shapes: list[tuple], makers: list[str], out_shapes: list[tuple],
        key: int | None, owner: Any = None, prefix: str = "", path: tuple = (),
    ) -> None:  # fmt: skip
        self.trace, self.layer, self.name = trace, layer, name
        self.args, self.kwargs, self.key = args, kwargs, key
        self.incoming, self.shapes, self.makers = incoming, shapes, makers
        self.out_shapes = out_shapes
        self._owner, self._prefix, self._path = owner or layer, prefix, path

    def run(self) -> list[Ids]:
        """Apply the rule of the layer and return the ids of all outputs."""
        from tfedge.compress.pruning.channels.dependency.table import rule_for

        made = rule_for(self.layer)(self)
        if isinstance(made, list):
            return made
        return [made] * len(self.out_shapes) if len(self.out_shapes) == 1 else self._spread(made)

    def _spread(self, made: Ids) -> list[Ids]:
        """A rule that says one thing about several outputs says nothing about them."""
        self.fix(made, self.unknown)
        return [None] * len(self.out_shapes)

    def inside(self, attribute: str, path: tuple, **changed: Any) -> Call:
        """Return the call of a layer that this layer holds."""
        layer = functools.reduce(_part, attribute.split("."), self.layer)
        same = {name: getattr(self, name) for name in ("args", "kwargs", "incoming", "shapes")}
        same |= {"makers": self.makers, "out_shapes": self.out_shapes, "key": None, **changed}
        prefix, path = f"{self._prefix}{attribute}.", self._path + path
        return Call(
            self.trace, layer, self.name, owner=self._owner, prefix=prefix, path=path, **same
        )

    @property
    def unknown(self) -> str:
        """The reason for channels that go into a layer nothing is known about."""
        return (
            f"it goes into {self.name!r} ({type(self.layer).__name__}), about whose channels "
            f"nothing is known; tfedge.models.register_channels can say it"
        )

    def fix(self, ids: Ids, reason: str) -> None:
        """Keep ids, whatever happens. ``reason`` completes "cannot be removed because ..."."""
        self.trace.fix(ids, reason)

    def fix_all(self, reason: str) -> None:
        """Keep all that comes in."""
        for ids in self.incoming:
            self.fix(ids, reason)

    def tie(self, one: np.ndarray, other: np.ndarray) -> None:
        """Say that ids go together, place by place."""
        self.trace.ties.tie(one, other)

    def line(self, axis: int, which: int = 0, keep: bool = False) -> tuple[Ids, Ids]:
        """Return the ids along one axis of an input, and those that lie along others.

        At most one of the two is not None. With ``keep``, ids along other axes stay as they are
        and are not returned.
        """
        ids = self.incoming[which]
        if ids is None or not varying(ids):
            return None, None
        if axis % ids.ndim in varying(ids):
            return collapse(self.trace.ties, ids, axis % ids.ndim), None
        if keep:
            self.fix(ids, f"{self.name!r} ({type(self.layer).__name__}) mixes it")
            return None, None
        return None, ids

    def consumes(self, weight: str, axis: int, ids: Ids) -> None:
        """Name a weight axis that runs over the channels that come in."""
        self._site(weight, axis, ids, IN)

    def follows(self, weight: str, axis: int, ids: Ids, role: str = FOLLOWS) -> None:
        """Name a weight axis that goes along with channels."""
        self._site(weight, axis, ids, role)

    def makes(self, weight: str, axis: int, unit: str = "channel", repeat: int = 1) -> np.ndarray:
        """Name a weight axis that makes channels, and return their ids.

        Args:
            weight: Attribute path of the weight.
            axis: Its axis.
            unit: What one channel is called.
            repeat: How many times each channel stands on the axis, one after all others, as the
                gates of an LSTM do.
        """
        axis = self._axis(weight, axis)
        known = self.trace.made(self._owner, self._prefix + weight, axis)
        if known is not None:
            return known[: len(known) // repeat]
        ids = self.trace.ties.new(self.variable(weight).shape[axis] // repeat)
        if len(ids) == 1:
            self.fix(ids, "there is only one")
        self._site(weight, axis, np.tile(ids, repeat), OUT, unit)
        return ids

    def keeps_one(self, ids: Ids) -> None:
        """Say that not all of these may go: they are what a slice takes out."""
        if ids is not None:
            self._site(None, len(self.trace.sites), ids.reshape(-1), None)

    def _site(self, weight: str | None, axis: int, ids: Ids, role: Any, unit="channel") -> None:
        """Note a weight axis, if the layer has the weight."""
        from tfedge.compress.pruning.channels.dependency.trace import Site

        if weight is not None:
            if self.variable(weight) is None:
                return
            axis, weight = self._axis(weight, axis), self._prefix + weight
        site = Site(self._owner, self.name, weight, axis, ids, role, unit)  # type: ignore[arg-type]
        self.trace.site(site, ids)

    def variable(self, weight: str) -> Any:
        """Return a weight of the layer by its attribute path, None if it has none."""
        return functools.reduce(_part, weight.split("."), self.layer)

    def _axis(self, weight: str, axis: int) -> int:
        """Return an axis counted from the front."""
        return axis % len(self.variable(weight).shape)

    def sets(self, setting: str | tuple, value: Callable[[Any, Any], Any]) -> None:
        """Name a setting that changes: ``value(kept, old)`` returns it anew."""
        path = setting if isinstance(setting, tuple) else (setting,)
        edits = self.trace.edits.setdefault(id(self._owner), [])
        edits.append((self._path + path, value))

    def width(self, setting: str | tuple, ids: Ids) -> None:
        """Name a setting that holds the number of these ids."""
        if ids is not None:
            self.sets(setting, lambda kept, old: kept.count(ids))

    def scales(self, weight: str, factor: Callable[[Any], float]) -> None:
        """Name a weight that is multiplied by ``factor(kept)`` when channels go."""
        if self.variable(weight) is not None:
            self.trace.scales[id(self._owner), self._prefix + weight] = factor

    def argument(self, where: int | str, value: Callable[[Any, Any], Any]) -> None:
        """Name an argument of the call that changes, by position or name."""
        if self.key is not None:
            edits = self.trace.call_edits.setdefault(self.key, [])
            edits[:] = [edit for edit in edits if edit[0] != (where,)]
            edits.append(((where,), value))

    def joined(self, parts: Sequence[tuple[Ids, tuple, str]]) -> Ids:
        """Return the ids of what tensors become that are combined place by place.

        Args:
            parts: Ids, shape and a name for each of the tensors, which may be broadcast.
        """
        from tfedge.compress.pruning.channels.dependency.joining import joined

        return joined(self, parts)

    def places_of(self, structure: Any) -> list[int]:
        """Return which of the input tensors a part of the arguments holds."""
        known = [tensor.index for tensor in tensors_in((self.args, self.kwargs))]
        return [known.index(tensor.index) for tensor in tensors_in(structure)]

    def parts(self) -> list[tuple[Ids, tuple, str]]:
        """Return the input tensors as :meth:`joined` takes them."""
        return list(zip(self.incoming, self.shapes, map(repr, self.makers), strict=True))


def _part(holder: Any, name: str) -> Any:
    """Return an attribute, or an entry of a list; None of None."""
    if holder is None:
        return None
    return holder[int(name)] if name.isdigit() else getattr(holder, name, None)
