"""What was asked for: where data lie, and how they are read."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol


class ModelInput(NamedTuple):
    """An input of the model: its name, and the shape of one sample, None where it is open."""

    name: str
    shape: tuple[int | None, ...]


class Source(Protocol):
    """Data that were found. Opening one looks at names and heads of files, no more."""

    labelled: bool

    def load(self, inputs: list[ModelInput]) -> Any:
        """Return the data in a form that tfedge's functions take.

        Args:
            inputs: The inputs of the model that they are for.

        Raises:
            DataError: If they do not fit.
        """


@dataclass(frozen=True)
class Request:
    """Where data lie, and how they are read.

    Args:
        spec: The word as it was written.
        path: The same without the part.
        part: What comes after ``::``, empty without.
        x: Keys of inputs, each with the name of the input or an empty one.
        y: Keys of labels, each with the name of the output or an empty one.
        scale: What is done to pixels, None where nothing was said.
        interpolation: How images are resized.
        crop: Whether images are cut rather than stretched.
        image_size: Height and width of images where the model leaves them open.
        features: Features of TFRecord files, as they were written.
        features_file: A JSON file with more of these.
        seed: Seed of the order of images.
        say: Prints a message.
    """

    spec: str
    path: str
    part: str
    x: tuple[tuple[str, str], ...] = ()
    y: tuple[tuple[str, str], ...] = ()
    scale: str | None = None
    interpolation: str = "bilinear"
    crop: bool = False
    image_size: tuple[int, int] | None = None
    features: tuple[str, ...] = ()
    features_file: str | None = None
    seed: int = 0
    say: Callable[[str], None] = field(default_factory=lambda: _silent)


def _silent(text: str) -> None:
    """Print nothing."""


def request_of(
    spec: str, asked: argparse.Namespace, say: Callable[[str], None] = _silent
) -> Request:
    """Return what the options of a command ask for.

    Args:
        spec: The word for the data.
        asked: The options, as `tfedge.cli.options.add_reading` adds them.
        say: Prints a message.

    Example:
        >>> from tfedge.cli.options import add_common, add_reading
        >>> parser = argparse.ArgumentParser()
        >>> add_reading(parser), add_common(parser)
        (None, None)
        >>> found = request_of("digits.npz::train", parser.parse_args(["--x", "image=pixels"]))
        >>> found.path, found.part, found.x
        ('digits.npz', 'train', (('image', 'pixels'),))
    """
    path, _, part = spec.partition("::")
    return Request(
        spec=spec,
        path=path,
        part=part,
        x=tuple(_named(word) for word in asked.x),
        y=tuple(_named(word) for word in asked.y),
        scale=asked.scale,
        interpolation=asked.interpolation,
        crop=asked.crop,
        image_size=asked.image_size,
        features=tuple(asked.feature),
        features_file=asked.features,
        seed=asked.seed or 0,
        say=say,
    )


def _named(word: str) -> tuple[str, str]:
    """Return the two sides of ``NAME=KEY``, an empty name without one."""
    name, equals, key = word.partition("=")
    return (name, key) if equals else ("", word)
