"""Which loss sees what: outputs by kind, features by layer, labels and weights by output."""

import subprocess
import sys
import textwrap

import loss_formulas as papers
import numpy as np
import pytest
import tensorflow as tf

import tfedge
from tfedge.compress.distillation.losses import checked_losses
from tfedge.compress.distillation.naming import by_output, output_names
from tfedge.compress.distillation.pairs import pairs_of
from tfedge.compress.distillation.teaching import Teaching
from tfedge.core.errors import ArgumentError
from tfedge.distill import (
    DIST,
    AttentionTransfer,
    BinarySoftTarget,
    ContrastiveKD,
    DecoupledKD,
    FeatureHint,
    RegressionTarget,
    RelationalKD,
    SimilarityPreserving,
    SoftTarget,
    TripletMargin,
)
from tfedge.models.flavours import keras3, tf_keras

keras = tf_keras()

LEARNED = [
    SoftTarget(),
    SoftTarget(form="cross_entropy"),
    DecoupledKD(),
    DIST(),
    FeatureHint(),
    AttentionTransfer(),
    RelationalKD(),
    SimilarityPreserving(),
    ContrastiveKD(),
    ContrastiveKD(form="instance", temperature=0.5),
    TripletMargin(),
]


def image_network(flavour, widths, seed, size=(8, 8), ends="softmax"):
    flavour.utils.set_random_seed(seed)
    layers = flavour.layers
    inputs = flavour.Input((*size, 1))
    x = layers.Conv2D(widths[0], 3, padding="same", activation="relu", name="first")(inputs)
    x = layers.Conv2D(widths[1], 3, 2, padding="same", activation="relu", name="second")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    x = layers.Dense(10, name="head")(x)
    return flavour.Model(inputs, layers.Softmax(name="said")(x) if ends == "softmax" else x)


@pytest.fixture(scope="module")
def teacher_of_digits(digits):
    model = image_network(keras, (12, 24), 0)
    model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    model.fit(*digits[:2], batch_size=64, epochs=8, verbose=0)
    return model


@pytest.mark.parametrize(
    "loss", LEARNED, ids=lambda loss: f"{loss.name} {getattr(loss, 'form', '')}"
)
def test_every_loss_falls(loss, digits, teacher_of_digits):
    x, y = digits[0][:512], digits[1][:512]
    student = image_network(keras3(), (4, 6), 1)
    distiller = tfedge.Distiller(student, teacher_of_digits, loss, alpha=0.0)
    distiller.compile(keras.optimizers.Adam(5e-3))
    logs = distiller.fit(x, y, batch_size=64, epochs=4, verbose=0).history["distillation_loss"]
    assert np.all(np.isfinite(logs))
    assert np.all(np.diff(logs) < 0), logs
    assert logs[-1] < (0.9999 if getattr(loss, "form", "") == "cross_entropy" else 0.98) * logs[0]


def heads(seed=0, width=6, wrapped=dict, **outputs):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((4,))
    x = keras.layers.Dense(width, "relu", name="body")(inputs)
    made = {
        name: keras.layers.Dense(units, activation, name=name)(x)
        for name, (units, activation) in outputs.items()
    }
    said = next(iter(made.values())) if len(made) == 1 else made
    return keras.Model(inputs, list(made.values()) if wrapped is list else said)


def taught(losses, *outputs_and_data, **outputs):
    """Return (value of a Teaching, what the teacher said, what the student said)."""
    teacher, student = heads(1, 12, **outputs), heads(2, **outputs)
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    teaching = Teaching(student, teacher, checked_losses(losses))
    value = teaching.loss(x, teaching.student(x, False), *outputs_and_data)
    return float(value), teacher(x), student(x)


def test_several_labels_out_of_a_sigmoid():
    value, known, made = taught(BinarySoftTarget(2), a=(5, "sigmoid"))
    known, made = (np.log(p / (1 - p)) for p in (known.numpy(), made.numpy()))
    assert value == pytest.approx(papers.binary_soft_target(known, made, 2).mean(), rel=1e-3)
    with pytest.raises(ArgumentError, match=r"'a' \(5 units, a sigmoid.*Use .*BinarySoftTarget"):
        taught(SoftTarget(), a=(5, "sigmoid"))
    with pytest.raises(ArgumentError, match=r"Use tfedge.distill.SoftTarget"):
        taught(BinarySoftTarget(), a=(5, "softmax"))


def test_a_teacher_with_logits_and_a_student_with_probabilities():
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    for loss, activation in ((BinarySoftTarget(), "sigmoid"), (SoftTarget(), "softmax")):
        teacher, student = heads(1, a=(5, None)), heads(2, a=(5, activation))
        body, head = (student.get_layer(name) for name in ("body", "a"))
        logits = body(x) @ head.kernel + head.bias
        expected = np.mean(loss.call(teacher(x), logits))
        teaching = Teaching(student, teacher, [loss])
        for said in (student(x), tf.identity(student(x))):  # with and without Keras' note
            assert float(teaching.loss(x, said)) == pytest.approx(expected, rel=1e-4)
    with pytest.raises(
        ArgumentError, match="a softmax in the student and no softmax or sigmoid in the t"
    ):
        Teaching(heads(a=(5, "softmax")), heads(a=(5, None)), [RegressionTarget()])
    with pytest.raises(ArgumentError, match="Give both models the same activation"):
        Teaching(heads(a=(5, "softmax")), heads(a=(5, "sigmoid")), [RegressionTarget()])


def test_each_output_is_compared_by_what_suits_it():
    outputs = {"c": (3, "softmax"), "l": (4, "sigmoid"), "v": (2, None)}
    losses = [SoftTarget(), BinarySoftTarget(), RegressionTarget()]
    value, known, made = taught(losses, **outputs)
    logs = [np.log(said["c"]) for said in (known, made)]
    odds = [np.log(said["l"] / (1 - said["l"])) for said in (known, made)]
    expected = (
        papers.soft_target(*logs).mean()
        + papers.binary_soft_target(*odds).mean()
        + np.square(known["v"] - made["v"]).mean()
    )
    assert value == pytest.approx(expected, rel=1e-3)


def test_a_dict_says_which_output_is_compared_how():
    outputs = {"a": (3, None), "b": (2, None)}
    value, known, made = taught({"a": SoftTarget(), "b": [RegressionTarget("absolute")]}, **outputs)
    soft = papers.soft_target(known["a"].numpy(), made["a"].numpy()).mean()
    assert value == pytest.approx(soft + np.abs(known["b"] - made["b"]).mean(), rel=1e-4)
    alone, *_ = taught({"a": SoftTarget()}, **outputs)
    assert alone == pytest.approx(soft, rel=1e-4)


@pytest.mark.parametrize(
    ("losses", "outputs", "message"),
    [
        ([SoftTarget()], {"c": (3, "softmax"), "l": (4, "sigmoid")}, r"No loss suits .*'l' \(4"),
        (
            [SoftTarget(), RegressionTarget()],
            {"a": (3, None), "b": (2, None)},
            "'soft_target' .*su",
        ),
        ([BinarySoftTarget()], {"c": (3, "softmax"), "d": (4, "softmax")}, "suits none .*'c'.*'d'"),
        ([SoftTarget(), BinarySoftTarget()], {"a": (3, None), "b": (2, None)}, "'a'.*may hold"),
        ({"z": SoftTarget()}, {"a": (3, None), "b": (2, None)}, "'z'.*outputs are 'a', 'b'"),
        ({"a": FeatureHint(), "z": FeatureHint()}, {"a": (3, None), "b": (2, None)}, "'z'"),
        ([TripletMargin()], {"a": (3, None), "b": (2, None)}, "Say whose labels"),
        ([TripletMargin()], {"a": (3, None)}, "'triplet_margin'.*needs labels"),
    ],
)
def test_what_suits_nothing_is_refused(losses, outputs, message):
    with pytest.raises(ArgumentError, match=message):
        taught(losses, **outputs)


def test_labels_and_weights_by_output():
    outputs = {"a": (3, None), "b": (4, None)}
    rng = np.random.default_rng(5)
    y = {"a": rng.integers(0, 3, 8), "b": rng.integers(0, 4, 8)}
    weights = {"a": rng.random(8), "b": rng.random(8)}
    value, known, made = taught([DecoupledKD()], weights, y, **outputs)
    expected = sum(
        np.mean(weights[n] * papers.decoupled(known[n].numpy(), made[n].numpy(), y[n]))
        for n in outputs
    )
    assert value == pytest.approx(expected, rel=1e-4)
    lists = [[thing[n] for n in outputs] for thing in (weights, y)]
    assert taught([DecoupledKD()], *lists, wrapped=list, **outputs)[0] == pytest.approx(value)
    with pytest.raises(ArgumentError, match="y does not fit the 2 outputs"):
        taught([DecoupledKD()], None, y["a"], **outputs)
    taught([SoftTarget()], None, y["a"], **outputs)
    same, *_ = taught([DecoupledKD()], weights["a"], y, **outputs)
    expected = sum(
        np.mean(weights["a"] * papers.decoupled(known[n].numpy(), made[n].numpy(), y[n]))
        for n in outputs
    )
    assert same == pytest.approx(expected, rel=1e-4)


def test_losses_of_features_get_the_labels_of_their_output():
    outputs = {"a": (3, None), "b": (2, None)}
    y = {"a": np.arange(8) % 3, "b": np.arange(8) % 2}
    for name in outputs:
        losses = {name: [SoftTarget(), TripletMargin({"body": "body"})]}
        whole, *_ = taught(losses, None, y, **outputs)
        soft, *_ = taught({name: SoftTarget()}, **outputs)
        teacher, student = heads(1, 12, **outputs), heads(2, **outputs)
        teaching = Teaching(student, teacher, checked_losses(losses))
        x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
        known, own = (
            keras.Model(m.input, m.get_layer("body").output)(x).numpy() for m in (teacher, student)
        )
        kernel, bias = (w.numpy() for w in teaching.adapters[0].weights)
        expected = papers.triplet(known, own @ kernel + bias, y[name]).mean()
        found = float(teaching.loss(x, teaching.student(x, False), y=y)) - soft
        assert found == pytest.approx(expected, rel=1e-3)
        assert np.isfinite(whole)


def test_weights_of_positions():
    losses = tf.constant(np.random.default_rng(0).random((4, 3)), tf.float32)

    class Each(SoftTarget):
        def call(self, known, made, labels=None):
            return losses[:, 0] if self.form == "kl" else losses

    model = heads(a=(3, None))
    x = np.zeros((4, 4), "float32")
    weights = np.random.default_rng(1).random((4, 3))
    for form, weight, expected in (
        ("cross_entropy", weights, np.mean(weights * losses)),
        ("cross_entropy", weights[:, :1], np.mean(weights[:, :1] * losses)),
        ("cross_entropy", weights[:, 0], np.mean(weights[:, :1] * losses)),
        ("kl", weights, np.mean(weights.mean(1) * losses[:, 0])),
    ):
        found = Teaching(model, model, [Each(form=form)]).loss(x, model(x), weight)
        assert float(found) == pytest.approx(expected, rel=1e-5)


def test_what_the_teacher_said_before():
    outputs = {"a": (3, None), "b": (4, "softmax")}
    teacher, student = heads(1, **outputs), heads(2, **outputs)
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    teaching = Teaching(student, teacher, [SoftTarget()])
    said = {name: tensor.numpy() for name, tensor in teacher(x).items()}
    direct = float(teaching.loss(x, student(x)))
    for layer in teacher.layers[1:]:
        layer.set_weights([np.full_like(w, np.nan) for w in layer.get_weights()])
    found = float(teaching.loss(None, student(x), said=tf.nest.map_structure(tf.constant, said)))
    assert found == pytest.approx(direct, rel=1e-4)
    inside = Teaching(student, heads(1, **outputs), [SoftTarget(), FeatureHint("body")])
    assert inside.looks_inside and not teaching.looks_inside
    with pytest.raises(ArgumentError, match="known already"):
        inside.loss(x, student(x), said=said)


def test_nothing_flows_back_into_the_teacher():
    """A teacher of the same weights: cross-entropy would else make them surer of anything."""
    model = heads(a=(3, None))
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    teaching = Teaching(model, model, [SoftTarget(form="cross_entropy")])
    with tf.GradientTape() as tape:
        loss = teaching.loss(x, model(x))
    for gradient in tape.gradient(loss, model.trainable_variables):
        np.testing.assert_allclose(gradient, 0, atol=1e-6)


def test_losses_are_listed_once():
    soft, hint = SoftTarget(), FeatureHint("body")
    model = heads(a=(3, None), b=(4, None))
    assert Teaching(model, model, {"a": [soft, hint], "b": [soft]}).losses == [soft, hint]


def test_embeddings_are_the_last_vectors():
    def names(flavour_loss, teacher, student):
        pairs = pairs_of(teacher, student, None, flavour_loss.positions, flavour_loss.automatic)
        return [tuple(tensor._keras_history.layer.name for tensor in pair) for pair in pairs]

    teacher, student = image_network(keras, (8, 16), 0), image_network(keras, (4, 6), 1, ends=None)
    assert names(RelationalKD(), teacher, student) == [("pool", "pool")]
    assert names(AttentionTransfer(), teacher, student) == [("first",) * 2, ("second",) * 2]
    other = image_network(keras, (4, 6), 1, size=(6, 6))
    for loss in (RelationalKD(), ContrastiveKD()):
        assert names(loss, teacher, other) == [("pool", "pool")]
    for loss in (SimilarityPreserving({"second": "first"}), AttentionTransfer("first")):
        assert pairs_of(teacher, other, loss.layers, loss.positions)
    with pytest.raises(ArgumentError, match="one or two axes"):
        pairs_of(teacher, student, "pool", AttentionTransfer.positions)
    with pytest.raises(ArgumentError, match="last axis must be equal"):
        pairs_of(teacher, other, "first", FeatureHint.positions)
    small = heads(a=(3, None))
    with pytest.raises(ArgumentError, match="none in common"):
        pairs_of(small, small, None, AttentionTransfer.positions)
    single = keras.Model(x := keras.Input((4,)), keras.layers.Dense(3)(x))
    with pytest.raises(ArgumentError, match="last vector"):
        pairs_of(single, single, None, automatic="embedding")


def test_quantized_and_pruned_students(digits):
    x, y = digits[0][:256], digits[1][:256]
    teacher = image_network(keras3(), (8, 16), 0)
    student = image_network(keras3(), (4, 6), 1, ends=None)
    student = tfedge.quantize(tfedge.prune(student), calibration=x)
    assert output_names(student) == ["head"]
    losses = [DecoupledKD(), DIST(), *LEARNED[4:]]
    distiller = tfedge.Distiller(student, teacher, losses, alpha=0.0)
    distiller.compile(keras.optimizers.Adam(3e-3))
    logs = distiller.fit(x, y, epochs=3, verbose=0).history["distillation_loss"]
    assert logs[-1] < logs[0]


def test_a_student_of_labels_and_a_student_of_values(digits):
    x = digits[0][:512].reshape(-1, 64)
    targets = np.stack([x.mean(1), x.std(1), x[:, :32].mean(1)], 1)

    def net(units, ends, seed):
        keras3().utils.set_random_seed(seed)
        inputs = keras3().Input((64,))
        hidden = keras3().layers.Dense(units, "relu")(inputs)
        return keras3().Model(inputs, keras3().layers.Dense(3, ends)(hidden))

    for ends, loss, labels in (
        ("sigmoid", None, targets > np.median(targets, axis=0)),
        (None, RegressionTarget("huber"), targets),
    ):
        teacher = net(32, ends, 0)
        teacher.compile("adam", "mse")
        teacher.fit(x, labels, epochs=3, verbose=0)
        distiller = tfedge.Distiller(net(8, ends, 1), teacher, loss, alpha=0.0)
        distiller.compile(keras.optimizers.Adam(3e-3))
        logs = distiller.fit(x, epochs=5, verbose=0).history["distillation_loss"]
        assert logs[-1] < 0.7 * logs[0]


def test_by_output():
    names = ["a", "b"]
    assert by_output("y", None, names) == [None, None]
    assert by_output("y", {"quant_a": 1}, names) == [1, None]
    assert by_output("y", (1, 2), names) == [1, 2]
    for given in (1, [1], [1, 2, 3]):
        with pytest.raises(ArgumentError, match=r"y does not fit the 2 outputs \['a', 'b'\]"):
            by_output("y", given, names)


def test_replicas_and_mixed_precision():
    program = """
        import os
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import contextlib
        import numpy as np, tensorflow as tf
        cpu = tf.config.list_physical_devices("CPU")[0]
        halves = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, halves)
        import tf_keras, tfedge
        from tfedge.distill import *
        def net(width):
            inputs = tf_keras.Input((8, 8, 1))
            x = tf_keras.layers.Conv2D(width, 3, activation="relu", name="conv")(inputs)
            x = tf_keras.layers.GlobalAveragePooling2D()(x)
            return tf_keras.Model(inputs, tf_keras.layers.Dense(3, dtype="float32")(x))
        rng = np.random.default_rng(0)
        x, y, weights = rng.random((64, 8, 8, 1)), rng.integers(0, 3, 64), rng.random(64)
        loss = tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        def trained(scope, losses):
            tf_keras.utils.set_random_seed(0)
            student, teacher = net(2), net(6)
            with scope:
                distiller = tfedge.Distiller(student, teacher, losses)
                distiller.compile(tf_keras.optimizers.SGD(0.01), loss, steps_per_execution=2)
            logs = distiller.fit(x, y, sample_weight=weights, shuffle=False, epochs=3, verbose=0)
            return logs.history["loss"]
        single = [SoftTarget(), DecoupledKD(), AttentionTransfer()]
        among = [DIST(), RelationalKD(distance=1, angle=2), SimilarityPreserving(weight=1.0)]
        among += [ContrastiveKD(), TripletMargin()]
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
        alone = trained(contextlib.nullcontext(), single)
        np.testing.assert_allclose(alone, trained(strategy.scope(), single), rtol=1e-4)
        assert np.all(np.isfinite(trained(strategy.scope(), single + among)))
        whole = trained(contextlib.nullcontext(), single + among)
        tf_keras.mixed_precision.set_global_policy("mixed_float16")
        half = trained(contextlib.nullcontext(), single + among)
        np.testing.assert_allclose(whole, half, rtol=0.02)
        print("same")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True
    )
    assert "same" in done.stdout, done.stderr[-2000:]
