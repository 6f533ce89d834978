"""The Kerases load without a trace in the user's process."""

import os
import subprocess
import sys
import textwrap

import keras as keras3
import pytest
import tf_keras

from tfedge.core.errors import ModelError
from tfedge.models import flavours


def run(code, **environment):
    """Run code in a fresh interpreter with warnings as errors; return what it prints."""
    env = {key: value for key, value in os.environ.items() if key != "TF_USE_LEGACY_KERAS"}
    env.update(environment, TF_CPP_MIN_LOG_LEVEL="3")
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()


REPORT = """
    import os, sys
    from tfedge.models import flavours
    flavours.tfmot()
    import tensorflow as tf
    print(os.environ.get("TF_USE_LEGACY_KERAS"), tf.keras.Model.__module__.split(".")[0])
    print(tf.optimizers.Adam.__module__.split(".")[0])
"""


@pytest.mark.parametrize(
    ("variable", "expected"),
    [
        ({}, ["None", "keras", "keras"]),
        ({"TF_USE_LEGACY_KERAS": "1"}, ["1", "tf_keras", "tf_keras"]),
        ({"TF_USE_LEGACY_KERAS": "0"}, ["0", "keras", "keras"]),
    ],
    ids=["unset", "legacy", "zero"],
)
def test_the_environment_stays_the_users(variable, expected):
    assert run(REPORT, **variable) == expected


def test_importing_the_room_loads_no_tensorflow():
    loaded = run(
        """
        import sys
        import tfedge.models, tfedge.models.flavours
        tfedge.models.flavours.is_model(3)
        print(*[name for name in ("tensorflow", "keras", "tf_keras") if name in sys.modules])
        """
    )
    assert loaded == []


def test_the_functions_are_the_installed_modules():
    assert flavours.keras3() is keras3
    assert flavours.tf_keras() is tf_keras
    assert "TF_USE_LEGACY_KERAS" not in os.environ or os.environ["TF_USE_LEGACY_KERAS"]


@pytest.mark.parametrize("keras", [keras3, tf_keras])
def test_models_of_both_kinds_are_told_apart(keras):
    class Mine(keras.Model):
        def call(self, inputs):
            return inputs

    expected = "tf_keras" if keras is tf_keras else "keras3"
    inputs = keras.Input((2,))
    for model in (Mine(), keras.Sequential(), keras.Model(inputs, keras.layers.Dense(1)(inputs))):
        assert flavours.is_model(model)
        assert flavours.flavour_of(model) == expected


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "found None"),
        ("mobilenet.keras", "Load the file first"),
        (keras3.Model, "Pass an instance"),
        (keras3.layers.Dense(3), "A layer alone is not enough"),
        ([1, 2], "found an object of list"),
    ],
    ids=["none", "path", "class", "layer", "list"],
)
def test_what_is_no_model_is_named(value, words):
    assert not flavours.is_model(value)
    with pytest.raises(ModelError, match=words):
        flavours.flavour_of(value)
