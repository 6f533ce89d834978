import numpy as np
import pytest

from tfedge.compress.distillation.distiller import Distiller
from tfedge.compress.distillation.logits import activation_of, to_logits
from tfedge.compress.distillation.soft import SoftTarget
from tfedge.compress.pruning.magnitude import prune
from tfedge.compress.pruning.report import sparsity
from tfedge.compress.quantization.aware import quantize
from tfedge.core.errors import ArgumentError, ModelError
from tfedge.models.flavours import keras3, tf_keras
from tfedge.models.training.schedules import ConstantSparsity
from tfedge.models.training.trainable import TrainableModel

LOSS = "sparse_categorical_crossentropy"


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def soft_target(teacher, student, tau):
    p, q = softmax(teacher / tau), softmax(student / tau)
    return tau**2 * np.sum(p * (np.log(p) - np.log(q)), axis=-1)


@pytest.mark.parametrize("tau", [1, 4.0, 20])
def test_soft_target_is_hintons_formula(tau):
    rng = np.random.default_rng(0)
    teacher, student = rng.normal(size=(2, 16, 7)) * 5
    loss = SoftTarget(temperature=tau)
    found = loss.call(teacher, student).numpy()
    np.testing.assert_allclose(found, soft_target(teacher, student, tau), rtol=1e-4, atol=1e-5)
    weights = rng.random(16)
    assert float(loss(teacher, student, weights)) == pytest.approx(np.mean(found * weights), 1e-4)


def test_soft_target_gradient_is_that_of_the_cross_entropy():
    import tensorflow as tf

    rng = np.random.default_rng(1)
    teacher, student, tau = *rng.normal(size=(2, 4, 5)), 3.0
    logits = tf.Variable(student, dtype=tf.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(SoftTarget(tau).call(teacher, logits))
    expected = tau * (softmax(student / tau) - softmax(teacher / tau))
    np.testing.assert_allclose(tape.gradient(loss, logits), expected, atol=1e-5)


def test_soft_target_round_trips():
    loss = SoftTarget(2.5, name="soft")
    config = tf_keras().losses.serialize(loss)
    again = tf_keras().losses.deserialize(config)
    assert type(again) is SoftTarget and again.get_config() == loss.get_config()


def test_probabilities_become_logits_again():
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(6, 5)).astype("float32") * 3
    back = to_logits(softmax(logits), "softmax").numpy()
    np.testing.assert_allclose(softmax(back / 4), softmax(logits / 4), atol=1e-6)
    single = logits[:, :1]
    pair = to_logits(1 / (1 + np.exp(-single)), "sigmoid").numpy()
    np.testing.assert_allclose(pair[:, 1:] - pair[:, :1], single, atol=1e-4)
    assert np.all(np.isfinite(to_logits(np.array([[0.0, 1.0]]), "softmax")))
    assert np.all(np.isfinite(to_logits(np.array([[1.0], [0.0]]), "sigmoid")))


def test_the_last_activation_is_seen_through_wrappers(mlp, flat):
    keras = tf_keras()
    plain = mlp(keras)
    assert activation_of(plain.outputs[0]) == "softmax"
    assert activation_of(prune(plain).outputs[0]) == "softmax"
    assert activation_of(quantize(plain).outputs[0]) == "softmax"
    assert activation_of(mlp(keras, activation=None).outputs[0]) == "logits"
    reshaped = keras.layers.Reshape((16,))(keras.layers.Softmax()(plain.get_layer("hidden").output))
    assert activation_of(reshaped) == "softmax"
    labels = mlp(keras, activation="sigmoid")
    assert activation_of(labels.outputs[0]) == "sigmoid"
    with pytest.raises(ArgumentError, match="10 units, a sigmoid"):
        Distiller(labels, labels, [SoftTarget()])


@pytest.mark.parametrize("activations", [("softmax", "softmax"), (None, "softmax")])
def test_loss_is_the_weighted_sum(activations, mlp, flat):
    x, y = flat[0][:64], flat[1][:64]
    student = mlp(tf_keras(), 8, activation=activations[0])
    teacher = mlp(keras3(), 32, activation=activations[1], seed=5)
    distiller = Distiller(student, teacher, [SoftTarget(3), SoftTarget(1)], alpha=0.3)
    logits_out = activations[0] is None
    loss = keras3().losses.SparseCategoricalCrossentropy(from_logits=logits_out)
    distiller.compile("sgd", loss, metrics=[keras3().metrics.SparseCategoricalAccuracy("acc")])
    weights = np.linspace(0.5, 2.0, 64)
    logs = distiller.evaluate(
        x, y, sample_weight=weights, batch_size=48, verbose=0, return_dict=True
    )
    said, known = student.predict(x, verbose=0), teacher.predict(x, verbose=0)
    z = said if logits_out else np.log(said)
    hard = -np.log(softmax(z)[np.arange(64), y])
    soft = sum(soft_target(np.log(known), z, tau) for tau in (3, 1))
    assert logs["student_loss"] == pytest.approx(np.mean(weights * hard), rel=1e-4)
    assert logs["distillation_loss"] == pytest.approx(np.mean(weights * soft), rel=1e-4)
    assert logs["loss"] == pytest.approx(np.mean(weights * (0.3 * hard + 0.7 * soft)), rel=1e-4)
    assert logs["acc"] == pytest.approx(np.mean(said.argmax(1) == y))


def test_a_student_learns_from_the_teacher_alone(trained, digits, accuracy):
    keras = keras3()
    keras.utils.set_random_seed(2)
    inputs = keras.Input((8, 8, 1))
    x = keras.layers.Dense(24, activation="relu")(keras.layers.Flatten()(inputs))
    student = keras.Model(inputs, keras.layers.Dense(10)(x))
    untouched = [w.copy() for w in student.get_weights()], [w.copy() for w in trained.get_weights()]
    distiller = Distiller(student, trained, alpha=0.0)
    distiller.compile(keras.optimizers.Adam(5e-3))
    distiller.fit(digits[0], batch_size=64, epochs=8, verbose=0)
    agreement = np.mean(
        distiller.predict(digits[2], verbose=0).argmax(1)
        == trained.predict(digits[2], verbose=0).argmax(1)
    )
    assert agreement > 0.9
    for model, before in zip((student, trained), untouched, strict=True):
        for old, new in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)


def test_wrapped_students_keep_what_wrapping_promised(mlp, flat):
    teacher = mlp(keras3(), 64)
    sparse = prune(mlp(keras3(), 16), ConstantSparsity(0.5, 0))
    distiller = Distiller(student=sparse, teacher=teacher)
    assert distiller.student is sparse
    distiller.compile(keras3().optimizers.Adam(1e-3), LOSS, metrics=["accuracy"])
    distiller.fit(*flat, verbose=0, class_weight={i: 1.0 + i for i in range(10)})
    assert sparsity(sparse).sparsity == pytest.approx(0.5, abs=0.01)
    qat = quantize(sparse, calibration=flat[0])
    distiller = Distiller(student=qat, teacher=teacher)
    distiller.compile("adam", LOSS)
    distiller.fit(*flat, verbose=0, epochs=2)
    assert sparsity(qat).zeros == sparsity(sparse).zeros
    assert len(distiller.trainable_weights) == len(qat.trainable_weights) == 4


def test_saving_saves_the_student_only(mlp, flat, tmp_path):
    from tfedge.models.files import load_model

    distiller = Distiller(student=mlp(keras3(), 8), teacher=mlp(keras3(), 32))
    distiller.compile("adam", LOSS)
    distiller.fit(*flat, verbose=0)
    distiller.save(tmp_path / "student.keras")
    again = load_model(tmp_path / "student.keras")
    assert type(again) is TrainableModel
    assert again.count_params() == distiller.student.count_params() == 64 * 8 + 8 + 8 * 10 + 10
    np.testing.assert_allclose(
        again.predict(flat[0], verbose=0), distiller.predict(flat[0], verbose=0), atol=1e-6
    )


def test_binary_models_are_distilled(flat):
    def net(keras, units):
        inputs = keras.Input((64,))
        x = keras.layers.Dense(units, activation="relu")(inputs)
        return keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(x))

    distiller = Distiller(net(keras3(), 4), net(keras3(), 16))
    distiller.compile("adam", "binary_crossentropy")
    history = distiller.fit(flat[0], flat[1] % 2, epochs=3, verbose=0).history
    assert history["distillation_loss"][-1] < history["distillation_loss"][0]


def test_bad_input_is_refused(mlp):
    student, teacher = mlp(keras3(), 8), mlp(keras3(), 32)
    for temperature in (0, -1, float("nan"), float("inf"), "hot", True):
        with pytest.raises(ArgumentError, match="temperature"):
            SoftTarget(temperature)
    for alpha in (-0.1, 1.1, "half", float("nan")):
        with pytest.raises(ArgumentError, match="alpha="):
            Distiller(student, teacher, alpha=alpha)
    with pytest.raises(ArgumentError, match="losses is empty"):
        Distiller(student, teacher, losses=[])
    with pytest.raises(ArgumentError, match="losses holds 'mse'"):
        Distiller(student, teacher, losses=["mse"])
    with pytest.raises(ModelError, match=r"outputs: \[\(10,\)\] and \[\(7,\)\]"):
        Distiller(student, mlp(keras3(), 32, classes=7))
    with pytest.raises(ArgumentError, match="loss is missing"):
        Distiller(student, teacher).compile("adam")
    with pytest.raises(ModelError):
        Distiller(student, "no teacher")
    with pytest.warns(UserWarning, match="swapped"):
        Distiller(teacher, student)
