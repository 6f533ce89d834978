"""Which of tf.keras.applications can be used: every constructor, in both Kerases.

    python benchmarks/coverage.py                      # all of them, writes coverage.md beside this
    python benchmarks/coverage.py --only MobileNetV2   # some of them: new rows in that table

Each model is built with seeded random weights (no downloads) in a process of its own, one after
the other. A column is a function of the :class:`Case`; add one to COLUMNS and it is in the table.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tfedge.models import adopt
from tfedge.models.flavours import keras3, tf_keras

FLAVOURS = {"keras3": keras3, "tf_keras": tf_keras}
SIDE = 96
TOLERANCE = 1e-5
LEAST_RESPONSE = 0.01
LIMIT_S = 900
TABLE = Path(__file__).with_suffix(".md")
PACKAGES = ("tensorflow", "keras", "tf-keras", "tensorflow-model-optimization", "numpy")


@dataclasses.dataclass
class Case:
    """One model under test; what several columns need is computed once."""

    name: str
    flavour: str
    precision: str = "float32"

    @functools.cached_property
    def model(self) -> Any:
        """The user's model, logits out, with random weights."""
        keras = FLAVOURS[self.flavour]()
        keras.mixed_precision.set_global_policy(self.precision)
        model = getattr(keras.applications, self.name)(
            weights=None, input_shape=(SIDE, SIDE, 3), classes=10, classifier_activation=None
        )
        keras.mixed_precision.set_global_policy("float32")
        randomize(model, self.images)
        return model

    @functools.cached_property
    def images(self) -> np.ndarray:
        """Two random images, pixels in [0, 255]."""
        images = np.random.default_rng(1).uniform(0, 255, (2, SIDE, SIDE, 3))
        return images.astype(self.precision)

    @functools.cached_property
    def expected(self) -> np.ndarray:
        """What the user's model answers."""
        return np.asarray(self.model(self.images, training=False))

    @functools.cached_property
    def adopted_in(self) -> tuple[Any, float]:
        """The adopted model and the seconds that took."""
        model = self.model
        start = time.perf_counter()
        adopted = adopt(model)
        return adopted, time.perf_counter() - start


def randomize(model: Any, images: np.ndarray, seed: int = 0) -> None:
    """Give every weight a random value, so that no two could be swapped unseen.

    Batch normalization statistics are first taken from the images: with arbitrary ones the
    signal dies on its way through a deep network, and equal outputs would prove nothing.
    """
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if "count" not in weight.name:
            weight.assign(_random(weight.name, tuple(weight.shape), rng))
    norms = [one for one in model.layers if type(one).__name__ == "BatchNormalization"]
    momenta = [layer.momentum for layer in norms]
    for layer in norms:
        layer.momentum = 0.0
    model(images, training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum
        deviation = np.sqrt(np.asarray(layer.moving_variance)) + 1e-3
        shift = rng.normal(0, 0.3, deviation.shape) * deviation
        layer.moving_mean.assign(np.asarray(layer.moving_mean) + shift)
        layer.moving_variance.assign((deviation * rng.uniform(0.8, 1.5, deviation.shape)) ** 2)
    for layer in model.layers:
        if type(layer).__name__ == "Normalization":
            layer.finalize_state()


def _random(name: str, shape: tuple, rng: np.random.Generator) -> np.ndarray:
    """Return random values that keep the size of a signal."""
    if len(shape) >= 2:
        fan_in = np.prod(shape[:2]) if "depthwise" in name else np.prod(shape[:-1])
        return rng.normal(0, np.sqrt(2 / fan_in), shape).astype("float32")
    if "variance" in name or "gamma" in name:
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    return rng.normal(0, 0.1, shape).astype("float32")


def parameters(case: Case) -> str:
    """Return how many parameters the model has."""
    return f"{case.model.count_params() / 1e6:.1f} M"


def adopts(case: Case) -> str:
    """Return whether adoption works and gives the same answers.

    Where float32 rounding adds up to more than the tolerance, float64 tells it from a fault.
    """
    if relative_difference(case) <= TOLERANCE:
        return "yes"
    double = Case(case.name, case.flavour, "float64")
    return "yes, but for rounding" if relative_difference(double) <= 1e-12 else "**differs**"


def difference(case: Case) -> str:
    """Return the largest difference of the outputs, as a fraction of the largest output."""
    return f"{relative_difference(case):.0e}"


def images_apart(case: Case) -> str:
    """Return how much the outputs depend on the image; near zero the test would prove nothing."""
    return f"{response(case):.2f}"


def seconds(case: Case) -> str:
    """Return how long adoption took."""
    return f"{case.adopted_in[1]:.1f}"


def relative_difference(case: Case) -> float:
    """Return max |a - b| / max |a| over the logits of two images."""
    found = np.asarray(case.adopted_in[0](case.images, training=False))
    if not response(case) > LEAST_RESPONSE:
        raise ValueError(f"the outputs hardly depend on the image ({response(case):.1e})")
    return float(np.abs(found - case.expected).max() / np.abs(case.expected).max())


def response(case: Case) -> float:
    """Return how far the two images' outputs are apart, as a fraction of the largest output."""
    return float(np.ptp(case.expected, axis=0).max() / np.abs(case.expected).max())


COLUMNS: dict[str, Callable[[Case], str]] = {
    "parameters": parameters,
    "adopts": adopts,
    "largest relative difference": difference,
    "outputs of two images apart": images_apart,
    "seconds to adopt": seconds,
}


def cases(only: list[str]) -> list[tuple[str, str]]:
    """Return ``(name, flavour)`` of every constructor that Keras has."""
    found = {
        (name, flavour)
        for flavour, keras in FLAVOURS.items()
        for name, member in vars(keras().applications).items()
        if callable(member) and name[0].isupper() and (not only or name in only)
    }
    return sorted(found)


def probe(name: str, flavour: str) -> dict[str, str]:
    """Return one row: a text per column, or what went wrong."""
    case = Case(name, flavour)
    row = {}
    for title, column in COLUMNS.items():
        try:
            row[title] = column(case)
        except Exception as error:  # the row shows it, and the other columns go on
            row[title] = f"**{type(error).__name__}**: {' '.join(str(error).split())[:160]}"
    return row


def probe_apart(name: str, flavour: str) -> dict[str, str]:
    """Run :func:`probe` in a process of its own, so that memory comes back."""
    command = [sys.executable, __file__, "--row", name, flavour]
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_S, env=quiet, check=False
        )
    except subprocess.TimeoutExpired:
        return dict.fromkeys(COLUMNS, f"**over {LIMIT_S} s**")
    if done.returncode:
        return dict.fromkeys(COLUMNS, f"**process ended with {done.returncode}**")
    return json.loads(done.stdout.splitlines()[-1])


def table(rows: dict[tuple[str, str], dict[str, str]]) -> str:
    """Return the rows as Markdown, under what they were made with."""
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    good = sum(row["adopts"].startswith("yes") for row in rows.values())
    head = ["model", "Keras", *COLUMNS]
    body = [[name, flavour, *row.values()] for (name, flavour), row in rows.items()]
    lines = [f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body)]
    return "\n".join(
        [
            "# Coverage of tf.keras.applications",
            "",
            f"Made by `python benchmarks/coverage.py` on Python {platform.python_version()} with "
            f"{versions}.",
            f"Input {SIDE}x{SIDE}x3, 10 classes, seeded random weights, batch normalization "
            "statistics too; outputs are logits of two images.",
            "",
            f"{good} of {len(rows)} are adopted with equal outputs: difference at most "
            f"{TOLERANCE:g}, or, where float32 rounding adds up to more, 1e-12 in float64.",
            "",
            *lines,
            "",
        ]
    )


def written_rows() -> dict[tuple[str, str], dict[str, str]]:
    """Return the rows of the table as it was written last."""
    lines = TABLE.read_text().splitlines() if TABLE.exists() else []
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "|" in line]
    fitting = [row for row in cells[2:] if cells[0] == ["model", "Keras", *COLUMNS]]
    return {(row[0], row[1]): dict(zip(COLUMNS, row[2:], strict=True)) for row in fitting}


def main() -> None:
    """Fill the table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="measure these again")
    parser.add_argument("--row", nargs=2, metavar=("NAME", "KERAS"), help="one row as JSON")
    options = parser.parse_args()
    if options.row:
        print(json.dumps(probe(*options.row)))
        return
    rows = written_rows() if options.only else {}
    for name, flavour in cases(options.only):
        rows[name, flavour] = probe_apart(name, flavour)
        print(name, flavour, *rows[name, flavour].values(), sep=" | ", flush=True)
        TABLE.write_text(table(dict(sorted(rows.items()))))


if __name__ == "__main__":
    main()
