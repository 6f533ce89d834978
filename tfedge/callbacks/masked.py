"""Kernels of a model in training, with the masks that keep their zeros."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfedge.core.errors import ModelError
from tfedge.core.masks import global_masks, magnitude_mask
from tfedge.core.patterns import parse_pattern
from tfedge.models.flavours import KERAS3, flavour_of
from tfedge.models.kernels import KernelLayer


class MaskedKernels:
    """The kernels that are pruned, each with its schedule and mask.

    Args:
        model: The model that they belong to.
        planned: Layers with schedules, from :func:`tfedge.compress.pruning.plan.plan`.
        scope: ``"layer"`` or ``"global"``.
        pattern: Where zeros may lie.

    Example:
        >>> from tfedge.models.flavours import keras3
        >>> MaskedKernels(keras3().Sequential(name="empty"), [], "layer", "element").sparsity()
        0.0
    """

    def __init__(
        self, model: Any, planned: list[tuple[KernelLayer, Any]], scope: str, pattern: str
    ) -> None:
        self.name = str(model.name)
        self.scope, self.pattern = scope, pattern
        self.schedules: list[Any] = []
        self._axes: list[int | None] = []
        self._kernels: dict[str, Any] = {}
        for layer, schedule in planned:
            for path, axis, variable in zip(
                layer.paths, layer.axes(), layer.variables(), strict=True
            ):
                self._kernels[f"{layer.name}.{path}"] = _raw(model, variable)
                self._axes.append(axis)
                self.schedules.append(schedule)
        self._masks = [tf.Variable(tf.ones_like(one)) for one in self._kernels.values()]
        self.apply = tf.function(self._apply, autograph=False)

    def _apply(self) -> None:
        """Set the weights that the masks leave out to zero."""
        for kernel, mask in zip(self._kernels.values(), self._masks, strict=True):
            kernel.assign(kernel * mask)

    def choose(self, sparsities: list[float | None]) -> None:
        """Choose new masks by magnitude.

        Args:
            sparsities: One fraction of zeros per kernel, None where the mask stays.
        """
        values = [kernel.numpy() for kernel in self._kernels.values()]
        if self.scope == "global":
            if sparsities[0] is not None:
                self._set(global_masks(values, sparsities[0], self.pattern))
            return
        for number, (value, share) in enumerate(zip(values, sparsities, strict=True)):
            if share is not None:
                axis = self._axes[number]
                mask = magnitude_mask(value, share, self.pattern, -2 if axis is None else axis)
                self._masks[number].assign(mask.astype(value.dtype))

    def take_zeros(self) -> None:
        """Take as masks where the weights are not zero."""
        self._set([kernel.numpy() != 0 for kernel in self._kernels.values()])

    def sparsity(self) -> float:
        """Return the fraction of zeros in the kernels."""
        zeros = sum(int(np.sum(kernel.numpy() == 0)) for kernel in self._kernels.values())
        return zeros / max(sum(map(self._size, self._kernels)), 1)

    def shares(self, before: int, done: int) -> list[float | None]:
        """Return the sparsity of each kernel if its mask changes in one of some steps, or None.

        Args:
            before: Steps done already.
            done: Steps done now; the sparsity is that of the last of them.
        """
        found: dict[int, float | None] = {}
        for schedule in self.schedules:
            if id(schedule) not in found:
                turns = [schedule(step) for step in range(before + 1, done + 1)]
                now = any(bool(turn) for turn, _ in turns)
                found[id(schedule)] = float(turns[-1][1]) if now else None
        return [found[id(schedule)] for schedule in self.schedules]

    def expected(self, step: int) -> float:
        """Return the fraction of zeros that the schedules ask for at a step."""
        shares = {id(schedule): float(schedule(step)[1]) for schedule in self.schedules}
        kind = parse_pattern(self.pattern)
        if kind.m:
            shares = {key: round(share * kind.m) / kind.m for key, share in shares.items()}
        sizes = list(map(self._size, self._kernels))
        return float(np.average([shares[id(one)] for one in self.schedules], weights=sizes))

    def save(self, path: Path, steps_done: int, kept: list[np.ndarray] | None) -> None:
        """Write masks and step to a file, whole or not at all.

        Args:
            path: Where to write, ``.npz``.
            steps_done: Training steps done.
            kept: State that a schedule goes back to, if there is one.
        """
        arrays: dict[str, Any] = {
            f"mask {name}": mask.numpy() != 0
            for name, mask in zip(self._kernels, self._masks, strict=True)
        }
        arrays |= {f"state {number}": value for number, value in enumerate(kept or [])}
        temporary = path.with_name(f".{uuid.uuid4().hex}.npz")
        try:
            np.savez_compressed(
                temporary,
                model=self.name,
                steps_done=steps_done,
                has_state=kept is not None,
                **arrays,
            )
            os.replace(temporary, path)  # noqa: PTH105
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()

    def load(self, path: Path) -> tuple[int, list[np.ndarray] | None]:
        """Read masks from a file.

        Returns:
            Number of steps done, and the state that a schedule goes back to.

        Raises:
            ModelError: If the file holds no masks, or those of another model or other weights.
        """
        try:
            with np.load(path) as file:
                found = dict(file)
            steps, has_state = int(found["steps_done"]), bool(found["has_state"])
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"{str(path)!r} is no backup of masks: {error} Delete it, or give another path."
            ) from error
        masks = {key[5:]: value for key, value in found.items() if key.startswith("mask ")}
        self._check(path, masks, str(found["model"]))
        self._set(list(masks.values()))
        count = sum(key.startswith("state ") for key in found)
        return steps, [found[f"state {n}"] for n in range(count)] if has_state else None

    def _check(self, path: Path, masks: dict[str, np.ndarray], model: str) -> None:
        """Refuse masks of another model, or of other weights."""
        ours = {name: tuple(kernel.shape) for name, kernel in self._kernels.items()}
        theirs = {name: mask.shape for name, mask in masks.items()}
        if ours != theirs:
            odd = sorted(set(ours.items()) ^ set(theirs.items()))[0]
            raise ModelError(
                f"The masks in {str(path)!r} were made for another model or other layers "
                f"({model!r}, {len(theirs)} kernels; this is {self.name!r}, {len(ours)}): kernel "
                f"{odd[0]!r} with shape {odd[1]} is in one only. Give the backup of this model, or "
                f"delete the file to begin anew."
            )
        for (name, kernel), mask in zip(self._kernels.items(), masks.values(), strict=True):
            if np.any(kernel.numpy()[~mask]):
                raise ModelError(
                    f"The masks in {str(path)!r} do not belong to the weights of {self.name!r}: "
                    f"{name!r} has weights where its mask has zeros. Load the weights that were "
                    f"saved with it, or delete the file to begin anew."
                )

    def _set(self, masks: list[np.ndarray]) -> None:
        """Take masks over."""
        for variable, mask in zip(self._masks, masks, strict=True):
            variable.assign(mask.astype(variable.dtype.as_numpy_dtype))

    def _size(self, name: str) -> int:
        """Return the number of weights of a kernel."""
        return int(self._kernels[name].shape.num_elements())


def _raw(model: Any, variable: Any) -> Any:
    """Return the TensorFlow variable that holds a kernel of either Keras."""
    return variable.value if flavour_of(model) == KERAS3 else variable
