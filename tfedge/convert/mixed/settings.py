"""``tfedge.MixedPrecision``: what a file may lose and weigh, and what is said about layers."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tfedge.convert.mixed.units import Unit, layer_paths
from tfedge.core.checks import one_of, whole_number, within
from tfedge.core.errors import ArgumentError
from tfedge.models.selection import select_among

FLOAT, INTEGER, FOUR_BITS = "float32", "int8", "int4_weights"
KINDS = (FLOAT, INTEGER, FOUR_BITS)


@dataclasses.dataclass(frozen=True)
class MixedPrecision:
    """An ``int8`` file in which single layers are kept in float, or have weights of fewer bits.

    ``tfedge.convert(model, quantize=MixedPrecision(...), calibration=x)``. Every limit that is
    given holds in the file, or the conversion is refused and says which limit binds.

    Args:
        max_drop: Largest share of a metric that may be lost: of accuracy, or of ``metric``, where
            data bring labels, else of predictions that may change. 0.005 is half a point.
        min_sqnr_db: Least SQNR of the output.
        size_bytes: Largest size of the file. Layers in float take more; nothing takes less than
            ``int8``.
        gzip_bytes: Largest size of the file after gzip. Weights of the most robust layers are
            rounded to 15 values for each channel, which gzip stores in about half.
        float_layers: Layers to keep in float: names or regular expressions. Layers of nested
            models are called ``"outer/inner"``, or ``"inner"`` where that is the only one.
        layers: The same for each kind: names to ``"float32"``, ``"int8"`` (never touched by the
            search) or ``"int4_weights"`` (8-bit activations, 15 values for each channel).
        metric: What ``max_drop`` is measured in, as `tfedge.evaluate` takes it.
        samples: Largest number of samples to measure on.

    Raises:
        ArgumentError: If a limit is out of range, or nothing is asked for.

    Example:
        >>> MixedPrecision(max_drop=0.005).get_config()["max_drop"]
        0.005
        >>> MixedPrecision()
        Traceback (most recent call last):
        ...
        tfedge.core.errors.ArgumentError: MixedPrecision() asks for nothing. Give a limit \
(max_drop, min_sqnr_db, size_bytes, gzip_bytes), or name layers (float_layers, layers).
    """

    max_drop: float | None = None
    min_sqnr_db: float | None = None
    size_bytes: int | None = None
    gzip_bytes: int | None = None
    float_layers: str | Sequence[str] = ()
    layers: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)
    metric: Any = None
    samples: int = 500

    def __post_init__(self) -> None:
        """Check the settings."""
        if self.max_drop is not None:
            within("max_drop", self.max_drop, 0, 1, open_high=True)
        if self.min_sqnr_db is not None:
            within("min_sqnr_db", self.min_sqnr_db, 0, 200)
        for limit in ("size_bytes", "gzip_bytes"):
            if getattr(self, limit) is not None:
                whole_number(limit, getattr(self, limit))
        whole_number("samples", self.samples)
        if isinstance(self.float_layers, str):
            object.__setattr__(self, "float_layers", (self.float_layers,))
        object.__setattr__(self, "float_layers", tuple(self.float_layers))
        if not isinstance(self.layers, Mapping):
            raise ArgumentError(
                f"layers={self.layers!r} must map names of layers to {', '.join(KINDS)}."
            )
        for kind in self.layers.values():
            one_of("layers", kind, KINDS)
        if not (self.has_limits or self.float_layers or self.layers):
            raise ArgumentError(
                "MixedPrecision() asks for nothing. Give a limit (max_drop, min_sqnr_db, "
                "size_bytes, gzip_bytes), or name layers (float_layers, layers)."
            )

    @property
    def has_limits(self) -> bool:
        """Whether anything must hold."""
        limits = (self.max_drop, self.min_sqnr_db, self.size_bytes, self.gzip_bytes)
        return any(limit is not None for limit in limits)

    def get_config(self) -> dict[str, Any]:
        """Return the settings, from which `from_config` makes the same again."""
        fields = {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}
        return {
            **fields,
            "float_layers": list(fields["float_layers"]),
            "layers": dict(self.layers),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> MixedPrecision:
        """Return these settings again."""
        return cls(**config)


def pinned(settings: MixedPrecision, units: Sequence[Unit], model: Any) -> dict[Unit, str]:
    """Return what the user said about layers: a kind by unit.

    Args:
        settings: What the user said.
        units: The operators of the file, by layer.
        model: The model.

    Raises:
        ArgumentError: If a name matches nothing, matches layers that have no operator in the
            file or no kernel, or is contradicted by another.
    """
    said: dict[Unit, tuple[str, str]] = {}
    entries = [(name, FLOAT, "float_layers") for name in settings.float_layers]
    entries += [(name, kind, "layers") for name, kind in settings.layers.items()]
    for name, kind, argument in entries:
        for unit in _meant(name, kind, argument, units, model):
            before, by = said.get(unit, (kind, name))
            if before != kind:
                raise ArgumentError(
                    f"MixedPrecision contradicts itself about {unit.layer!r}: {by!r} makes it "
                    f"{before!r}, {name!r} makes it {kind!r}. Let one of them match the layer."
                )
            said[unit] = (kind, name)
    return {unit: kind for unit, (kind, _) in said.items()}


def _meant(name: str, kind: str, argument: str, units: Sequence[Unit], model: Any) -> list[Unit]:
    """Return the units that a name means."""
    if not isinstance(name, str):
        raise ArgumentError(f"{argument} holds {name!r}: layers are named by texts.")
    paths = {**{unit.layer: unit for unit in units}, **layer_paths(model)}
    own = collections.Counter(map(_own, paths))
    called = {_own(path): path for path in paths if own[_own(path)] == 1}
    known = {**paths, **{short: paths[path] for short, path in called.items()}}
    chosen = select_among(known, name, argument, owner=str(getattr(model, "name", "model")))
    names = {called.get(each, each) for each in chosen}
    found = [unit for unit in units if _is_meant(unit, names)]
    if not found:
        raise ArgumentError(
            f"{argument}={name!r} matches {', '.join(map(repr, sorted(names)[:3]))}, which the "
            f"file has no operator for. Layers with operators: "
            f"{', '.join(repr(unit.layer) for unit in units[:8])}."
        )
    heavy = [unit for unit in found if unit.kernels]
    if kind == FOUR_BITS and not heavy:
        raise ArgumentError(
            f"{argument}[{name!r}] asks for {FOUR_BITS} of layers without a kernel. Layers with "
            f"one: {', '.join(repr(unit.layer) for unit in units if unit.kernels)}."
        )
    return heavy if kind == FOUR_BITS else found


def _own(path: str) -> str:
    """Return a layer's own name."""
    return path.split("/")[-1]


def _is_meant(unit: Unit, names: set[str]) -> bool:
    """Return whether one of the names is that of a layer in a unit, or of a model around it."""
    covered = (unit.layer, *unit.fused)
    return any(path == name or path.startswith(f"{name}/") for path in covered for name in names)
