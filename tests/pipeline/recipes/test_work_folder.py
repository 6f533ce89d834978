"""Work folders: stages that are kept, found again, and never half there."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tfedge
from tfedge.core.errors import StorageError
from tfedge.pipeline import line, stages

STEPS = [
    {"kind": "prune_channels", "macs": 0.7, "epochs": 1},
    {"kind": "prune", "sparsity": 0.5, "layers": ".*", "epochs": 1},
    {"kind": "convert", "quantize": "float32"},
]


@pytest.fixture(scope="module")
def whole(classifier, train_data, val_data):
    """Return the result of a run that nothing interrupted, without a work folder."""
    return tfedge.run(STEPS, classifier, train_data, val_data, verbose=0)


@pytest.fixture
def start(classifier, train_data, val_data):
    """Return a function that runs the recipe in a work folder."""

    def run(work, steps=STEPS, model=classifier, train=train_data, val=val_data, **settings):
        return tfedge.run(steps, model, train, val, work=work, verbose=0, **settings)

    return run


@pytest.fixture
def done(monkeypatch):
    """Return the list of kinds of steps that were really done."""
    kinds = []
    made = line.Line._made

    def noted(self, step, before, seed):
        kinds.append(step.kind)
        return made(self, step, before, seed)

    monkeypatch.setattr(line.Line, "_made", noted)
    return kinds


def same(one, other):
    """Return whether two results are the same but for the time that they took."""
    first, second = (
        [(stage.kind, stage.digest, stage.metrics, stage.macs) for stage in each.stages]
        for each in (one, other)
    )
    return one.lite.content == other.lite.content and first == second


def test_a_killed_run_goes_on_and_gives_the_same(tmp_path, classifier, train_data, val_data, done):
    steps = [*STEPS[:2], {"kind": "train", "epochs": 400}, STEPS[2]]
    (tmp_path / "recipe.json").write_text(json.dumps({"steps": steps}))
    classifier.save(tmp_path / "model.keras")
    (x, y), (val_x, val_y) = train_data, val_data
    np.savez(tmp_path / "data.npz", x=x, y=y, val_x=val_x, val_y=val_y)
    program = Path(__file__).with_name("killed_run.py")
    with subprocess.Popen([sys.executable, program, tmp_path]) as process:
        wait_for(lambda: list(tmp_path.glob("work/prune-*/stage-*.json")), process)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    work = tmp_path / "work"
    steps[2]["epochs"] = 1
    given = steps, tmp_path / "model.keras", train_data, val_data
    resumed = tfedge.run(*given, work=work, verbose=0)
    assert done == ["train", "convert"]
    assert same(resumed, tfedge.run(*given, verbose=0))


def wait_for(condition, process, seconds=180):
    """Wait until something is so, while a process runs."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the process ended before it was killed"
        assert time.monotonic() < end, "the process took too long"
        time.sleep(0.05)


def test_nothing_is_made_twice(tmp_path, start, whole, done):
    first = start(tmp_path)
    assert done == [step["kind"] for step in STEPS]
    again = start(tmp_path)
    assert len(done) == len(STEPS)
    assert same(first, whole)
    assert same(again, whole)
    assert again.lite.notes.keys() == whole.lite.notes.keys()
    assert [s.seconds for s in again.stages] == [s.seconds for s in first.stages]


def test_recipes_share_the_stages_that_they_have_in_common(tmp_path, start, done):
    start(tmp_path)
    start(tmp_path, [*STEPS[:2], {"kind": "convert", "quantize": "float16"}])
    assert done[3:] == ["convert"]
    start(tmp_path, [STEPS[0], {**STEPS[1], "sparsity": 0.6}, STEPS[2]])
    assert done[4:] == ["prune", "convert"]
    start(tmp_path, seed=1)
    assert done[6:] == [step["kind"] for step in STEPS]


def test_other_validation_data_judge_anew_and_make_nothing(tmp_path, start, val_data, done):
    first = start(tmp_path)
    x, y = val_data
    other = start(tmp_path, val=(x[:40], y[:40]))
    assert len(done) == len(STEPS)
    assert other.lite.content == first.lite.content
    right = tfedge.evaluate(first.lite, x[:40], y[:40], verbose=0).accuracy
    assert other.metrics == {"accuracy": right}
    assert start(tmp_path, val=None).metrics == {}


def test_ctrl_c_keeps_finished_stages(tmp_path, start, whole, done, monkeypatch):
    keep = stages.WorkFolder.keep

    def interrupted(self, key, stage, made):
        if stage.kind == "prune":
            raise KeyboardInterrupt
        keep(self, key, stage, made)

    monkeypatch.setattr(stages.WorkFolder, "keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start(tmp_path)
    monkeypatch.setattr(stages.WorkFolder, "keep", keep)
    assert same(start(tmp_path), whole)
    assert done == ["prune_channels", "prune", "prune", "convert"]


def test_a_full_disk_is_said_and_leaves_nothing_half(tmp_path, start, whole, monkeypatch):
    def full(path, content):
        if "prune-" in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_whole(path, content)

    write_whole = stages.write_whole
    monkeypatch.setattr(stages, "write_whole", full)
    with pytest.raises(StorageError, match=r"Cannot keep the stage 'prune' in .*No space left"):
        start(tmp_path)
    assert sorted(path.name.split("-")[0] for path in tmp_path.iterdir()) == [
        "original", "prune_channels", "work.json",
    ]  # fmt: skip
    monkeypatch.setattr(stages, "write_whole", write_whole)
    assert same(start(tmp_path), whole)


@pytest.mark.parametrize("damage", ["model", "record"])
def test_a_damaged_stage_is_made_anew(tmp_path, start, whole, done, damage):
    start(tmp_path)
    [place] = tmp_path.glob("prune-*")
    path = place / ("model.keras" if damage == "model" else "stage.json")
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.warns(UserWarning, match="is damaged; it is made anew"):
        again = start(tmp_path)
    assert same(again, whole)
    assert done[3:] == ["prune"]


def test_leftovers_of_killed_processes_are_swept(tmp_path, start):
    host = stages.socket.gethostname()
    gone, mine, other = (
        tmp_path / f".prune-ab.{name}.{number}"
        for name, number in ((host, 2**22 + 1), (host, os.getpid()), ("elsewhere", 2**22 + 1))
    )
    for folder in (gone, mine, other):
        folder.mkdir()
    start(tmp_path, [STEPS[2]])
    assert [folder.exists() for folder in (gone, mine, other)] == [False, True, True]


def test_a_folder_of_something_else_is_said_and_not_used(
    tmp_path, start, train_data, done, monkeypatch
):
    steps = [STEPS[2]]
    start(tmp_path, steps)
    x, y = train_data
    with pytest.warns(UserWarning, match="was used with other training data before"):
        start(tmp_path, steps, train=(x[1:], y[1:]))
    monkeypatch.setattr(stages, "__version__", "0.0.1")
    with pytest.warns(UserWarning, match=r"used with tfedge .* \(this is 0.0.1\), other training"):
        start(tmp_path, steps)
    assert len(done) == 3


def test_a_folder_that_cannot_be_made_is_said(tmp_path, start):
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError, match="Cannot make the work folder"):
        start(tmp_path / "taken" / "work")


def test_losses_with_other_settings_share_no_stage(tmp_path, start, done):
    steps = [{"kind": "train", "epochs": 1}, STEPS[2]]
    loss = {"name": "sparse_categorical_crossentropy"}
    start(tmp_path, steps, loss=loss)
    start(tmp_path, steps, loss={**loss, "ignore_class": 9})
    assert done == ["train", "convert"] * 2


def test_layers_of_users_own_survive_a_stage(tmp_path, start, train_data):
    from tfedge.models.flavours import tf_keras

    keras = tf_keras()

    class Doubled(keras.layers.Layer):
        """Twice what comes in."""

        def call(self, inputs):
            return 2 * inputs

    inputs = keras.Input((6,))
    hidden = Doubled(name="doubled")(keras.layers.Dense(8, activation="relu")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(hidden))
    result = start(tmp_path, STEPS[1:], model=model)
    assert [stage.kind for stage in result.stages] == ["original", "prune", "convert"]
