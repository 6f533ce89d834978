"""With every warning an error, the whole job runs in a process of its own without one."""

import subprocess
import sys

_JOB = """
import os, pathlib, sys, tempfile
import numpy as np
import tfedge
import keras, tensorflow as tf

folder = pathlib.Path(tempfile.mkdtemp())
tf.keras.utils.set_random_seed(0)
x = np.random.default_rng(0).random((512, 6), "float32")
y = x[:, :3].argmax(1)
inputs = tf.keras.Input((6,))
hidden = tf.keras.layers.Dense(12, activation="relu")(inputs)
model = tf.keras.Model(inputs, tf.keras.layers.Dense(3, activation="softmax")(hidden))

def fit(model, **settings):
    optimizer = tf.keras.optimizers.Adam(1e-2)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=64, verbose=0, **settings)
    return model

edge = tfedge.callbacks.EdgeEvaluation(x, y, calibration=x)
fit(model, callbacks=[edge])
sparse = fit(tfedge.prune(model, tfedge.ConstantSparsity(0.5, 0)), callbacks=[edge])
qat = fit(tfedge.quantize(sparse, calibration=x))
student = fit(tfedge.Distiller(tfedge.prune(model), model)).student
qat.save(folder / "qat.keras")
for source in (sparse, student, folder / "qat.keras"):
    lite = tfedge.convert(source, "int8", x)
for mode in ("float32", "float16", "dynamic"):
    tfedge.convert(model, mode)
for runtime in tfedge.available_runtimes():
    tfedge.evaluate(lite, x, y, runtime=runtime, verbose=0)
tfedge.compare(model, lite, x, y, layers=True)
tfedge.evaluate(model, x, y, verbose=0)
tfedge.load(lite.save(folder / "model.tflite")).predict(x)
tfedge.load(folder / "qat.keras").fit(x, y, verbose=0)
tfedge.sparsity(lite), tfedge.strip(sparse)
assert os.environ.get("TF_USE_LEGACY_KERAS") is None
assert tf.keras.__version__.startswith("3")
print("quiet")
"""


def test_no_warning_reaches_the_user(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", _JOB],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert ran.stdout == "quiet\n"
    assert "Warning" not in ran.stderr
