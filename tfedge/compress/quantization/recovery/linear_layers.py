"""Layers that a kernel makes linear, and the normalization that folds into each."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import numpy as np

from tfedge.compress.quantization.plan import Plan
from tfedge.compress.quantization.rules import KERNELS, kind_of
from tfedge.models.rewrite import replace_layers

LINEAR = frozenset({"Conv2D", "Conv2DTranspose", "Dense", "DepthwiseConv2D"})


@dataclasses.dataclass(frozen=True, eq=False)
class Linear:
    """A layer with a kernel that is quantized.

    Attributes:
        layer: The layer, which is called once.
        norm: The normalization that its int8 operator takes in, None if there is none.
    """

    layer: Any
    norm: Any = None

    @property
    def name(self) -> str:
        """Name of the layer."""
        return str(self.layer.name)

    @property
    def kernel(self) -> Any:
        """Its kernel, a variable."""
        return getattr(self.layer, KERNELS[kind_of(self.layer)][0])


def linear_layers(model: Any, leave: Collection[str] = ()) -> list[Linear]:
    """Return the layers whose kernels fake quantization rounds, in the order of their calls.

    Args:
        model: A functional tf_keras model of layers that an int8 file holds.
        leave: Names of layers that stay in float.

    Returns:
        One record for each; layers that are called more than once are left out.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((8, 8, 3))
        >>> x = keras.layers.BatchNormalization(name="bn")(keras.layers.Conv2D(4, 3)(inputs))
        >>> model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
        >>> [one.norm and one.norm.name for one in linear_layers(model)]
        ['bn', None]
    """
    plan = Plan(model, dict.fromkeys(leave, "left"))
    found = []
    for step in plan.steps:
        linear = kind_of(step.layer) in LINEAR and plan.uses(step.name) == 1
        if linear and step.name not in plan.reasons:
            after = plan.follower(step)
            folds = after is not None and kind_of(after.layer) == "BatchNormalization"
            folds = folds and after.name not in plan.reasons
            found.append(Linear(step.layer, after.layer if folds else None))
    return found


def with_offsets(model: Any, leave: Collection[str] = ()) -> Any:
    """Return a model in which every linear layer has an offset and a scale that can be corrected.

    Args:
        model: A functional tf_keras model that belongs to the caller.
        leave: Names of layers to leave as they are.

    Returns:
        The model rebuilt, with the same outputs: normalizations that fold into a layer have a
        ``gamma`` and a ``beta``, other linear layers a bias.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> head = keras.layers.Dense(2, use_bias=False, name="head")
        >>> made = with_offsets(keras.Model(inputs, head(inputs)))
        >>> made.get_layer("head").bias.numpy()
        array([0., 0.], dtype=float32)
    """
    linears = linear_layers(model, leave)
    lacking = {one.name for one in linears if one.norm is None and one.layer.bias is None}
    norms = [one.norm for one in linears if one.norm is not None]
    lacking |= {norm.name for norm in norms if norm.gamma is None or norm.beta is None}
    return replace_layers(model, lambda layer: [_full(layer)] if layer.name in lacking else None)


def _full(layer: Any) -> Any:
    """Return a copy of a layer with the weights that it lacks."""
    is_norm = kind_of(layer) == "BatchNormalization"
    added = {"scale": True, "center": True} if is_norm else {"use_bias": True}
    full = type(layer).from_config({**layer.get_config(), **added})
    full.build(layer.input_shape)
    if is_norm:
        full.moving_mean.assign(layer.moving_mean)
        full.moving_variance.assign(layer.moving_variance)
        for new, old in ((full.gamma, layer.gamma), (full.beta, layer.beta)):
            if old is not None:
                new.assign(old)
    else:
        Linear(full).kernel.assign(np.asarray(Linear(layer).kernel))
    return full
