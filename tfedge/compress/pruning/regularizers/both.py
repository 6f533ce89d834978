"""One class for both Kerases: regularizers, which both take if they descend from their own."""

from __future__ import annotations

from typing import Any

from tfedge.models.flavours import keras3, tf_keras

_KERAS3: Any = keras3()
_TF_KERAS: Any = tf_keras()


class Regularizer(_KERAS3.regularizers.Regularizer, _TF_KERAS.regularizers.Regularizer):
    """Base of regularizers that layers of Keras 3 and of tf_keras take."""


def registered(kind: type) -> type:
    """Register a class with both Kerases, so that files which name it can be opened.

    Example:
        >>> class Nothing(Regularizer):
        ...     pass
        >>> registered(Nothing) is Nothing
        True
    """
    for keras in (_KERAS3, _TF_KERAS):
        keras.saving.register_keras_serializable("tfedge")(kind)
    return kind
