"""What is learned: the loss, and by which figure a model is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfedge.core.errors import ArgumentError

CLASSES, LABELS, VALUES = "classes", "labels", "values"
_LARGER_IS_BETTER = ("accuracy", "auc", "top_")


@dataclass(frozen=True)
class Task:
    """What is learned.

    Attributes:
        loss: A loss as tf_keras's ``compile`` takes it.
        text: The loss in words, and where it is from.
        holds: ``"classes"`` of which one is right, ``"labels"`` of which several may be,
            ``"values"``.
    """

    loss: Any
    text: str
    holds: str

    @property
    def identity(self) -> str:
        """What tells the loss from others, its settings included."""
        return identity_of(self.loss)

    def teaching(self, temperature: float) -> list[Any]:
        """Return what a teacher teaches by."""
        from tfedge import distill

        if self.holds == VALUES:
            return [distill.RegressionTarget()]
        kind = distill.BinarySoftTarget if self.holds == LABELS else distill.SoftTarget
        return [kind(temperature)]


def task_of(model: Any, adopted: Any, y: Any, loss: Any = None) -> Task:
    """Return what is learned.

    Args:
        model: The user's model; if it is compiled, its loss counts.
        adopted: The same in tf_keras.
        y: Labels of some samples.
        loss: What the user says: a name, a dictionary of name and settings, a Keras loss.

    Raises:
        ArgumentError: If a loss is not known, or none can be told.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(inputs))
        >>> task_of(model, model, np.array([0, 2])).text
        "sparse_categorical_crossentropy, told from the labels and the last layer's softmax"
    """
    from tfedge.models.training.translate import to_tf_keras

    where = "as given"
    if loss is None:
        loss, where = getattr(model, "loss", None), "from the compiled model"
    if loss is None:
        return _inferred(adopted, y)
    made = _made(loss)
    return Task(to_tf_keras(made, "loss"), f"{name_of(made)}, {where}", _holds(made, adopted))


def name_of(loss: Any) -> str:
    """Return a loss in words.

    Example:
        >>> name_of("mse")
        'mse'
    """
    if isinstance(loss, Mapping):
        return ", ".join(f"{name}: {name_of(one)}" for name, one in loss.items())
    if isinstance(loss, (list, tuple)):
        return ", ".join(map(name_of, loss))
    return str(getattr(loss, "name", None) or getattr(loss, "__name__", None) or loss)


def identity_of(given: Any) -> str:
    """Return what tells a loss, metric or callback from others, as text.

    Objects of Keras tell their settings; functions and others are known by where they are defined.

    Example:
        >>> identity_of("mse"), identity_of(name_of)
        ("'mse'", 'tfedge.pipeline.task.name_of')
    """
    if isinstance(given, Mapping):
        return str({name: identity_of(one) for name, one in given.items()})
    if isinstance(given, (list, tuple)):
        return str([identity_of(one) for one in given])
    if given is None or isinstance(given, (str, int, float)):
        return repr(given)
    known = given if hasattr(given, "__qualname__") else type(given)
    config = given.get_config() if hasattr(given, "get_config") else ""
    return f"{known.__module__}.{known.__qualname__}{config or ''}"


def larger_is_better(metric: str) -> bool:
    """Return whether more of a metric is better.

    Example:
        >>> larger_is_better("accuracy"), larger_is_better("mae")
        (True, False)
    """
    return metric.startswith(_LARGER_IS_BETTER)


def _made(loss: Any) -> Any:
    """Return a loss of plain data as an object, everything else as it is."""
    if not (isinstance(loss, Mapping) and "name" in loss):
        return _known(loss) if isinstance(loss, str) else loss
    from tfedge.models.flavours import tf_keras

    settings = dict(loss)
    name = settings.pop("name")
    kinds = {kind.casefold(): kind for kind in dir(tf_keras().losses) if kind[0].isupper()}
    kind = kinds.get(name.replace("_", "").casefold())
    if kind is None:
        raise ArgumentError(f"loss={loss!r}: tf_keras has no loss {name!r}.")
    try:
        return getattr(tf_keras().losses, kind)(**settings)
    except TypeError as error:
        raise ArgumentError(f"loss={loss!r}: {error}.") from error


def _known(name: str) -> str:
    """Return the name of a loss that tf_keras knows."""
    from tfedge.models.flavours import tf_keras

    try:
        tf_keras().losses.get(name)
    except ValueError as error:
        raise ArgumentError(
            f"loss={name!r} is no loss of tf_keras. Names are those that compile takes, such as "
            "'sparse_categorical_crossentropy' or 'mse'."
        ) from error
    return name


def _holds(loss: Any, adopted: Any) -> str:
    """Return what the outputs hold that such a loss is for."""
    name = name_of(loss).replace("_", "").casefold()
    if "binary" in name:
        return LABELS if adopted.outputs[0].shape[-1] != 1 else CLASSES
    return CLASSES if "categorical" in name or "hinge" in name else VALUES


def _inferred(adopted: Any, y: Any) -> Task:
    """Return the task that labels and the last layer tell."""
    from tfedge.compress.distillation.logits import activation_of

    if len(adopted.outputs) > 1 or isinstance(y, (dict, list)):
        raise ArgumentError(
            f"{adopted.name!r} has {len(adopted.outputs)} outputs and is not compiled, so their "
            "losses cannot be told. Pass loss= by output name, or compile the model."
        )
    kind, units = activation_of(adopted.outputs[0]), adopted.outputs[0].shape[-1]
    labels = np.asarray(y)
    name, holds = _loss_for(labels.reshape(len(labels), -1), kind, int(units))
    logits = kind == "logits" and name != "mse"
    loss = {"name": name, "from_logits": True} if logits else name
    last = "logits" if logits else f"the last layer's {kind}" if kind != "logits" else "values"
    return Task(_made(loss), f"{name}, told from the labels and {last}", holds)


def _loss_for(labels: np.ndarray, kind: str, units: int) -> tuple[str, str]:
    """Return the name of the loss that suits labels, and what the outputs hold."""
    whole = labels.dtype.kind in "iub" or bool(np.all(labels == np.floor(labels)))
    bits = whole and set(np.unique(labels)) <= {0, 1}
    one_hot = bits and labels.shape[1] == units > 1
    if one_hot and kind != "sigmoid" and np.all(labels.sum(axis=1) == 1):
        return "categorical_crossentropy", CLASSES
    if one_hot and kind == "sigmoid":
        return "binary_crossentropy", LABELS
    if units == 1 and bits and (kind == "sigmoid" or labels.dtype.kind in "iub"):
        return "binary_crossentropy", CLASSES
    integers = whole and labels.min() >= 0 and labels.max() < units
    if units > 1 and labels.shape[1] == 1 and integers:
        return "sparse_categorical_crossentropy", CLASSES
    return "mse", VALUES
