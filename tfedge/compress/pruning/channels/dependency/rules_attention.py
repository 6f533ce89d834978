"""Attention: heads, the dimensions of keys and of values, and what the layers consume and make."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from tfedge.compress.pruning.channels.dependency.call import Call
from tfedge.compress.pruning.channels.dependency.places import Ids, on_axis
from tfedge.compress.pruning.channels.dependency.rules_simple import unknown
from tfedge.compress.pruning.channels.group import IN, OUT

_ROLES = ("query", "value", "key")


@dataclasses.dataclass(frozen=True, eq=False)
class _Heads:
    """Ids of the heads of queries and keys, of key dimensions and of value dimensions."""

    queries: np.ndarray
    keys: np.ndarray
    key_dims: np.ndarray
    value_dims: np.ndarray


def _given(call: Call) -> dict[str, int]:
    """Return which input tensor is query, value and key; key is value if it is not given."""
    named = dict(zip(_ROLES, call.args, strict=False)) | call.kwargs
    found = {role: call.places_of(named[role]) for role in _ROLES if named.get(role) is not None}
    places = {role: place[0] for role, place in found.items() if place}
    return {"key": places["value"], **places}


def multi_head(call: Call) -> list[Ids] | Ids:
    """Heads, key dimensions and value dimensions are three groups of the layer's own."""
    if len(call.shapes[0]) != 3:
        return unknown(call)
    heads = call.makes("_query_dense.kernel", 1, "head")
    key_dims = _key_dims(call)
    value_dims = call.makes("_value_dense.kernel", 2, "value dimension")
    parts = _Heads(heads, heads, key_dims, value_dims)
    _project(call, parts)
    call.follows("_gate_dense.kernel", 2, value_dims)
    call.follows("_gate_dense.bias", 1, value_dims)
    call.width("num_heads", heads)
    call.width("key_dim", key_dims)
    call.width("value_dim", value_dims)
    return _attended(call, parts, call.makes("_output_dense.kernel", -1))


def _key_dims(call: Call) -> np.ndarray:
    """Return the key dimensions; the layer divides by the root of their number."""
    dims = call.makes("_query_dense.kernel", 2, "key dimension")
    for weight in ("_query_dense.kernel", "_query_dense.bias"):
        call.scales(weight, lambda kept: math.sqrt(kept.count(dims) / len(dims)))
    return dims


def _project(call: Call, parts: _Heads) -> None:
    """Name the projections in and out; zeros in key and output projection are a mask."""
    given = _given(call)
    for role in _ROLES:
        line, _ = call.line(-1, given[role], keep=True)
        call.consumes(f"_{role}_dense.kernel", 0, line)
        heads = parts.queries if role == "query" else parts.keys
        dims = parts.value_dims if role == "value" else parts.key_dims
        dims_role = {"query": OUT, "value": OUT, "key": IN}[role]
        call.follows(f"_{role}_dense.kernel", 1, heads)
        call.follows(f"_{role}_dense.kernel", 2, dims, dims_role)
        call.follows(f"_{role}_dense.bias", 0, heads)
        call.follows(f"_{role}_dense.bias", 1, dims, IN if role == "key" else "follows")
    call.follows("_gate_dense.kernel", 0, call.line(-1, given["query"], keep=True)[0])
    call.follows("_gate_dense.kernel", 1, parts.queries)
    call.follows("_gate_dense.bias", 0, parts.queries)
    call.consumes("_output_dense.kernel", 0, parts.queries)
    call.consumes("_output_dense.kernel", 1, parts.value_dims)


def _attended(call: Call, parts: _Heads, made: np.ndarray) -> list[Ids]:
    """Name what the layer makes, and its settings; the scores have the ids of the heads."""
    call.follows("_output_dense.bias", -1, made)
    if len(call.variable("_output_dense.kernel").shape) != 3:
        call.fix(made, f"{call.name!r} makes outputs of several dimensions")
    query, _ = call.line(-1, _given(call)["query"], keep=True)

    def output_shape(kept: Any, old: Any) -> Any:
        """Return the width where it is no longer that of the query."""
        width = kept.count(made)
        of_query = call.shapes[_given(call)["query"]][-1] if query is None else kept.count(query)
        return old if old is None and width == of_query else (width,)

    call.sets("output_shape", output_shape)
    for mask in call.places_of(call.kwargs.get("attention_mask")):
        if len(call.shapes[mask]) == 4 and call.shapes[mask][1] != 1:
            call.fix(parts.queries, f"{call.name!r} is given a mask for each head")
    scores = [on_axis(parts.queries, 1, len(shape)) for shape in call.out_shapes[1:]]
    return [on_axis(made, -1, len(call.out_shapes[0])), *scores]


def grouped_query(call: Call) -> list[Ids] | Ids:
    """Several query heads share a key head, and go with it."""
    layer = call.layer
    shared = call.makes("_key_dense.kernel", 1, "key head")
    heads = np.repeat(shared, layer.num_query_heads // layer.num_key_value_heads)
    call.follows("_query_dense.kernel", 1, heads, OUT)
    dims = _key_dims(call)
    parts = _Heads(heads, shared, dims, dims)
    _project(call, parts)
    call.follows("_gate_dense.kernel", 2, dims)
    call.follows("_gate_dense.bias", 1, dims)
    call.width("num_query_heads", heads)
    call.width("num_key_value_heads", shared)
    call.width("head_dim", dims)
    made = call.makes("_output_dense.kernel", -1)
    query, _ = call.line(-1, _given(call)["query"], keep=True)
    call.trace.same(query, made, f"{call.name!r} makes as many channels as its query has")
    call.follows("_output_dense.bias", -1, made)
    scores = [on_axis(heads, 1, len(shape)) for shape in call.out_shapes[1:]]
    return [on_axis(made, -1, len(call.out_shapes[0])), *scores]


def plain(call: Call) -> list[Ids]:
    """Attention without projections: values pass, queries and keys are multiplied."""
    values = call.incoming[1]
    for which in {0, len(call.args[0]) - 1} if call.args else {0}:
        reason = f"{call.name!r} multiplies queries and keys without a weight between"
        call.fix(call.incoming[which], reason)
    line = call.line(-1, 1, keep=True)[0] if values is not None else None
    rest: list[Ids] = [None] * (len(call.out_shapes) - 1)
    return [on_axis(line, -1, len(call.out_shapes[0])), *rest]


def additive(call: Call) -> list[Ids]:
    """Queries and keys are added and weighed by ``scale``, which consumes them."""
    given = call.incoming if not call.args else call.incoming[: len(call.args[0])]
    keys = 2 if len(given) > 2 else 1
    if call.variable("scale") is None:
        return plain(call)
    query, _ = call.line(-1, 0, keep=True)
    key, _ = call.line(-1, keys, keep=True)
    call.trace.same(query, key, f"{call.name!r} adds queries and keys")
    call.consumes("scale", 0, query)
    value, _ = call.line(-1, 1, keep=True)
    if type(call.layer).__module__.startswith("tf_keras."):
        call.trace.same(value, query, f"{call.name!r} takes its width from its values")
    rest: list[Ids] = [None] * (len(call.out_shapes) - 1)
    return [on_axis(value, -1, len(call.out_shapes[0])), *rest]
