"""tf.keras.applications: a few always, all of them in the slow sweep."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import keras as keras3
import pytest
import tf_keras

import tfedge

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "coverage.py"
sys.path.insert(0, str(BENCHMARK.parent))
SPEC = importlib.util.spec_from_file_location("coverage_benchmark", BENCHMARK)
coverage = importlib.util.module_from_spec(SPEC)
sys.modules["coverage_benchmark"] = coverage
SPEC.loader.exec_module(coverage)


@pytest.mark.parametrize(
    ("name", "flavour"),
    [
        ("MobileNetV2", "keras3"),
        ("MobileNetV3Small", "keras3"),
        ("MobileNetV3Small", "tf_keras"),
        ("EfficientNetB0", "keras3"),
    ],
)
def test_small_applications(name, flavour):
    assert coverage.relative_difference(coverage.Case(name, flavour)) <= coverage.TOLERANCE


def test_every_constructor_is_found():
    found = coverage.cases([])
    assert len([name for name, flavour in found if flavour == "keras3"]) >= 38
    assert ("RegNetX002", "tf_keras") in found
    assert ("ResNet8", "tfedge.zoo") in found
    homes = {"keras3": keras3, "tf_keras": tf_keras}
    for name, flavour in found:
        assert hasattr(homes[flavour].applications if flavour in homes else tfedge.zoo, name)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "flavour"), coverage.cases([]))
def test_every_application(name, flavour):
    command = [sys.executable, str(BENCHMARK), "--row", name, flavour, "--columns", "adopts"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1])["adopts"].startswith("yes")
