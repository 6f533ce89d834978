"""A search on the machines of a Ray cluster."""

import json
import re
import sys

import numpy as np
import pytest

pytest.importorskip("optuna")

import tfedge
from tfedge.errors import ArgumentError, MissingPackageError, WorkerError
from tfedge.models.flavours import keras3
from tfedge.pipeline.search.ray_crew import ray_crew
from tfedge.pipeline.search.subject import check_settings

BUDGET = tfedge.Budget(accuracy_drop=0.5, trials=8)


def test_what_is_missing_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'tfedge\[ray\]'"):
        check_settings(BUDGET, 1, 0, "ray", "tpe")
    with pytest.raises(ArgumentError, match="workers='dask'"):
        check_settings(BUDGET, 1, 0, "dask", "tpe")


@pytest.fixture(scope="module")
def cluster():
    """A Ray cluster of one machine."""
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    ray.init(num_cpus=1, include_dashboard=False, logging_level="ERROR")
    yield ray
    ray.shutdown()


@pytest.mark.slow
def test_trials_are_made_once_by_all_machines(cluster, tmp_path):
    keras = keras3()
    keras.utils.set_random_seed(0)
    stack = [keras.Input((6,)), keras.layers.Dense(24, "relu"), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential(stack, name="vectors")
    x = np.random.default_rng(0).random((900, 6), "float32")
    y = x[:, :3].argmax(1)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x[:500], y[:500], epochs=4, verbose=0)
    data = (x[:500], y[:500]), (x[500:], y[500:])
    result = tfedge.compress(
        model, *data, BUDGET, epochs=1, work=tmp_path, workers="ray", verbose=0
    )
    assert [one.number for one in result.trials] == list(range(len(result.trials)))
    assert sum(one.state == "complete" for one in result.trials) == 8
    assert len({json.dumps(one.recipe) for one in result.trials}) == len(result.trials)
    journal = (tmp_path / "journal.log").read_text()
    assert len(set(re.findall(r'"owner": ?"(\d+-\w+)"', journal))) == 2
    assert cluster.is_initialized() and result.met


@pytest.mark.slow
def test_a_folder_that_a_machine_does_not_see_is_said(cluster, tmp_path):
    with pytest.raises(WorkerError, match="not seen by a machine"), ray_crew(tmp_path / "nowhere"):
        pass
