"""Fixtures that several rooms' tests share."""

import hashlib
import importlib.metadata
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

_MAKER = Path(__file__).with_name("tflite_maker.py")


def _seed():
    """Seed whatever draws at random and is loaded: what is drawn depends on no test before."""
    random.seed(0)
    np.random.seed(0)
    for name in ("keras", "tf_keras"):
        if name in sys.modules:
            sys.modules[name].utils.set_random_seed(0)


@pytest.fixture(autouse=True, scope="module")
def _seeded_module():
    """Seed before what a file's tests share."""
    _seed()


@pytest.fixture(autouse=True)
def _seeded():
    """Seed before each test."""
    _seed()


@pytest.fixture(scope="session")
def tflite_files(request):
    """Folder with small ``.tflite`` files and expected values, made once and kept in the cache."""
    pytest.importorskip("sklearn")
    version = importlib.metadata.version("tensorflow")
    key = hashlib.sha256(_MAKER.read_bytes() + version.encode()).hexdigest()[:12]
    folder = Path(request.config.cache.mkdir(f"tflite-files-{key}"))
    with FileLock(f"{folder}.lock"):  # one process makes them, the others wait
        if not (folder / "done").exists():
            command = [sys.executable, str(_MAKER), str(folder)]
            made = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            assert made.returncode == 0, made.stderr[-3000:]
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def load(tflite_files):
    """A function that opens one of the small files by name."""
    from tfedge.runtime.model import TFLiteModel

    return lambda name: TFLiteModel.load(tflite_files / f"{name}.tflite")


@pytest.fixture(scope="session")
def digits(tflite_files):
    """The samples of the small classifier, and what Keras makes of them."""
    with np.load(tflite_files / "cnn.npz") as file:
        return dict(file)
