"""Options that several commands share, worded alike."""

from __future__ import annotations

import argparse

from tfedge.cli import types

RUNTIMES = ("auto", "litert", "tflite-runtime", "tf.lite")
SCALES = ("none", "unit", "symmetric", "imagenet")
INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "lanczos")

_DATA = """\
DATA is one of:
  digits.npz           arrays: x and y, or named by --x and --y
  digits.npz::train    a part of them: x_train and y_train
  photos/              a folder of images for each class, numbered in the order of names
  photos::train        likewise in a folder photos/train
  samples.csv, .tsv    a sample in each row; --label names the column of labels
  'train-*.tfrecord'   TFRecord files; --feature says what is in them
  mymodule:function    your own, in this folder or installed; returns x, (x, y), tf.data ...
  -                    npz or CSV on stdin
"""
DATA_HELP = "samples with labels: see 'data' below"
KERAS_HELP = "a .keras or .h5 file or SavedModel, or MODULE:FUNCTION that returns a model"
MODEL_HELP = f"a .tflite file (- for stdin), {KERAS_HELP}"
FILE_HELP = "a .tflite file, or - for one on stdin"


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes."""
    group = parser.add_argument_group("messages and output")
    group.add_argument("--json", action="store_true", help="print the result as JSON on stdout")
    loud = group.add_mutually_exclusive_group()
    loud.add_argument("-q", "--quiet", action="store_true", help="errors and warnings only")
    loud.add_argument("-v", "--verbose", action="store_true", help="details, and progress bars")
    group.add_argument("--debug", action="store_true", help="show where in the code it failed")
    group.add_argument(
        "--import",
        dest="imports",
        action="append",
        default=[],
        metavar="MODULE",
        help="import this Python module first, which registers your own layers; may be repeated",
    )
    group.add_argument(
        "--seed",
        type=types.whole,
        metavar="N",
        help="seed of the order of images and of random choices (default: 0; of run the recipe's)",
    )


def add_record(parser: argparse.ArgumentParser) -> None:
    """Add a file for the result."""
    parser.add_argument(
        "--record", metavar="FILE", help="also write the result to FILE, for tfedge.load_record"
    )
    add_force(parser)


def add_force(parser: argparse.ArgumentParser) -> None:
    """Add the permission to replace files."""
    parser.add_argument("--force", action="store_true", help="replace files that exist")


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add how data are read."""
    group = parser.add_argument_group("data", _DATA)
    group.add_argument(
        "--x",
        action="append",
        default=[],
        metavar="[INPUT=]KEY",
        help="key, column or feature of the inputs; repeated for several inputs "
        "(default: x, or the names of the model's inputs; of CSV all columns but the label)",
    )
    group.add_argument(
        "--y",
        "--label",
        action="append",
        default=[],
        metavar="[OUTPUT=]KEY",
        help="key, feature, or name or index of the column of the labels (default: y; CSV: none)",
    )
    group.add_argument(
        "--scale",
        choices=SCALES,
        help="pixels of 0 to 255: none leaves them, unit makes [0, 1], symmetric [-1, 1], imagenet "
        "takes ImageNet's mean and deviation of each colour. Images need it; it must be what the "
        "model was trained with",
    )
    _add_images(group)
    group.add_argument(
        "--feature",
        action="append",
        default=[],
        metavar="NAME=TYPE[SHAPE]",
        help="TFRecord: a feature, such as x=float32[8,8,1], label=int64, pixels=raw-uint8[8,8,1] "
        "or photo=image[96,96,3]",
    )
    group.add_argument("--features", metavar="FILE", help="TFRecord: the same as a JSON object")


def _add_images(group: argparse._ArgumentGroup) -> None:
    """Add how images are brought to the model's size."""
    group.add_argument(
        "--interpolation",
        choices=INTERPOLATIONS,
        default="bilinear",
        help="how images are resized (default: bilinear)",
    )
    group.add_argument(
        "--crop",
        action="store_true",
        help="cut images to the model's aspect ratio, around the middle, rather than stretch them",
    )
    group.add_argument(
        "--image-size",
        type=types.extent,
        metavar="HxW",
        help="size of images in pixels, where the model leaves it open",
    )


def add_running(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add what runs files, and return the group."""
    group = parser.add_argument_group("what runs the file")
    choices = (*RUNTIMES, "micro")
    group.add_argument("--runtime", choices=choices, default="auto", help="default: auto")
    return group


def add_threads(group: argparse._ArgumentGroup) -> None:
    """Add the number of threads, and of samples in one run."""
    group.add_argument(
        "--threads",
        type=types.count,
        metavar="N",
        default=1,
        help="threads for the kernels (default: 1)",
    )
    group.add_argument(
        "--batch-size",
        type=types.count,
        metavar="N",
        help="samples per run (default: a good one is found)",
    )


def add_place(group: argparse._ArgumentGroup) -> None:
    """Add accelerator and device."""
    group.add_argument(
        "--accelerator",
        default="cpu",
        help="cpu, gpu, npu, edgetpu, or the path of a delegate's library (default: cpu)",
    )
    group.add_argument(
        "--on", metavar="ssh://USER@HOST", help="run it on this device, over your own ssh"
    )
