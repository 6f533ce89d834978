"""Losses of distillation against the papers' formulas: values and gradients."""

import itertools

import loss_formulas as papers
import numpy as np
import pytest
import tensorflow as tf

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

RIGHT = np.array([0, 3, 1, 1, 2])
MAP, WIDE, VECTOR = (5, 4, 3, 6), (5, 4, 3, 2), (5, 6)

# name: (loss, formula of (teacher, student), teacher's shape, student's shape, takes labels)
CASES = {
    "soft": (SoftTarget(3), lambda t, s: papers.soft_target(t, s, 3), VECTOR, VECTOR, False),
    "cross-entropy": (
        SoftTarget(2, form="cross_entropy"),
        lambda t, s: papers.soft_target(t, s, 2, "cross_entropy"),
        (5, 2, 6),
        (5, 2, 6),
        False,
    ),
    "binary": (
        BinarySoftTarget(3, weight=2),
        lambda t, s: 2 * papers.binary_soft_target(t, s, 3),
        VECTOR,
        VECTOR,
        False,
    ),
    "binary cross-entropy": (
        BinarySoftTarget(2, form="cross_entropy"),
        lambda t, s: papers.binary_soft_target(t, s, 2, "cross_entropy"),
        (5, 2, 6),
        (5, 2, 6),
        False,
    ),
    "squared": (RegressionTarget(), papers.regression, VECTOR, VECTOR, False),
    "absolute": (
        RegressionTarget("absolute"),
        lambda t, s: papers.regression(t, s, "absolute"),
        (5, 2, 6),
        (5, 2, 6),
        False,
    ),
    "huber": (
        RegressionTarget("huber", 0.7),
        lambda t, s: papers.regression(t, s, "huber", 0.7),
        VECTOR,
        VECTOR,
        False,
    ),
    "decoupled": (
        DecoupledKD(1.5, 4, temperature=2),
        lambda t, s: papers.decoupled(t, s, RIGHT, 1.5, 4, 2),
        VECTOR,
        VECTOR,
        True,
    ),
    "dist": (DIST(2, 3, 4), lambda t, s: papers.dist(t, s, 2, 3, 4), VECTOR, VECTOR, False),
    "hint": (FeatureHint(), papers.hint, MAP, MAP, False),
    "attention": (AttentionTransfer(), papers.attention, MAP, WIDE, False),
    "attention of series": (AttentionTransfer(), papers.attention, (5, 7, 3), (5, 7, 2), False),
    "relational": (RelationalKD(), papers.relational, VECTOR, (5, 3), False),
    "distances": (
        RelationalKD(angle=0),
        lambda t, s: papers.relational(t, s, angle=0),
        MAP,
        (5, 3),
        False,
    ),
    "similarity": (
        SimilarityPreserving(weight=7),
        lambda t, s: 7 * papers.similarity(t, s),
        MAP,
        (5, 2, 3),
        False,
    ),
    "contrast": (
        ContrastiveKD(temperature=0.5),
        lambda t, s: papers.similarity_contrast(t, s, 0.5),
        VECTOR,
        VECTOR,
        False,
    ),
    "instances": (
        ContrastiveKD(temperature=0.5, form="instance"),
        lambda t, s: papers.instance_contrast(t, s, None, 0.5),
        VECTOR,
        VECTOR,
        False,
    ),
    "instances with labels": (
        ContrastiveKD(temperature=0.5, form="instance"),
        lambda t, s: papers.instance_contrast(t, s, RIGHT, 0.5),
        VECTOR,
        VECTOR,
        True,
    ),
    "triplets": (
        TripletMargin(),
        lambda t, s: papers.triplet(t, s, RIGHT),
        VECTOR,
        VECTOR,
        True,
    ),
}
BATCHWISE = ("dist", "relational", "distances", "similarity")


def case(name):
    loss, formula, *shapes, labelled = CASES[name]
    rng = np.random.default_rng(3)
    teacher, student = (rng.normal(size=shape) * 2 for shape in shapes)
    return loss, formula, teacher, student, RIGHT if labelled else None


@pytest.mark.parametrize("name", CASES)
def test_values_are_the_papers(name):
    loss, formula, teacher, student, labels = case(name)
    found, expected = loss.call(teacher, student, labels).numpy(), formula(teacher, student)
    assert found.dtype == np.float32
    if name in BATCHWISE:
        assert found.shape == (5,)
        found = found.mean()
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_the_papers(name):
    loss, formula, teacher, student, labels = case(name)
    made = tf.Variable(student, dtype=tf.float32)
    with tf.GradientTape() as tape:
        mean = tf.reduce_mean(loss.call(teacher, made, labels))
    expected = papers.gradient(lambda s: np.mean(formula(teacher, s)), student)
    found = tape.gradient(mean, made).numpy()
    assert np.abs(expected).max() > 1e-6
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_lost_where_student_equals_teacher(name):
    """Zero, or for forms with a value of their own a minimum: no gradient."""
    loss, _, teacher, _, labels = case(name)
    made = tf.Variable(teacher, dtype=tf.float32)
    with tf.GradientTape() as tape:
        each = loss.call(teacher, made, labels)
        mean = tf.reduce_mean(each)
    if name.startswith(("instances", "triplets")):
        swapped = np.roll(teacher, 1, axis=0)
        assert float(mean) < float(tf.reduce_mean(loss.call(teacher, swapped, labels)))
        return
    if "cross-entropy" not in name:
        np.testing.assert_allclose(tf.reduce_mean(each), 0, atol=1e-5)
    if name != "absolute":
        np.testing.assert_allclose(tape.gradient(mean, made), 0, atol=2e-5)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("samples", [1, 2])
def test_small_batches_and_constant_features(name, samples):
    loss, _, teacher, student, labels = case(name)
    labels = None if labels is None else labels[:samples]
    teacher, student = teacher[:samples], student[:samples]
    sides = [
        [np.float32(x) for x in (side, np.zeros_like(side), np.full_like(side, 0.3))]
        for side in (teacher, student)
    ]
    for known, made in itertools.product(*sides):
        made = tf.Variable(made)
        with tf.GradientTape() as tape:
            each = loss.call(known, made, labels)
            mean = tf.reduce_mean(each)
        assert each.shape[0] == samples and np.all(np.isfinite(each))
        gradient = tape.gradient(mean, made)
        assert np.all(np.isfinite(gradient)) and np.abs(gradient).max() < 1e6
