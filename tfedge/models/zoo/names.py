"""The architectures by name, with what they are for."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

from tfedge.core.errors import ArgumentError
from tfedge.core.nearest import did_you_mean

IMAGES, PERSONS = "image classification", "person detection"
KEYWORDS, ANOMALIES = "keyword spotting", "anomaly detection"
SERIES = "series classification"

# Module, task, kind of input.
ARCHITECTURES = {
    "AnomalyAutoencoder": ("autoencoder", ANOMALIES, "features"),
    "DSCNN": ("ds_cnn", KEYWORDS, "spectrogram"),
    "EfficientNetLite0": ("efficientnet_lite", IMAGES, "image"),
    "GhostNet": ("ghostnet", IMAGES, "image"),
    "MCUNet": ("mcunet", IMAGES, "image"),
    "MobileNetV1": ("mobilenet_v1", IMAGES, "image"),
    "MobileNetV2": ("mobilenet_v2", IMAGES, "image"),
    "MobileNetV3Small": ("mobilenet_v3", IMAGES, "image"),
    "PersonDetection": ("mobilenet_v1", PERSONS, "image"),
    "ResNet8": ("resnet8", IMAGES, "image"),
    "ShuffleNetV2": ("shufflenet_v2", IMAGES, "image"),
    "SmallGRU": ("recurrent", SERIES, "series"),
    "SqueezeNet": ("squeezenet", IMAGES, "image"),
    "TCN": ("temporal", SERIES, "series"),
    "VisionTransformer": ("vision_transformer", IMAGES, "image"),
}
TASKS = tuple(sorted({task for _, task, _ in ARCHITECTURES.values()}))
KINDS = tuple(sorted({kind for _, _, kind in ARCHITECTURES.values()}))


def constructor(name: str) -> Callable[..., Any]:
    """Return the function that builds an architecture.

    Args:
        name: As `tfedge.zoo.list` shows it.

    Raises:
        ArgumentError: If there is none of this name; lists the names.

    Example:
        >>> constructor("ResNet8").__name__
        'ResNet8'
    """
    if name not in ARCHITECTURES:
        raise ArgumentError(
            f"The zoo has no {name!r}.{did_you_mean(name, ARCHITECTURES)} It has "
            f"{', '.join(map(repr, ARCHITECTURES))}."
        )
    module = importlib.import_module(f"tfedge.models.zoo.{ARCHITECTURES[name][0]}")
    return getattr(module, name)


def build(name: str, **settings: Any) -> Any:
    """Return a network of the zoo by name.

    Args:
        name: As `tfedge.zoo.list` shows it.
        **settings: What the function of this name takes, such as ``input_shape``, ``classes`` and
            ``width``.

    Returns:
        A tf_keras model with random weights, not compiled. For the same weights again, call
        ``tf_keras.utils.set_random_seed`` before.

    Raises:
        ArgumentError: If there is no such architecture or setting; lists what there is.

    Example:
        >>> build("DSCNN", classes=4, width=0.5).output_shape
        (None, 4)
        >>> build("MobilNetV2")
        Traceback (most recent call last):
        ...
        tfedge.core.errors.ArgumentError: The zoo has no 'MobilNetV2'. Did you mean 'MobileNetV2'...
    """
    function = constructor(name)
    known = list(inspect.signature(function).parameters)
    for setting in settings:
        if setting not in known:
            raise ArgumentError(
                f"{name} has no setting {setting!r}. It has {', '.join(map(repr, known))}."
            )
    return function(**settings)
