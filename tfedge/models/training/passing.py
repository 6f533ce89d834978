"""What every training-time wrapper passes on from the layer inside."""

from __future__ import annotations

from typing import Any

from tfedge.models.flavours import tf_keras


class PassingWrapper(tf_keras().layers.Wrapper):  # type: ignore[misc]
    """A wrapper whose masks and shapes are those of the layer inside."""

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask that the layer inside passes on."""
        return self.layer.compute_mask(inputs, mask)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape of the layer inside."""
        return self.layer.compute_output_shape(input_shape)
