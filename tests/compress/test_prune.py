import numpy as np
import pytest

import tfedge
from tfedge.compress.pruning.magnitude import prune
from tfedge.compress.pruning.report import sparsity
from tfedge.compress.quantization.aware import quantize
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.flavours import keras3, tf_keras, tfmot
from tfedge.models.strip import strip
from tfedge.models.training.schedules import ConstantSparsity, PolynomialDecay


def masks(model):
    return {layer.name: layer.pruning_vars for layer in model.layers if hasattr(layer, "kernels")}


def test_masks_are_the_smallest_magnitudes(mlp, flat, expected_mask):
    model = mlp(keras3())
    kernels = {name: model.get_layer(name).kernel.numpy() for name in ("hidden", "head")}
    sparse = prune(model, ConstantSparsity(0.7, begin_step=0, frequency=1000))
    sparse.compile(tf_keras().optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    sparse.fit(*flat, batch_size=64, verbose=0)
    for name, kernel in kernels.items():
        [(weight, mask, _)] = masks(sparse)[name]
        expected = expected_mask(kernel, 0.7)
        np.testing.assert_array_equal(mask.numpy(), expected)
        np.testing.assert_array_equal(weight.numpy(), kernel * expected)


def test_sparsity_follows_the_schedule_step_by_step(mlp, flat):
    schedule = PolynomialDecay(0.0, 0.8, 0, 12, frequency=4)
    sparse = prune(mlp(keras3()), schedule, layers="hidden")
    sparse.compile("adam", "sparse_categorical_crossentropy")
    seen = {}
    watch = tf_keras().callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.update(
            {batch + 1: float(np.mean(masks(sparse)["hidden"][0][1].numpy() == 0))}
        )
    )
    sparse.fit(*flat, batch_size=32, verbose=0, callbacks=[watch])
    scheduled = {step: 0.8 - 0.8 * (1 - step / 12) ** 3 for step in (1, 4, 8, 12)}
    expected = {s: scheduled[max(k for k in scheduled if k <= s)] for s in range(1, 17)}
    assert seen == pytest.approx(expected, abs=1 / 1024)


def test_training_keeps_zeros_and_accuracy(trained, digits, accuracy):
    before = trained.get_weights()
    sparse = prune(trained, PolynomialDecay(0.0, 0.75, 0, 60, frequency=10), layers=".*")
    keras = keras3()
    rate = keras.optimizers.schedules.ExponentialDecay(3e-3, 50, 0.9)
    metrics = [keras.metrics.SparseCategoricalAccuracy("acc")]
    sparse.compile(
        keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(), metrics
    )
    history = sparse.fit(*digits[:2], batch_size=64, epochs=5, verbose=0)
    report = sparsity(sparse)
    assert report.sparsity == pytest.approx(0.75, abs=0.001)
    assert {row.name: row.pruned for row in report.layers} == dict.fromkeys(
        ("conv1", "conv2", "head"), True
    )
    assert "acc" in history.history
    assert accuracy(sparse) > 0.95
    for old, new in zip(before, trained.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)

    plain = strip(sparse)
    kinds = [type(layer).__name__ for layer in plain.layers]
    assert "Pruned" not in kinds and len(kinds) == len(trained.layers)
    np.testing.assert_array_equal(
        plain.predict(digits[2], verbose=0), sparse.predict(digits[2], verbose=0)
    )
    assert sparsity(plain).zeros == report.zeros


def test_default_leaves_out_depthwise_and_embeddings():
    keras = keras3()
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.SeparableConv2D(4, 3, name="sep")(inputs)
    x = keras.layers.DepthwiseConv2D(3, name="dw")(x)
    x = keras.layers.Rescaling(2.0)(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(keras.layers.Flatten()(x)))
    wrapped = {
        layer.layer.name: layer.kernels
        for layer in prune(model).layers
        if hasattr(layer, "kernels")
    }
    assert wrapped == {"sep": ["pointwise_kernel"], "head": ["kernel"]}
    asked = prune(model, layers=["dw", "he.*"])
    assert set(masks(asked)) == {"dw", "head"}
    assert set(masks(prune(model, exclude=keras.layers.Dense))) == {"sep"}


def test_recurrent_and_nested_layers_are_pruned():
    keras = keras3()
    body = keras.Sequential([keras.Input((6, 4)), keras.layers.LSTM(8, name="memory")])
    inputs = keras.Input((6, 4))
    outputs = keras.layers.Dense(3, name="head")(body(inputs))
    sparse = prune(keras.Model(inputs, outputs), ConstantSparsity(0.5, 0), layers=".*")
    sparse.compile("sgd", "mse")
    sparse.fit(np.ones((8, 6, 4)), np.ones((8, 3)), verbose=0)
    rows = {row.name: row for row in sparsity(sparse).layers}
    assert rows["memory"].weights == 4 * 32 + 8 * 32
    assert rows["memory"].sparsity == rows["head"].sparsity == 0.5


def test_masks_between_layers_pass_the_wrapper():
    keras = keras3()
    keras.utils.set_random_seed(0)
    inputs = keras.Input((5,), dtype="int32")
    x = keras.layers.Embedding(9, 4, mask_zero=True)(inputs)
    x = keras.layers.Dense(4)(x)
    model = keras.Model(inputs, keras.layers.LSTM(3)(x))
    ids = np.array([[1, 2, 0, 0, 0], [3, 4, 5, 0, 0]])
    np.testing.assert_allclose(
        prune(model).predict(ids, verbose=0), model.predict(ids, verbose=0), atol=1e-6
    )


def test_custom_training_loop_advances_the_step(mlp, flat):
    import tensorflow as tf

    sparse = prune(mlp(tf_keras()), ConstantSparsity(0.5, begin_step=3, frequency=1))
    optimizer, steps = tf_keras().optimizers.SGD(0.1), sparse.step_callbacks()
    loss_of = tf_keras().losses.SparseCategoricalCrossentropy()
    steps.on_train_begin()
    zeros = []
    for _ in range(4):
        with tf.GradientTape() as tape:
            loss = loss_of(flat[1], sparse(flat[0], training=True))
        optimizer.minimize(loss, sparse.trainable_variables, tape=tape)
        zeros.append(sparsity(sparse).sparsity > 0)
    steps.on_epoch_end(0)
    assert zeros == [False, False, True, True]
    assert sparsity(sparse).sparsity == 0.5


def test_the_users_step_callback_is_not_doubled(mlp, flat):
    sparse = prune(mlp(keras3()))
    sparse.compile("sgd", "sparse_categorical_crossentropy")
    own = tfmot().sparsity.keras.UpdatePruningStep()
    history = sparse.fit(*flat, batch_size=128, verbose=0, callbacks=own)
    assert history.epoch == [0]
    assert int(sparse.layers[1].pruning_step) == 4


def test_bad_input_is_refused(mlp):
    model = mlp(keras3())
    with pytest.raises(ArgumentError, match=r"found 0\.5"):
        prune(model, 0.5)
    with pytest.raises(ArgumentError, match=r"'hiden' matches no layer.*'hidden'"):
        prune(model, layers="hiden")
    with pytest.raises(ArgumentError, match="no layer is a Conv2D"):
        prune(model, exclude=[keras3().layers.Conv2D])
    with pytest.raises(ArgumentError, match="without a kernel"):
        prune(model, layers="pixels")
    with pytest.raises(ArgumentError, match="no regular expression"):
        prune(model, layers="(")
    with pytest.raises(ArgumentError, match="holds 3"):
        prune(model, layers=[3])
    with pytest.raises(ModelError, match="no kernel left"):
        prune(model, exclude=".*")
    with pytest.raises(ModelError, match="pruned already"):
        prune(prune(model))
    with pytest.raises(ModelError, match="clustered already"):
        prune(tfedge.cluster(model, 2))
    with pytest.raises(ModelError, match="quantized already"):
        prune(quantize(model))
    with pytest.raises(ModelError):
        prune("no such file.keras")
