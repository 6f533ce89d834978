"""Images in folders: one folder for each class, or images alone without labels."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfedge.cli.data.fitting import fits
from tfedge.cli.data.pictures import check_readable, read_picture
from tfedge.cli.data.request import ModelInput, Request
from tfedge.cli.data.scaling import MEANING, scaled
from tfedge.core.errors import ArgumentError, DataError
from tfedge.core.nearest import did_you_mean

_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_COLOURS = (1, 3, 4)
_BATCH = 32


class ImageSource:
    """A folder with a folder of images for each class, classes numbered in the order of names.

    Args:
        request: How it is read.

    Raises:
        ArgumentError: If no scale is given.
        DataError: If there are no images, or one cannot be read.
        MissingPackageError: If Pillow is not installed.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._folder = _folder(request)
        self.classes = sorted(one.name for one in self._folder.iterdir() if _is_class(one))
        self.labelled = bool(self.classes)
        self._files, others = self._found()
        if not self._files:
            raise DataError(
                f"There are no images in {str(self._folder)!r}. Expected is one folder of images "
                f"for each class; known are {', '.join(_SUFFIXES)}."
            )
        if request.scale is None:
            raise ArgumentError(
                f"Images of {request.spec!r} need --scale: pixels go to the model as it was "
                "trained. none leaves 0 to 255, unit makes [0, 1], symmetric [-1, 1], imagenet "
                "takes ImageNet's mean and deviation."
            )
        check_readable([path for path, _ in self._files])
        self._tell(others)

    def load(self, inputs: list[ModelInput]) -> Any:
        """Return images, as `tfedge.cli.data.request.Source` says: read as they are needed."""
        height, width, colours = _wanted(inputs, self._request)
        how = "cut" if self._request.crop else "stretched"
        self._request.say(
            f"images are {how} to {height} x {width} ({self._request.interpolation}); pixels are "
            f"{MEANING[self._request.scale or 'none']}"
        )
        files = list(self._files)
        random.Random(self._request.seed).shuffle(files)
        return Images(files, (height, width, colours), self._request, self.labelled)

    def _found(self) -> tuple[list[tuple[Path, int]], int]:
        """Return images with the numbers of their classes, and how many files are none."""
        folders = [self._folder / name for name in self.classes] or [self._folder]
        files = [
            (path, number)
            for number, folder in enumerate(folders)
            for path in sorted(folder.rglob("*") if self.classes else folder.iterdir())
            if path.is_file() and not path.name.startswith(".")
        ]
        images = [(path, number) for path, number in files if path.suffix.lower() in _SUFFIXES]
        counts = {number for _, number in images}
        if images and (empty := [n for i, n in enumerate(self.classes) if i not in counts]):
            raise DataError(
                f"The folder {str(self._folder / empty[0])!r} holds no images, and would still "
                "count as a class. Remove it, or fill it."
            )
        return images, len(files) - len(images)

    def _tell(self, others: int) -> None:
        """Say what was found."""
        named = [f"{number} {name}" for number, name in enumerate(self.classes)]
        shown = ", ".join([*named[:10], *(["..."] if len(named) > 10 else [])])
        classes = f"{len(named)} classes: {shown}" if named else "no folders of classes, no labels"
        ignored = f"; {others} other files are ignored" if others else ""
        self._request.say(f"{self._request.spec}: {len(self._files)} images, {classes}{ignored}")


class Images:
    """Batches of images, read from their files when they are asked for.

    Args:
        files: Paths with the numbers of their classes.
        shape: Height, width, colours.
        request: How they are read.
        labelled: Whether batches have labels.
    """

    def __init__(
        self,
        files: list[tuple[Path, int]],
        shape: tuple[int, int, int],
        request: Request,
        labelled: bool,
    ) -> None:
        self._files, self._shape = files, shape
        self._request, self._labelled = request, labelled

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-len(self._files) // _BATCH)

    def __getitem__(self, place: int) -> Any:
        """Return one batch: images, or images and labels."""
        part = self._files[place * _BATCH : (place + 1) * _BATCH]
        pictures = [read_picture(path, self._shape, self._request) for path, _ in part]
        x = scaled(np.stack(pictures), self._request.scale)
        return (x, np.array([number for _, number in part])) if self._labelled else (x,)

    def __iter__(self) -> Iterator[Any]:
        """Yield all batches."""
        return (self[place] for place in range(len(self)))


def _folder(request: Request) -> Path:
    """Return the folder, or that of a part."""
    folder = Path(request.path, request.part)
    if not folder.is_dir():
        parts = [one.name for one in Path(request.path).iterdir() if one.is_dir()]
        raise DataError(
            f"{request.path!r} has no part {request.part!r}; its folders are {sorted(parts)}."
            f"{did_you_mean(request.part, parts)}"
        )
    return folder


def _is_class(path: Path) -> bool:
    """Return whether this is the folder of a class."""
    return path.is_dir() and not path.name.startswith(".")


def _wanted(inputs: list[ModelInput], request: Request) -> tuple[int, int, int]:
    """Return height, width and colours of what the model takes."""
    shape = inputs[0].shape
    if len(inputs) != 1 or len(shape) != 3 or shape[2] not in _COLOURS:
        shapes = {one.name: one.shape for one in inputs}
        raise DataError(
            f"{request.spec!r} are images; the model takes {shapes}. A single input of (height, "
            "width, colours) is needed, with 1, 3 or 4 colours."
        )
    asked = request.image_size
    if not (asked or (shape[0] and shape[1] and shape[0] > 0 and shape[1] > 0)):
        raise ArgumentError("The model leaves the size of images open. Say --image-size HxW.")
    if asked and not fits(asked, shape[:2]):
        raise ArgumentError(f"--image-size {asked[0]}x{asked[1]}: the model takes {shape[:2]}.")
    height, width = asked or shape[:2]
    return int(height or 0), int(width or 0), int(shape[2] or 0)
