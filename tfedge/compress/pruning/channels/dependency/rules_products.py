"""Products of two activations: matmul and einsum, as attention by hand uses them."""

from __future__ import annotations

import numpy as np

from tfedge.compress.pruning.channels.dependency.call import Call
from tfedge.compress.pruning.channels.dependency.options import Options
from tfedge.compress.pruning.channels.dependency.places import Ids, varying
from tfedge.compress.pruning.channels.dependency.rules_norms import mixed

_LETTERS = "abcdefghijklmnop"


def matmul(call: Call) -> Ids:
    """Rows by columns; leading axes are batches."""
    ranks = [len(shape) for shape in call.shapes]
    if len(ranks) != 2 or min(ranks) < 2:
        return mixed(call)
    options, batch = Options(call), _LETTERS[: max(ranks) - 2]
    left, right = ("zy", "yx")
    left = left[::-1] if options.get("transpose_a") else left
    right = right[::-1] if options.get("transpose_b") else right
    terms = [
        batch[len(batch) - (ranks[0] - 2) :] + left,
        batch[len(batch) - (ranks[1] - 2) :] + right,
    ]
    return _product(call, terms, batch + "zx")


def einsum(call: Call) -> Ids:
    """Two operands with spelt-out letters."""
    equation = str(Options(call).get("equation")).replace(" ", "")
    terms, arrow, out = equation.partition("->")
    parts = terms.split(",")
    repeated = any(len(set(term)) != len(term) for term in parts)
    if "." in equation or not arrow or len(parts) != 2 or len(call.incoming) != 2 or repeated:
        return mixed(call)
    return _product(call, parts, out)


def _product(call: Call, terms: list[str], out: str) -> Ids:
    """Return the ids of a product: letters that are summed over must not lose places alone."""
    parts = []
    for ids, shape, term, maker in zip(call.incoming, call.shapes, terms, call.makers, strict=True):
        ids = _summed(call, ids, term, out)
        sizes = dict(zip(term, shape, strict=True))
        aligned = tuple(sizes.get(letter, 1) for letter in out)
        parts.append((_aligned(ids, term, out), aligned, repr(maker)))
    return call.joined(parts)


def _summed(call: Call, ids: Ids, term: str, out: str) -> Ids:
    """Tie ids along the letters that are summed over: they go with all others, or not at all."""
    summed = [axis for axis in varying(ids) if term[axis] not in out]
    if not summed:
        return ids
    if len(summed) == len(varying(ids)):
        call.fix(ids, f"{call.name!r} sums over it without a weight between")
        return None
    for axis in summed:
        first = ids.take([0], axis)  # type: ignore[union-attr]
        call.tie(ids, first)  # type: ignore[arg-type]
        ids = first
    return ids


def _aligned(ids: Ids, term: str, out: str) -> Ids:
    """Return ids in the order of the output's letters."""
    if ids is None:
        return None
    kept = [letter for letter in out if letter in term]
    order = [term.index(letter) for letter in kept]
    rest = [axis for axis in range(ids.ndim) if axis not in order]
    shape = [ids.shape[term.index(letter)] if letter in term else 1 for letter in out]
    return np.reshape(ids.transpose(order + rest), shape)
