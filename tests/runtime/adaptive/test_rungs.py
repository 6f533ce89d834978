"""One variant in this very process: interpreters of several sizes share the work."""

import numpy as np
import pytest

from tfedge.runtime.adaptive import session

SECONDS = {1: 1.0, 2: 1.5, 8: 4.0, 32: 8.0}


@pytest.fixture(scope="module")
def rung(load):
    lite = load("cnn_float")
    settings = {"runtime": "litert", "threads": 1, "accelerator": "cpu"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "_seconds", lambda slot, inputs: SECONDS[slot.size])
        return session._Rung(lite.content, settings, list(lite.inputs), False, batch=32)


@pytest.mark.parametrize(
    ("samples", "sizes"),
    [(1, [1]), (2, [2]), (7, [8]), (9, [8, 1]), (33, [32, 1]), (45, [32, 8, 2, 2, 1])],
)
def test_few_samples_do_not_pay_for_many(rung, load, digits, monkeypatch, samples, sizes):
    # By hand: of what is left, each run is the one with the fewest seconds for a sample.
    used, x = [], digits["x"][:samples]
    for slot, _ in rung._slots:
        run = lambda pieces, slot=slot, run=slot.run: used.append(slot.size) or run(pieces)  # noqa: E731
        monkeypatch.setattr(slot, "run", run)
    found = [output.copy() for output in rung.run([[x[:1]], [x[1:]]])]
    assert used == sizes
    np.testing.assert_allclose(found[0], load("cnn_float").predict(x), atol=1e-5)
