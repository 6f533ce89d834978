"""Every kind of model: wrapped, trained one step, stripped with the same answers."""

import json
import subprocess
import sys
from pathlib import Path

import keras as keras3
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "models"), str(HERE.parents[1] / "benchmarks")]

import coverage as coverage  # noqa: E402
from handmade_models import MODELS, ONLY_KERAS3, inputs_for, randomize  # noqa: E402

import tfedge  # noqa: E402
from tfedge.core.errors import ModelError  # noqa: E402

KERASES = {"keras3": keras3, "tf_keras": tf_keras}
CASES = [pytest.param(name, "tf_keras", marks=pytest.mark.slow) for name in MODELS]
CASES += [(name, "keras3") for name in (*MODELS, *ONLY_KERAS3)]


def extra(keras):
    """Return models with layers that the zoo of adoption lacks, by name."""
    k = keras.layers
    image, film, line = keras.Input((8, 8, 4)), keras.Input((4, 8, 8, 4)), keras.Input((8, 4))
    x = k.Conv2DTranspose(8, 3, name="up")(k.SeparableConv2D(8, 3, name="apart")(image))
    x = k.Conv2D(8, 3, groups=4, name="groups")(k.DepthwiseConv2D(3, name="depth")(x))
    y = k.Conv3DTranspose(4, 2)(k.Conv3D(4, 2)(film))
    z = k.Conv1DTranspose(4, 2)(k.DepthwiseConv1D(2)(k.SeparableConv1D(4, 2)(line)))
    query = k.Dense(8)(line)
    attention = k.MultiHeadAttention(2, 4, value_dim=3, name="attention")
    w = attention(query, line)
    lines = k.EinsumDense("abc,cd->abd", (None, 5))(k.TimeDistributed(k.Dense(6))(w))
    memory, state, carry = k.LSTM(6, return_sequences=True, return_state=True)(lines)
    again = k.LSTM(6)(memory, initial_state=[state, carry])
    return {
        "images": keras.Model(image, k.Dense(3)(k.Flatten()(x))),
        "films": keras.Model(film, y),
        "lines": keras.Model(line, z),
        "attention": keras.Model(line, again),
        "ConvLSTM": keras.Model(film, k.ConvLSTM2D(4, 3)(film)),
    }


def step(sparse, x):
    """Train one step on any outputs, by hand, and end the epoch."""
    optimizer, steps = tf_keras.optimizers.SGD(1e-3), sparse.step_callbacks()
    steps.on_train_begin()
    with tf.GradientTape() as tape:
        outputs = tf.nest.flatten(sparse(x, training=True))
        loss = sum(tf.reduce_mean(tf.cast(one, tf.float32) ** 2) for one in outputs)
    gradients = tape.gradient(loss, sparse.trainable_variables)
    pairs = zip(gradients, sparse.trainable_variables, strict=True)
    optimizer.apply_gradients([pair for pair in pairs if pair[0] is not None])
    steps.on_epoch_end(0)


def check(model, **settings):
    x = inputs_for(model)
    sparse = tfedge.prune(model, tfedge.OneShot(0.5), layers=".*", **settings)
    step(sparse, x)
    rows = tfedge.sparsity(sparse).layers
    assert all(row.pruned for row in rows)
    assert all(abs(row.sparsity - 0.5) <= 0.5 / row.weights**0.5 for row in rows)
    plain = tfedge.strip(sparse)
    assert tfedge.sparsity(plain).zeros == tfedge.sparsity(sparse).zeros
    ours, theirs = (tf.nest.flatten(one(x, training=False)) for one in (sparse, plain))
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_zoo(name, kind):
    model = randomize({**MODELS, **ONLY_KERAS3}[name](KERASES[kind]))
    if tfedge.sparsity(model).weights:
        check(model)
    else:
        with pytest.raises((ModelError, ValueError), match="kernel"):
            check(model)


@pytest.mark.parametrize("pattern", ["element", "2x2", "1:2"])
@pytest.mark.parametrize("kind", KERASES)
def test_more_layers(kind, pattern):
    for name, model in extra(KERASES[kind]).items():
        settings = {"pattern": pattern}
        if pattern == "1:2":
            settings["exclude"] = [
                layer.name
                for layer in model.layers
                if "Depthwise" in type(layer).__name__ or layer.name == "groups"
            ]
        if pattern == "element":
            check(randomize(model), **settings)
        else:
            sparse = tfedge.prune(model, tfedge.OneShot(0.5), **settings)
            step(sparse, inputs_for(model))
            plain = tfedge.strip(sparse)
            x = inputs_for(model)
            np.testing.assert_allclose(sparse(x), plain(x), atol=1e-5, err_msg=name)


@pytest.mark.parametrize("kind", KERASES)
def test_attention_is_saved_with_its_masks(kind, tmp_path):
    model = extra(KERASES[kind])["attention"]
    sparse = tfedge.prune(model, tfedge.OneShot(0.5), layers="attention")
    step(sparse, inputs_for(model))
    sparse.save(tmp_path / "attention.keras")
    again = tfedge.load(tmp_path / "attention.keras")
    assert tfedge.sparsity(again) == tfedge.sparsity(sparse)
    x = inputs_for(model)
    np.testing.assert_allclose(sparse(x), again(x), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "flavour"), coverage.cases([]))
def test_every_application(name, flavour):
    columns = [
        title for title in coverage.COLUMNS if title.startswith("prune") and "_" not in title
    ]
    command = [sys.executable, coverage.__file__, "--row", name, flavour, "--columns", *columns]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            assert all(text.startswith("yes") for text in json.loads(line).values()), line
