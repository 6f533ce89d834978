"""Parts of tensors: slices, indices and splits, whose limits move when channels go."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.dependency.call import Call
from tfedge.compress.pruning.channels.dependency.options import Options
from tfedge.compress.pruning.channels.dependency.places import Ids, collapse, varying
from tfedge.compress.pruning.channels.dependency.rules_norms import mixed
from tfedge.compress.pruning.channels.dependency.rules_simple import unknown
from tfedge.models.edges import tensors_in


def get_item(call: Call) -> Ids:
    """``x[:, 1:3, ..., 0]``: slices with step 1 and single places are followed."""
    ids, shape = call.incoming[0], call.shapes[0]
    if ids is None or not varying(ids):
        return None
    key = _as_tuple(call.args[1] if len(call.args) > 1 else call.kwargs["key"])
    if not _is_simple(key):
        return mixed(call)
    full = _spelt_out(key, len(shape))
    if not all(_can_follow(part, ids, axis) for axis, part in _axes(full)):
        return mixed(call)
    taken = ids[tuple(_on_ids(part, ids, axis) for axis, part in _numbered(full))]
    _note(call, full, ids, taken)
    return taken


def _as_tuple(key: Any) -> tuple:
    """Return the parts of a subscript, slices as slices (tf_keras writes them as dicts)."""
    parts = key if isinstance(key, (list, tuple)) else (key,)
    return tuple(
        slice(part["start"], part["stop"], part["step"]) if isinstance(part, dict) else part
        for part in parts
    )


def _is_simple(key: tuple) -> bool:
    """Return whether a subscript holds slices with step 1, integers, ``...`` and None only."""
    if tensors_in(key):
        return False
    kinds = (slice, int, np.integer, type(None), type(Ellipsis))
    return all(isinstance(part, kinds) and not isinstance(part, bool) for part in key)


def _spelt_out(key: tuple, rank: int) -> list[Any]:
    """Return a subscript with ``...`` replaced by full slices, one part for each axis."""
    used = sum(part is not None and part is not Ellipsis for part in key)
    full = [slice(None)] * (rank - used)
    if Ellipsis in key:
        place = key.index(Ellipsis)
        return [*key[:place], *full, *key[place + 1 :]]
    return [*key, *full]


def _numbered(full: list[Any]) -> list[tuple[int, Any]]:
    """Return (axis of the input, part); a new axis has the number of the next one."""
    axis, found = 0, []
    for part in full:
        found.append((axis, part))
        axis += part is not None
    return found


def _axes(full: list[Any]) -> list[tuple[int, Any]]:
    """Return (axis, part) of the parts that belong to an axis of the input."""
    return [(axis, part) for axis, part in _numbered(full) if part is not None]


def _can_follow(part: Any, ids: np.ndarray, axis: int) -> bool:
    """Return whether what a part takes is still a run of places when channels have gone."""
    if ids.shape[axis] == 1:
        return True
    return (isinstance(part, slice) and part.step in (None, 1)) or len(varying(ids)) > 1


def _on_ids(part: Any, ids: np.ndarray, axis: int) -> Any:
    """Return what a part of a subscript takes from ids, which may not vary along the axis."""
    if part is None or ids.shape[axis] > 1:
        return part
    return slice(None) if isinstance(part, slice) else 0


def _note(call: Call, full: list[Any], ids: np.ndarray, taken: np.ndarray) -> None:
    """Keep what is taken from vanishing, and move the limits of the slices."""
    partial = [
        (place, axis)
        for place, (axis, part) in enumerate(_numbered(full))
        if part is not None and part != slice(None) and ids.shape[axis] > 1
    ]
    if not partial:
        return
    call.keeps_one(taken)

    def value(kept: Any, old: Any) -> Any:
        """Return the subscript with new limits."""
        parts = list(full)
        for place, axis in partial:
            parts[place] = _shifted(kept, ids, axis, full[place])
        return _written(parts, old)

    call.argument(1 if len(call.args) > 1 else "key", value)


def _shifted(kept: Any, ids: np.ndarray, axis: int, part: Any) -> Any:
    """Return a slice or index of the places that are left."""
    places = kept.places(ids, axis)
    if not isinstance(part, slice):
        return int(np.searchsorted(places, part % ids.shape[axis]))
    start, stop, _ = part.indices(ids.shape[axis])
    return slice(int(np.searchsorted(places, start)), int(np.searchsorted(places, stop)))


def _written(parts: list[Any], old: Any) -> Any:
    """Return a subscript in the form of the old one."""
    olds = old if isinstance(old, (list, tuple)) else (old,)
    if any(isinstance(part, dict) for part in olds):
        parts = [
            {"start": part.start, "stop": part.stop, "step": part.step}
            if isinstance(part, slice)
            else part
            for part in parts
        ]
    return list(parts) if isinstance(old, list) else tuple(parts)


def split(call: Call) -> list[Ids]:
    """Consecutive parts along one axis; uneven ones are named by their sizes afterwards."""
    options, ids, shape = Options(call), call.incoming[0], call.shapes[0]
    axis = int(options.get("axis", 0)) % len(shape)
    count = len(call.out_shapes)
    sections = options.get("sections")
    if ids is None or ids.shape[axis] == 1:
        return [ids] * count
    if tensors_in(sections):
        return unknown(call)
    if len(varying(ids)) > 1:
        ids = np.expand_dims(collapse(call.trace.ties, ids, axis), 0).reshape(
            [-1 if one == axis else 1 for one in range(len(shape))]
        )
    ends = np.cumsum([out[axis] for out in call.out_shapes])
    parts = np.split(ids, ends[:-1], axis)
    for part in parts:
        call.keeps_one(part)
    _note_split(call, options, parts)
    return list(parts)


def _note_split(call: Call, options: Options, parts: list[np.ndarray]) -> None:
    """Name the sizes (TensorFlow) or the places of the cuts (Keras 3)."""
    in_sizes = hasattr(call.layer, "function")

    def value(kept: Any, old: Any) -> Any:
        """Return where the parts end now; the number of parts, if they are still even."""
        sizes = [kept.count(part) for part in parts]
        if isinstance(old, (int, np.integer)) and len(set(sizes)) == 1:
            return old
        return sizes if in_sizes else [int(end) for end in np.cumsum(sizes)[:-1]]

    options.change("sections", value)
