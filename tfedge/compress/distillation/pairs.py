"""Which layer of a teacher goes with which layer of a student."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfedge.compress.distillation.features import ANY, EMBEDDING, RESIZED, RESOLUTIONS, SAME
from tfedge.compress.distillation.logits import behind
from tfedge.core.errors import ArgumentError
from tfedge.models.nodes import functional, nodes_of, shape_of
from tfedge.models.selection import select_among
from tfedge.models.wrappers import unwrapped

Pair = tuple[Any, Any]


def pairs_of(
    teacher: Any,
    student: Any,
    layers: Any,
    positions: str = SAME,
    automatic: str = RESOLUTIONS,
) -> list[Pair]:
    """Return (teacher's tensor, student's tensor) of each pair of layers.

    Args:
        teacher: A functional tf_keras model.
        student: A functional tf_keras model; its layers may be wrapped.
        layers: As :class:`~tfedge.distill.FeatureHint` takes it.
        positions: Which shapes can be compared, as ``FeatureLoss.positions`` says.
        automatic: What None means, as ``FeatureLoss.automatic`` says.

    Raises:
        ArgumentError: If a choice matches no layer or, in a dict, several; or if the features
            of a pair have positions that cannot be compared.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> def net(units):
        ...     inputs = keras.Input((4,))
        ...     x = keras.layers.Dense(units, "relu", name="hidden")(inputs)
        ...     return keras.Model(inputs, keras.layers.Dense(3)(x))
        >>> [(t.shape[-1], s.shape[-1]) for t, s in pairs_of(net(8), net(2), None)]
        [(8, 2)]
    """
    known, made = _features(teacher), _features(student)
    if layers is None and automatic == EMBEDDING:
        return [(_embedding(teacher, known), _embedding(student, made))]
    if layers is None:
        return _by_resolution(teacher, student, known, made, positions)
    if isinstance(layers, Mapping):
        chosen = [
            (_one(known, key, teacher), _one(made, value, student)) for key, value in layers.items()
        ]
    else:
        chosen = [(name, name) for name in _common(known, made, layers, teacher, student)]
    for pair in chosen:
        _check_shapes(known[pair[0]], made[pair[1]], pair, positions)
    return [(known[first], made[second]) for first, second in chosen]


def _features(model: Any) -> dict[str, Any]:
    """Return what each layer makes, by the name of the layer, in the order of the calls."""
    found = {}
    for layer, _, _, outputs in nodes_of(functional(model)):
        if len(outputs) == 1 and len(outputs[0].shape) > 1 and outputs[0].dtype.is_floating:
            found[unwrapped(layer).name] = outputs[0]
    return found


def _by_resolution(
    teacher: Any, student: Any, known: dict, made: dict, positions: str
) -> list[Pair]:
    """Return the last tensors at each resolution that both models have."""
    firsts, seconds = (_last(*pair) for pair in ((teacher, known), (student, made)))
    places = [place for place in firsts if place in seconds]
    planes = [place for place in places if _is_plane(place)]
    places = planes if planes or positions == RESIZED else places
    if not places:
        raise ArgumentError(
            f"layers=None pairs features of one resolution, and {teacher.name!r} and "
            f"{student.name!r} have none in common: {_listed(firsts)} and {_listed(seconds)}. "
            f"Name the pairs: layers={{teacher's layer: student's layer}}."
        )
    return [(firsts[place], seconds[place]) for place in places]


def _embedding(model: Any, features: dict[str, Any]) -> Any:
    """Return the last vector within a model."""
    found = _last(model, features).get(())
    if found is None:
        raise ArgumentError(
            f"layers=None takes the last vector before the outputs, and {model.name!r} has none. "
            f"Name the layers: layers={{teacher's layer: student's layer}}."
        )
    return found


def _last(model: Any, features: dict[str, Any]) -> dict[tuple, Any]:
    """Return the last tensor of each resolution that is not what the outputs are made of."""
    outputs = {id(tensor) for output in model.outputs for tensor in _said(output)}
    inner = [tensor for tensor in features.values() if id(tensor) not in outputs]
    return {_positions(tensor): tensor for tensor in inner}


def _said(output: Any) -> list[Any]:
    """Return an output and what it was before reshaping and a last softmax or sigmoid."""
    *passed, last = behind(output)
    layer = unwrapped(last._keras_history.layer)
    if type(layer).__name__ not in ("Softmax", "Activation"):
        return [*passed, last]
    wrapper, node, _ = last._keras_history
    return [*passed, last, *behind(wrapper.inbound_nodes[node].keras_inputs[0])]


def _positions(tensor: Any) -> tuple:
    """Return the shape between samples and channels."""
    return tuple(shape_of(tensor)[1:-1])


def _is_plane(place: tuple) -> bool:
    """Return whether a resolution has more than one position."""
    return any(size is None or size > 1 for size in place)


def _one(features: dict[str, Any], choice: Any, model: Any) -> str:
    """Return the one layer that a choice in a dict means."""
    names = sorted(select_among(features, choice, "layers", model.name))
    if len(names) > 1:
        raise ArgumentError(
            f"layers: {choice!r} matches {len(names)} layers of {model.name!r} "
            f"({', '.join(names[:3])}, …). A pair has one layer on each side."
        )
    return names[0]


def _common(known: dict, made: dict, choice: Any, teacher: Any, student: Any) -> list[str]:
    """Return the chosen layers that have the same name in both models."""
    first = select_among(known, choice, "layers", teacher.name)
    second = select_among(made, choice, "layers", student.name)
    if not first & second:
        raise ArgumentError(
            f"layers={choice!r} matches {_listed(first)} of {teacher.name!r} and "
            f"{_listed(second)} of {student.name!r}: no name in common. Name the pairs: "
            f"layers={{teacher's layer: student's layer}}."
        )
    return [name for name in known if name in first & second]


def _check_shapes(known: Any, made: Any, names: tuple[str, str], positions: str) -> None:
    """Refuse features that a loss cannot compare."""
    if positions == ANY:
        return
    first, second = _positions(known), _positions(made)
    if positions == RESIZED:
        fits = len(first) == len(second) and len(first) in (1, 2)
        needs = "This loss compares positions, so both must have one or two axes of them, and alike"
    else:
        fits = first == second
        needs = "An adapter maps channels, so everything but the last axis must be equal"
    if not fits:
        raise ArgumentError(
            f"layers: {names[0]!r} of the teacher makes {tuple(shape_of(known))} and "
            f"{names[1]!r} of the student {tuple(shape_of(made))}. {needs}. Choose layers of one "
            f"resolution."
        )


def _listed(things: Any) -> str:
    """Return some of the things, for an error."""
    found = sorted(map(str, things))
    return ", ".join(found[:4]) + (", …" if len(found) > 4 else "")
