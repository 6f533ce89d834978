"""Fake quantization of kernels that keeps their zeros, with masks that are saved.

tfmot's prune-preserving quantizers compute the mask as a constant when the layer is built, and
their configs are saved as those of plain quantization. A model that is saved, loaded and
trained on therefore fills its zeros again. Here the arithmetic is the same, the mask is a
variable, and the config says what it is.
"""

from __future__ import annotations

import importlib
from typing import Any

import tensorflow as tf

from tfedge.models.flavours import tf_keras, tfmot

keras: Any = tf_keras()
_quantizers: Any = tfmot().quantization.keras.quantizers
_QUANTIZATION = "tensorflow_model_optimization.python.core.quantization.keras"
_registry: Any = importlib.import_module(
    f"{_QUANTIZATION}.default_8bit.default_8bit_quantize_registry"
)
_conv: Any = importlib.import_module(f"{_QUANTIZATION}.default_8bit.default_8bit_quantizers")


class _Masked:
    """Mixin of tfmot weight quantizers: zeros at build time stay zeros."""

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Create the range and mask variables; the mask starts as where the kernel is not 0."""
        variables = super().build(tensor_shape, name, layer)  # type: ignore[misc]
        kernel = getattr(layer.layer, name)
        mask = layer.add_weight(
            f"{name}_mask", shape=kernel.shape, initializer="ones", trainable=False
        )
        mask.assign(tf.cast(tf.not_equal(kernel, 0), mask.dtype))
        return {**variables, "mask": mask}

    def __call__(self, inputs: Any, training: Any, weights: dict[str, Any], **_: Any) -> Any:
        """Return the masked kernel, fake-quantized."""
        return super().__call__(inputs * weights["mask"], training, weights)  # type: ignore[misc]


class _MaskedQuantizer(_Masked, _quantizers.LastValueQuantizer):
    """One symmetric range for the kernel."""


class _MaskedConvQuantizer(_Masked, _conv.Default8BitConvWeightsQuantizer):
    """One symmetric range for each output channel."""


@keras.saving.register_keras_serializable("tfedge", "KeepZerosConfig")
class KeepZerosConfig(_registry.Default8BitQuantizeConfig):
    """tfmot's 8-bit quantization of a layer such as Dense, with the kernel's zeros kept.

    Args:
        weight_attrs: Names of the kernels.
        activation_attrs: Names of the activations whose output is quantized.
        quantize_output: Whether the layer's output is quantized.

    Example:
        >>> KeepZerosConfig(["kernel"], ["activation"], False).get_config()["weight_attrs"]
        ['kernel']
    """

    def __init__(self, weight_attrs: Any, activation_attrs: Any, quantize_output: bool) -> None:
        super().__init__(weight_attrs, activation_attrs, quantize_output)
        self.weight_quantizer = _MaskedQuantizer(
            num_bits=8, per_axis=False, symmetric=True, narrow_range=True
        )


@keras.saving.register_keras_serializable("tfedge", "KeepZerosConvConfig")
class KeepZerosConvConfig(_registry.Default8BitConvQuantizeConfig):
    """tfmot's 8-bit quantization of a convolution, per channel, with the kernel's zeros kept.

    Args:
        weight_attrs: Names of the kernels.
        activation_attrs: Names of the activations whose output is quantized.
        quantize_output: Whether the layer's output is quantized.

    Example:
        >>> KeepZerosConvConfig(["kernel"], ["activation"], False).get_config()["weight_attrs"]
        ['kernel']
    """

    def __init__(self, weight_attrs: Any, activation_attrs: Any, quantize_output: bool) -> None:
        super().__init__(weight_attrs, activation_attrs, quantize_output)
        self.weight_quantizer = _MaskedConvQuantizer()
