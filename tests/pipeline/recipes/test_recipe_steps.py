"""What single steps do with their settings."""

import keras
import numpy as np
import pytest

import tfedge
from tfedge.core.errors import ArgumentError
from tfedge.pipeline.steps.kinds import KINDS
from tfedge.pipeline.steps.training import LABELS, optimizer_of
from tfedge.pipeline.steps.zeros import schedule_of

FLOAT = {"kind": "convert", "quantize": "float32"}


@pytest.fixture
def stages(classifier, train_data):
    """Return a function that runs steps and returns their stages."""

    def run(*steps, **settings):
        given = [*steps, FLOAT], classifier, train_data
        return tfedge.run(*given, verbose=0, **settings).stages

    return run


def test_channels_go_in_several_removals_with_training_between(stages):
    epochs = []
    counted = keras.callbacks.LambdaCallback(on_train_end=lambda logs: epochs.append(1))
    step = {"kind": "prune_channels", "ratio": 0.5, "steps": 2, "epochs": 1}
    made = stages(step, callbacks=[counted])[1]
    assert made.parameters == 6 * 8 + 8 + 8 * 3 + 3
    assert len(epochs) == 2


def test_a_student_is_half_as_wide_and_taught(stages):
    made = stages({"kind": "student", "epochs": 1, "inherit": False})[1]
    assert made.parameters == 6 * 8 + 8 + 8 * 3 + 3


def test_teachers_and_their_losses_change_what_is_learned(stages):
    losses = [{"name": "SoftTarget", "temperature": 2}, "DIST"]
    ways = (
        {"kind": "train"},
        {"kind": "train", "teacher": "original"},
        {"kind": "distill"},
        {"kind": "distill", "losses": losses},
        {"kind": "distill", "alpha": 0.9},
    )
    plain, taught, distilled, two, little = (stages({**way, "epochs": 1})[1].digest for way in ways)
    assert taught == distilled
    assert len({plain, taught, two, little}) == 4


def test_a_train_after_prune_keeps_the_zeros(classifier, train_data):
    steps = [{"kind": "prune", "sparsity": 0.6, "layers": ".*", "epochs": 1}, {"kind": "train"}]
    lite = tfedge.run([*steps, FLOAT], classifier, train_data, verbose=0).lite
    kernels = [value.ravel() for _, value in lite.stored() if value.ndim == 2]
    assert np.mean(np.concatenate(kernels) == 0) == pytest.approx(0.6, abs=0.02)


def test_early_stopping_brings_back_the_best(classifier, train_data, val_data):
    step = {"kind": "train", "epochs": 30, "patience": 1, "learning_rate": 3.0, "decay": "constant"}
    result = tfedge.run([step, FLOAT], classifier, train_data, val_data, verbose=0)
    assert result.stages[1].seconds < 60
    wild = tfedge.run(
        [{**step, "patience": None}, FLOAT], classifier, train_data, val_data, verbose=0
    )
    assert result.stages[1].digest != wild.stages[1].digest


@pytest.mark.parametrize(
    ("settings", "kind", "ends"),
    [
        ({}, "PolynomialDecay", (0, 50)),
        ({"begin": 0.2, "end": 1.0}, "PolynomialDecay", (20, 100)),
        ({"schedule": "cosine"}, "CosineSparsity", (0, 50)),
        ({"schedule": "constant"}, "ConstantSparsity", None),
        ({"pattern": "2:4"}, "ConstantSparsity", None),
    ],
)
def test_schedules_are_parts_of_the_training(settings, kind, ends):
    schedule = schedule_of({**KINDS["prune"].own, **settings}, steps=100)
    assert type(schedule).__name__ == kind
    if ends:
        assert (schedule.begin_step, schedule.end_step) == ends


@pytest.mark.parametrize("name", ["adam", "AdamW", "sgd", "rmsprop", "nadam"])
def test_optimizers_by_name(name):
    found = optimizer_of(name, 0.25)
    assert type(found).__name__.casefold() == name.casefold()
    assert float(found.learning_rate) == 0.25


def test_an_optimizer_has_its_own_settings():
    assert optimizer_of({"name": "sgd", "momentum": 0.5}, 0.1).momentum == 0.5
    with pytest.raises(ArgumentError, match="'adamm' is not known"):
        optimizer_of("adamm", 0.1)


def test_training_settings_are_the_same_everywhere():
    for name in ("prune_channels", "student", "train", "distill", "cluster", "quantize"):
        assert set(LABELS) <= set(KINDS[name].own)
    assert set(LABELS) - set(KINDS["prune"].own) == {"patience"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fast", "balanced", "smallest", "microcontroller", "edgetpu"])
def test_presets_run(name, classifier, train_data, val_data):
    result = tfedge.run(name, classifier, train_data, val_data, verbose=0)
    assert not result.lite.float_operators
    assert result.lite.inputs[0].dtype == ("uint8" if name == "edgetpu" else "int8")
    assert result.metrics["accuracy"] > 0.6
