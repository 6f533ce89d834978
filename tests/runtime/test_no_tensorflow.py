"""The device side where there is no TensorFlow: pretended, and for real."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]

_BLOCKED = """
import sys
for name in ("tensorflow", "keras", "tf_keras", "tensorflow_model_optimization"):
    sys.modules[name] = None
"""

_WORK = """
import json, sys, time
start = time.perf_counter()
import tfedge
light = time.perf_counter() - start
import numpy as np, tfedge.core, tfedge.runtime, tfedge.evaluate
data = np.load(sys.argv[2])
record = tfedge.evaluate(sys.argv[1], data["x"], data["y"], metrics=["accuracy", "auc"], verbose=0)
latency = tfedge.benchmark(sys.argv[1], runs=20)
same = tfedge.compare(sys.argv[1], sys.argv[1], data["x"], latency=False, layers=True)
foreign = [n for n in ("tensorflow", "keras", "tf_keras") if sys.modules.get(n) is not None]
print(json.dumps({"accuracy": record.accuracy, "runtime": record.runtime, "p50": latency.p50_ms,
                  "agreement": same.agreement, "foreign": foreign, "light_s": light}))
"""


def work(python, script, tflite_files, name="cnn_int8", **options):
    """Run the device side in a process and return what it printed."""
    files = [str(tflite_files / f"{name}.tflite"), str(tflite_files / "cnn.npz")]
    ran = subprocess.run(
        [str(python), "-c", script, *files],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_with_tensorflow_blocked(tflite_files):
    found = work(sys.executable, _BLOCKED + _WORK, tflite_files)
    assert found["accuracy"] > 0.9
    assert found["agreement"] == 1
    assert found["foreign"] == []


def test_importing_tfedge_is_light(tflite_files):
    code = "import tfedge, sys; print('numpy' in sys.modules, 'tensorflow' in sys.modules)"
    out = subprocess.check_output([sys.executable, "-c", code], text=True, timeout=60)
    assert out.split()[1] == "False"
    assert min(work(sys.executable, _WORK, tflite_files)["light_s"] for _ in range(2)) < 0.2


def device(runtime_requirement, source):
    """Return the Python of an environment with NumPy, one runtime and tfedge, or skip.

    Environments are kept between test runs under a name made of what is in them.
    """
    requirements = ["numpy<2" if "tflite" in runtime_requirement else "numpy", runtime_requirement]
    key = hashlib.sha256(repr((sys.version, requirements)).encode()).hexdigest()[:12]
    folder = Path.home() / ".cache" / "tfedge-tests" / key
    python = folder / "bin" / "python"
    if not (folder / "done").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        _pip(python, *requirements)
        (folder / "done").touch()
    _pip(python, "setuptools>=68")
    _pip(python, "--no-deps", "--no-build-isolation", "--force-reinstall", str(_copy(source)))
    return python


def _copy(folder):
    """Copy the sources, so that building leaves nothing behind in them."""
    shutil.copytree(ROOT / "tfedge", folder / "tfedge")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def _pip(python, *arguments):
    """Install into an environment, or skip the test saying why."""
    command = [str(python), "-m", "pip", "install", "--quiet", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if ran.returncode:
        reason = ran.stderr.strip().splitlines()[-1:] or ["no reason given"]
        pytest.skip(f"pip cannot install {arguments}: {reason[0]}")


@pytest.mark.parametrize("runtime", ["tflite-runtime==2.14.0", "ai-edge-litert"])
def test_in_an_environment_without_tensorflow(tflite_files, tmp_path, runtime):
    if "tflite" in runtime and sys.version_info >= (3, 12):
        pytest.skip("tflite-runtime ends with Python 3.11")
    python = device(runtime, tmp_path)
    found = work(python, _WORK, tflite_files, cwd="/")
    assert found["runtime"] == ("tflite-runtime" if "tflite" in runtime else "litert")
    assert found["accuracy"] > 0.9
    listed = subprocess.check_output([python, "-m", "pip", "list"], text=True).lower()
    assert "tensorflow" not in listed
    assert "keras" not in listed
    assert np.isfinite(found["p50"])
