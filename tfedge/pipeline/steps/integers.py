"""Integers: ``quantize``, which trains, and ``recover``, which does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfedge.core.checks import one_of, whole_number
from tfedge.core.errors import ArgumentError
from tfedge.pipeline.steps.context import Context
from tfedge.pipeline.steps.kind import Kind
from tfedge.pipeline.steps.training import LABELS, check_training, train

_SAMPLES = 512
_KEPT = {"prune": "sparsity", "cluster": "clusters"}


def train_in_integers(model: Any, context: Context, settings: Mapping[str, Any]) -> Any:
    """Return the model with fake quantization, trained with it."""
    from tfedge.compress.quantization.aware import quantize

    asked = QUANTIZE.for_function(settings)
    kept = kept_by(model, context.before)
    if kept:
        asked.setdefault("preserve", kept)
    qat = quantize(model, calibration=context.train.inputs(_SAMPLES), **asked)
    return train(qat, context, settings)


def kept_by(model: Any, before: Sequence[str]) -> tuple[str, ...]:
    """Return what training in integers keeps of the steps before it.

    Kernels that are small may have no values in common even though they were clustered.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        >>> kept_by(model, ["prune", "cluster"])
        ('sparsity',)
    """
    from tfedge.compress.quantization.preserve import CLUSTERS, what_to_keep
    from tfedge.models.strip import strip

    kept = tuple(_KEPT[kind] for kind in before if kind in _KEPT)
    if CLUSTERS not in kept:
        return kept
    found = what_to_keep(None, model, strip(model)).values()
    shares = any(one.clusters is not None for one in found)
    return tuple(name for name in kept if shares or name != CLUSTERS)


def recover_accuracy(model: Any, context: Context, settings: Mapping[str, Any]) -> Any:
    """Return the model with fake quantization, and what rounding took brought back."""
    from tfedge.compress.quantization.recovery.recover import recover

    limit = settings.get("samples", RECOVER.settings["samples"])
    inputs = context.train.inputs(limit)
    return recover(model, inputs, seed=context.seed, verbose=0, **RECOVER.for_function(settings))


def _check_quantize(settings: dict[str, Any]) -> None:
    """Raise for wrong settings of ``quantize``."""
    from tfedge.compress.quantization.settings import OBSERVERS, check_steps
    from tfedge.core.observers import observer_named

    check_training(settings)
    observer_named(settings.get("calibration_observer", "minmax"))
    one_of("observer", settings.get("observer", OBSERVERS[0]), OBSERVERS)
    for name in ("freeze_after", "freeze_batch_norm_after"):
        check_steps(name, settings.get(name))
    preserve = settings.get("preserve")
    for name in [preserve] if isinstance(preserve, str) else preserve or ():
        one_of("preserve", name, list(_KEPT.values()))
    _check_layers(settings.get("layers"))


def _check_recover(settings: dict[str, Any]) -> None:
    """Raise for wrong settings of ``recover``."""
    from tfedge.compress.quantization.recovery.methods import METHODS
    from tfedge.core.observers import OBSERVERS

    methods = settings.get("methods", ())
    for name in [methods] if isinstance(methods, str) else methods:
        one_of("methods", name, list(METHODS))
    one_of("observer", settings.get("observer", "auto"), ["auto", *OBSERVERS])
    whole_number("samples", settings.get("samples", 1))
    _check_layers(settings.get("layers"))


def _check_layers(layers: Any) -> None:
    """Raise unless settings of layers are some, by layer."""
    from tfedge.compress.quantization.settings import QuantizeSettings

    if layers is None:
        return
    if not isinstance(layers, Mapping) or not all(isinstance(v, Mapping) for v in layers.values()):
        raise ArgumentError(
            f"layers={layers!r} must map layers to settings, such as "
            f"{{'conv.*': {{'weight_bits': 4}}}}."
        )
    for choice, given in layers.items():
        try:
            QuantizeSettings(**given)
        except TypeError as error:
            raise ArgumentError(f"layers[{choice!r}]={given!r}: {error}.") from error


QUANTIZE = Kind(
    "quantize",
    ("tfedge.compress.quantization.aware:quantize",),
    train_in_integers,
    frozenset(("calibration",)),
    {**LABELS, "epochs": 2, "learning_rate": 1e-4},
    _check_quantize,
)
RECOVER = Kind(
    "recover",
    ("tfedge.compress.quantization.recovery.recover:recover",),
    recover_accuracy,
    frozenset(("calibration", "seed", "verbose")),
    check=_check_recover,
)
