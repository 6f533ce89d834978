"""What users may say about single layers, checked before any work."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from tfedge.compress.quantization.rules import KERNELS, kind_of
from tfedge.core.checks import one_of
from tfedge.core.errors import ArgumentError
from tfedge.models.selection import select
from tfedge.models.training.activation_range import LEARNED, MOVING_AVERAGE, Range

OBSERVERS = (MOVING_AVERAGE, LEARNED)
_WIDTHS = range(2, 9)
_KERNEL_FIELDS = ("weight_bits", "per_channel")


@dataclasses.dataclass(frozen=True)
class QuantizeSettings:
    """How single layers are quantized, where it differs from the rest. None: as the rest.

    Attributes:
        weight_bits: Width of the kernel's integers, 2 to 8. Fewer than 8 are stored in int8, so
            that every runtime knows them; the file is as large, and compresses better.
        per_channel: Whether each output channel of the kernel has a range of its own. By default
            convolutions have, Dense has not: tflite-runtime 2.14 does not load that.
        symmetric: Whether activations have zero point 0; by default they have not.
        observer: ``"moving_average"`` or ``"learned"``, as in :func:`tfedge.quantize`.
        freeze_after: Number of training steps after which ranges stay.

    Raises:
        ArgumentError: If a value is not known.

    Example:
        >>> QuantizeSettings(weight_bits=4).weight_bits
        4
    """

    weight_bits: int | None = None
    per_channel: bool | None = None
    symmetric: bool | None = None
    observer: str | None = None
    freeze_after: int | None = None

    def __post_init__(self) -> None:
        is_number = type(self.weight_bits) is int
        if self.weight_bits is not None and not (is_number and self.weight_bits in _WIDTHS):
            raise ArgumentError(
                f"weight_bits={self.weight_bits!r}: LiteRT's integer kernels take weights of at "
                f"most 8 bits, and fewer than 2 leave no sign. Choose 2 to 8."
            )
        if self.observer is not None:
            one_of("observer", self.observer, OBSERVERS)
        check_steps("freeze_after", self.freeze_after)

    def range_of(self, fixed: tuple[float, float] | None = None) -> Range:
        """Return the range for a tensor of such a layer."""
        if fixed is not None:
            return Range(fixed=fixed)
        return Range(self.observer or MOVING_AVERAGE, bool(self.symmetric), self.freeze_after)


def check_steps(argument: str, steps: Any) -> None:
    """Raise unless a number of steps is None or a whole number, 0 or more.

    Example:
        >>> check_steps("freeze_after", 100)
    """
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 0):
        raise ArgumentError(f"{argument}={steps!r} must be a number of training steps, or None.")


def origin_of(name: str, names: Iterable[str]) -> str | None:
    """Return the layer that a layer of the lowered model comes from, None if it is not there.

    Example:
        >>> origin_of("conv_depthwise", ["conv", "head"])
        'conv'
    """
    origins = [one for one in names if name == one or name.startswith(f"{one}_")]
    return max(origins, key=len, default=None)


def settle(
    model: Any, layers: Any, excluded: set[str], default: QuantizeSettings
) -> dict[str, QuantizeSettings]:
    """Return the settings of every layer of a model.

    Args:
        model: A plain functional tf_keras model.
        layers: Choice of layers (a name, regular expression, class, or tuple of these) to
            :class:`QuantizeSettings` or a dict of its fields.
        excluded: Names of layers that stay in float.
        default: What holds for all layers.

    Raises:
        ArgumentError: If a choice matches no layer, a field is not known, two choices
            contradict each other, or a layer is left out and has settings.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> model = keras.Model(inputs, keras.layers.Dense(2, name="head")(inputs))
        >>> settle(model, {"head": {"weight_bits": 4}}, set(), QuantizeSettings())["head"]
        QuantizeSettings(weight_bits=4, per_channel=None, symmetric=None, observer=None, \
freeze_after=None)
    """
    if not isinstance(layers, Mapping):
        raise ArgumentError(
            f"layers={layers!r} must map layers to settings, such as "
            f"{{'conv.*': {{'weight_bits': 4}}}}."
        )
    said: dict[str, dict[str, tuple[Any, Any]]] = {}
    for choice, given in layers.items():
        settings = _parsed(given)
        names = select(model, choice, "layers")
        _check_meant(model, choice, names, settings)
        for name in sorted(names):
            _say(said.setdefault(name, {}), name, choice, settings)
    if both := sorted(excluded & set(said)):
        raise ArgumentError(
            f"{both[0]!r} is left out by exclude and has settings in layers. Take it from one."
        )
    return {
        layer.name: dataclasses.replace(
            default, **{key: value for key, (value, _) in said.get(layer.name, {}).items()}
        )
        for layer in model.layers
    }


def _parsed(given: Any) -> QuantizeSettings:
    """Return settings from themselves or a dict."""
    if isinstance(given, QuantizeSettings):
        return given
    known = [field.name for field in dataclasses.fields(QuantizeSettings)]
    if not isinstance(given, Mapping) or not set(given) <= set(known):
        raise ArgumentError(f"layers: settings are a dict of {', '.join(known)}; found {given!r}.")
    return QuantizeSettings(**given)


def _check_meant(model: Any, choice: Any, names: set[str], settings: QuantizeSettings) -> None:
    """Raise if settings of kernels are given where there are none, or where LiteRT has none."""
    asked = [key for key in _KERNEL_FIELDS if getattr(settings, key) is not None]
    if not asked:
        return
    kinds = {name: kind_of(model.get_layer(name)) for name in sorted(names)}
    if not any(
        kind in KERNELS or kind.startswith(("Conv", "Depth", "Sep")) for kind in kinds.values()
    ):
        raise ArgumentError(f"layers[{choice!r}] sets {asked[0]} of layers without a kernel.")
    wrong = [name for name, kind in kinds.items() if kind == "Conv2DTranspose"]
    if settings.per_channel and wrong:
        raise ArgumentError(
            f"layers[{choice!r}] asks for per_channel in {wrong[0]!r}: the converter takes one "
            f"range for the kernel of a transposed convolution."
        )


def _say(said: dict, name: str, choice: Any, settings: QuantizeSettings) -> None:
    """Note what a choice says about a layer, unless another says otherwise."""
    for key, value in vars(settings).items():
        if value is None:
            continue
        before, by = said.get(key, (value, choice))
        if before != value:
            raise ArgumentError(
                f"layers contradicts itself about {name!r}: {by!r} sets {key}={before!r}, "
                f"{choice!r} sets {key}={value!r}. Let one of them match the layer."
            )
        said[key] = (value, by)
