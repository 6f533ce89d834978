"""``import tfedge`` costs nothing, and the device side needs no TensorFlow."""

import json
import subprocess
import sys

HEAVY = ("tensorflow", "keras", "tf_keras", "tensorflow_model_optimization", "matplotlib", "numpy")
TENSORFLOW = HEAVY[:4]

_TIMED = """
import json, sys, time
start = time.perf_counter()
import tfedge
seconds = time.perf_counter() - start
print(json.dumps([seconds, dir(tfedge), sorted(sys.modules)]))
"""

_BLOCKED = f"""
import json, sys
for name in {TENSORFLOW!r}:
    sys.modules[name] = None
import tfedge
import tfedge.core, tfedge.runtime, tfedge.evaluate
used = [tfedge.TFLiteModel, tfedge.Runner, tfedge.benchmark, tfedge.compare, tfedge.evaluate,
        tfedge.load, tfedge.errors.TfedgeError, tfedge.available_runtimes()]
try:
    tfedge.prune
except ImportError as error:
    used.append(error)
print(json.dumps([len(used), str(used[-1])]))
"""


def run(code):
    """Return what a fresh interpreter prints."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_importing_is_light():
    runs = [run(_TIMED) for _ in range(5)]
    assert min(seconds for seconds, _, _ in runs) < 0.2
    _, names, modules = runs[0]
    assert {"prune", "quantize", "convert", "evaluate", "load"} <= set(names)
    assert not set(HEAVY) & set(modules)


def test_the_device_side_without_tensorflow():
    used, missing = run(_BLOCKED)
    assert used == 9
    assert missing
