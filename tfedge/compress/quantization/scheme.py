"""tfmot's default 8-bit scheme, with its gaps closed.

tfmot knows no elementwise layer but Add, and stops at an activation that it does not know. It
takes the fake quantization off the kernel of a convolution or Dense that a ReLU layer
follows, and plain configs get in where a prune-preserving one should be (before a
Concatenate), so such kernels lose their zeros. Here elementwise layers have a quantized output,
every kernel is quantized, and every kernel with zeros keeps them.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from tfedge.models.flavours import tfmot
from tfedge.models.training.keep_zeros import KeepZerosConfig, KeepZerosConvConfig

tfmot()
_HOME = "tensorflow_model_optimization.python.core.quantization.keras.default_8bit"
_configs: Any = importlib.import_module(f"{_HOME}.default_8bit_quantize_configs")
_layout: Any = importlib.import_module(f"{_HOME}.default_8bit_quantize_layout_transform")
_registry: Any = importlib.import_module(f"{_HOME}.default_8bit_quantize_registry")
_scheme: Any = importlib.import_module(f"{_HOME}.default_8bit_quantize_scheme")

_KERNELS = {"Conv2D": "kernel", "DepthwiseConv2D": "depthwise_kernel", "Dense": "kernel"}
ELEMENTWISE = frozenset({"Maximum", "Minimum", "Multiply", "Subtract"})
"""Layers that are one int8 operator in the file and need a range for their output only."""

_OUTPUT_ONLY = ELEMENTWISE | {"Activation", "BatchNormalization", "Normalization", "Rescaling"}
_ACTIVATIONS = frozenset({"relu", "relu6", "swish", "gelu", "linear", "softmax", "sigmoid", "tanh"})
_MASKED = {
    _registry.Default8BitQuantizeConfig: KeepZerosConfig,
    _registry.Default8BitConvQuantizeConfig: KeepZerosConvConfig,
}


class Scheme(_scheme.Default8BitQuantizeScheme):
    """tfmot's default 8-bit scheme in which kernels may keep their zeros.

    Args:
        keep_zeros: Whether kernels keep the zeros that they have now.

    Example:
        >>> Scheme(keep_zeros=True).get_quantize_registry().keep_zeros
        True
    """

    def __init__(self, *, keep_zeros: bool) -> None:
        super().__init__()
        self.keep_zeros = keep_zeros

    def get_layout_transformer(self) -> Any:
        """Return the rules that fold normalizations and activations."""
        return _Layout(self.keep_zeros)

    def get_quantize_registry(self) -> Any:
        """Return the rules that say how each layer is quantized."""
        return _Registry(self.keep_zeros)


class _Registry(_registry.Default8BitQuantizeRegistry):
    """tfmot's table of layers, kernels with zeros masked."""

    def __init__(self, keep_zeros: bool) -> None:
        """Read tfmot's table."""
        super().__init__()
        self.keep_zeros = keep_zeros

    def supports(self, layer: Any) -> bool:
        """Return whether at least the output of a layer can be quantized."""
        return type(layer).__name__ in _OUTPUT_ONLY or super().supports(layer)

    def get_quantize_config(self, layer: Any) -> Any:
        """Return how a layer is quantized."""
        kind = type(layer).__name__
        if kind in _OUTPUT_ONLY and not knows_activation(layer):
            return _configs.Default8BitOutputQuantizeConfig()
        config = super().get_quantize_config(layer)
        return masked(config, layer) if self.keep_zeros else config


class _Layout(_layout.Default8BitQuantizeLayoutTransform):
    """tfmot's graph rules; kernels that they leave in float are quantized after all."""

    def __init__(self, keep_zeros: bool) -> None:
        """Keep what to do about zeros."""
        self.keep_zeros = keep_zeros

    def apply(self, model: Any, layer_quantize_map: dict) -> Any:
        """Return the changed model and how each of its layers is quantized."""
        model, configs = super().apply(model, layer_quantize_map)
        for name, metadata in configs.items():
            config, layer = metadata.get("quantize_config"), model.get_layer(name)
            if config is None:
                continue
            config = _with_kernel(config, layer)
            metadata["quantize_config"] = masked(config, layer) if self.keep_zeros else config
        return model, configs


def knows_activation(layer: Any) -> bool:
    """Return whether a layer is an ``Activation`` whose function tfmot knows.

    Example:
        >>> from tfedge.models.flavours import tf_keras
        >>> knows_activation(tf_keras().layers.Activation("relu"))
        True
    """
    function = getattr(layer, "activation", None)
    is_activation = type(layer).__name__ == "Activation"
    return is_activation and getattr(function, "__name__", "") in _ACTIVATIONS


def masked(config: Any, layer: Any) -> Any:
    """Return the config that keeps the zeros of a layer's kernels, if there are any."""
    twin = _MASKED.get(type(config))
    kernels = [getattr(layer, name) for name in getattr(config, "weight_attrs", ())]
    if twin is None or all(np.all(kernel.numpy()) for kernel in kernels):
        return config
    return twin(config.weight_attrs, config.activation_attrs, config.quantize_output)


def _with_kernel(config: Any, layer: Any) -> Any:
    """Return a config that quantizes the kernel where tfmot's would quantize nothing."""
    kind = type(layer).__name__
    if type(config) is not _configs.NoOpQuantizeConfig or kind not in _KERNELS:
        return config
    twin = _registry.Default8BitQuantizeConfig if kind == "Dense" else None
    return (twin or _registry.Default8BitConvQuantizeConfig)([_KERNELS[kind]], [], False)
