"""Recurrent layers, and the wrappers Bidirectional and TimeDistributed."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.dependency.call import Call
from tfedge.compress.pruning.channels.dependency.elementwise import activate
from tfedge.compress.pruning.channels.dependency.places import Ids, on_axis, varying
from tfedge.compress.pruning.channels.dependency.rules_shapes import concatenated
from tfedge.compress.pruning.channels.dependency.rules_simple import unknown
from tfedge.models.layers import class_names

_GATES = {"LSTMCell": 4, "GRUCell": 3, "SimpleRNNCell": 1, "ConvLSTMCell": 4}


def recurrent(call: Call) -> list[Ids] | Ids:
    """A layer with a cell; its states have the ids of its units."""
    cells = _cells(call.layer)
    if cells is None or getattr(call.layer, "_num_constants", None):
        return unknown(call)
    line, _ = call.line(_channel(call, call.shapes[0]), keep=True)
    states: list[np.ndarray] = []
    for path, setting, cell in cells:
        line = _cell(call, path, setting, cell, line)
        states += [line] * (2 if "LSTM" in _kind(cell) else 1)
    _initial_states(call, states)
    assert line is not None
    axes = [_channel(call, shape) for shape in call.out_shapes]
    lines = [line, *states][: len(call.out_shapes)]
    return [
        on_axis(one, axis, len(shape))
        for one, axis, shape in zip(lines, axes, call.out_shapes, strict=True)
    ]


def _channel(call: Call, shape: tuple) -> int:
    """Return the axis of the channels: convolutional cells may hold them in front."""
    first = getattr(call.layer, "data_format", None) == "channels_first"
    return -3 % len(shape) if first else -1


def _cells(layer: Any) -> list[tuple[str, tuple, Any]] | None:
    """Return (path, path in config, cell) of the known cells of a layer; None of unknown ones."""
    cell = getattr(layer, "cell", None)
    own = type(layer).__name__ != "RNN"
    found: list[tuple[str, tuple, Any]]
    if "StackedRNNCells" in class_names(cell):
        inner = ("cell", "config", "cells")
        parts = enumerate(cell.cells)  # type: ignore[union-attr]
        found = [(f"cell.cells.{i}.", (*inner, i, "config"), one) for i, one in parts]
    else:
        found = [("cell.", () if own else ("cell", "config"), cell)]
    return found if all(_kind(one) for _, _, one in found) else None


def _kind(cell: Any) -> str:
    """Return the known class name of a cell, or nothing."""
    return next((name for name in class_names(cell) if name in _GATES), "")


def _cell(call: Call, path: str, setting: tuple, cell: Any, line: Ids) -> np.ndarray:
    """Name the weights of one cell and return its units."""
    kind = _kind(cell)
    gates = _GATES[kind]
    call.consumes(f"{path}kernel", -2, line)
    units = call.makes(f"{path}kernel", -1, repeat=gates)
    wide = np.tile(units, gates)
    call.consumes(f"{path}recurrent_kernel", -2, units)
    call.follows(f"{path}recurrent_kernel", -1, wide)
    call.follows(f"{path}bias", -1, wide)
    call.width((*setting, "filters" if kind == "ConvLSTMCell" else "units"), units)
    inner = call.inside(path[:-1], ())
    activate(inner, units, "activation", "recurrent_activation")
    return units


def _initial_states(call: Call, states: list[np.ndarray]) -> None:
    """States that come in have the ids of the states inside."""
    reason = f"it is a state of {call.name!r}, whose other states cannot lose channels"
    masks = call.places_of(call.kwargs.get("mask"))
    given = [which for which in range(1, len(call.incoming)) if which not in masks]
    for place, which in enumerate(given):
        if place < len(states) and len(call.shapes[which]) == 2:
            wanted = on_axis(states[place], -1, 2)
            call.trace.same(call.incoming[which], wanted, reason)
        else:
            for ids in (call.incoming[which], *states):
                call.fix(ids, reason)


def bidirectional(call: Call) -> list[Ids] | Ids:
    """Two recurrent layers over the same input, their outputs joined."""
    layer = call.layer
    units = hasattr(layer.forward_layer, "units") and hasattr(layer.backward_layer, "units")
    if len(call.incoming) > 1 or getattr(layer, "return_state", False) or not units:
        return unknown(call)
    front = call.out_shapes[0][:-1]
    sides = {"forward_layer": "layer", "backward_layer": "backward_layer"}
    shapes = [(*front, getattr(layer, side).units) for side in sides]
    both = [
        call.inside(side, (name, "config"), out_shapes=[shape]).run()[0]
        for (side, name), shape in zip(sides.items(), shapes, strict=True)
    ]
    if both[0] is not None and both[1] is not None and both[0].shape == both[1].shape:
        call.tie(both[0], both[1])  # Keras takes both to be equally wide
    if layer.merge_mode is None:
        return both
    parts = [(ids, shape, repr(call.name)) for ids, shape in zip(both, shapes, strict=True)]
    return concatenated(call, parts, -1) if layer.merge_mode == "concat" else call.joined(parts)


def time_distributed(call: Call) -> Ids:
    """The layer inside sees one moment at a time; channels are alike in all."""
    moments = [_without_time(call, ids) for ids in call.incoming]
    shapes = [(shape[0], *shape[2:]) for shape in call.shapes]
    out_shapes = [(shape[0], *shape[2:]) for shape in call.out_shapes]
    settings = ("layer", "config")
    inner = call.inside("layer", settings, incoming=moments, shapes=shapes, out_shapes=out_shapes)
    ids = inner.run()[0]
    return None if ids is None else np.expand_dims(ids, 1)


def _without_time(call: Call, ids: Ids) -> Ids:
    """Return the ids of one moment."""
    if ids is None or ids.shape[1] == 1:
        return None if ids is None else ids[:, 0]
    if len(varying(ids)) == 1:
        call.fix(ids, f"{call.name!r} goes through its axis step by step")
        return None
    call.tie(ids, ids[:, :1])
    return ids[:, 0]
