"""Every class that a saved training-time model may name, for loading and cloning it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tfedge.models.flavours import tf_keras, tfmot
from tfedge.models.training import clustered, lottery, pruned, quantized, ramps, schedules
from tfedge.models.training.trainable import TrainableModel


@contextlib.contextmanager
def training_scope() -> Iterator[None]:
    """Let tf_keras find tfmot's wrappers and tfedge's own classes by name.

    Example:
        >>> import tempfile
        >>> keras = tf_keras()
        >>> inputs = keras.Input((4,))
        >>> model = TrainableModel(inputs, keras.layers.Dense(1)(inputs), name="tiny")
        >>> path = f"{tempfile.mkdtemp()}/tiny.keras"
        >>> model.save(path)
        >>> with training_scope():
        ...     type(keras.models.load_model(path)).__name__
        'TrainableModel'
    """
    own: dict[str, Any] = {
        "TrainableModel": TrainableModel,
        "tfedge>Pruned": pruned.Pruned,
        "Clustered": clustered.Clustered,
        "tfedge>Quantized": quantized.Quantized,
        "tfedge>QuantizeLayer": quantized.QuantizeLayer,
        "tfedge>PolynomialDecay": schedules.PolynomialDecay,
        "tfedge>ConstantSparsity": schedules.ConstantSparsity,
        "tfedge>OneShot": ramps.OneShot,
        "tfedge>CosineSparsity": ramps.CosineSparsity,
        "tfedge>LotteryTicket": lottery.LotteryTicket,
    }
    library = tfmot()
    with (
        library.sparsity.keras.prune_scope(),
        library.clustering.keras.cluster_scope(),
        library.quantization.keras.quantize_scope(),
        tf_keras().utils.custom_object_scope(own),
    ):
        yield
