"""Integers: ``quantize``, which trains, and ``recover``, which does not."""

from __future__ import annotations

from collections.abc import Mapping
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
    kept = tuple(_KEPT[kind] for kind in context.before if kind in _KEPT)
    if kept:
        asked.setdefault("preserve", kept)
    qat = quantize(model, calibration=context.train.inputs(_SAMPLES), **asked)
    return train(qat, context, settings)


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
