import contextlib
import os
import signal
import threading
import time
import warnings
from concurrent.futures import CancelledError, Future

import numpy as np
import pytest

import tfedge
from tfedge.adaptive import CpuLoad, LatencyTarget, Policy, PowerBudget, Temperature, Variant
from tfedge.core.errors import ArgumentError, DataError, DeviceError, ModelError, WorkerError
from tfedge.runtime.interpreter import available_runtimes

pytestmark = pytest.mark.timeout(120)


class Told(Policy):
    """Takes the variant that it is told."""

    up_after_s = 0.0

    def __init__(self, rung=0):
        self.rung = rung

    def wanted(self, signals, rung):
        return self.rung


def engine(runner):
    return runner._engine


def pid(runner):
    return engine(runner)._executor._worker.pid


def kill(runner):
    """Kill the worker; one that is just being started again, as soon as it is there."""
    while (found := pid(runner)) is None:
        time.sleep(0.001)
    with contextlib.suppress(ProcessLookupError):  # it had died by itself
        os.kill(found, signal.SIGKILL)


@pytest.fixture(scope="module")
def ladder(load):
    return [Variant(load("cnn_int8"), name="int8"), Variant(load("cnn_float"), name="float")]


@pytest.fixture(scope="module")
def answers(ladder, digits):
    return [variant.model.predict(digits["x"]) for variant in ladder]


@pytest.mark.parametrize("runtime", [name for name in available_runtimes() if name != "tf.lite"])
@pytest.mark.parametrize(
    "name",
    ["cnn_float", "cnn_int8", "cnn_int8_float_io", "cnn_int16x8", "cnn_dynamic", "cnn_float16"],
)
def test_answers_are_those_of_runner(load, digits, name, runtime):
    x = digits["x"][:50]
    expected = tfedge.Runner(load(name), runtime).predict(x)
    step = 1.001 * (load(name).outputs[0].scale or 0.0) + 1e-6
    with tfedge.AdaptiveRunner([load(name)], runtime=runtime) as runner:
        np.testing.assert_allclose(runner.predict(x), expected, atol=step)
        futures = [runner.submit(x[place : place + 3]) for place in range(0, 48, 3)]
        found = np.concatenate([future.result() for future in futures])
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected[:48], atol=step)


@pytest.mark.parametrize(
    "name", ["fixed_reshape", "mixes_samples", "four_at_once", "tokens", "lstm"]
)
def test_graphs_that_batches_break(load, name):
    model = load(name)
    tensor, rng = model.inputs[0], np.random.default_rng(0)
    x = rng.random((11, *tensor.shape[1:]), "float32")
    if tensor.dtype == "int32":
        x = rng.integers(0, 16, x.shape)
    expected = tfedge.Runner(model).predict(x)
    with tfedge.AdaptiveRunner([Variant(model, batch=4)]) as runner:
        np.testing.assert_allclose(runner.predict(x), expected, atol=1e-5)
        futures = [runner.submit(x[place : place + 2]) for place in range(10)]
        for place, future in enumerate(futures):
            if name != "four_at_once":
                np.testing.assert_allclose(future.result(), expected[place : place + 2], atol=1e-5)


def test_several_inputs_and_outputs_by_name(load):
    rng = np.random.default_rng(0)
    x = {"left": rng.random((5, 6), "float32"), "right": rng.random((5, 3, 2), "float32")}
    expected = load("two_by_two").predict(x)
    with tfedge.AdaptiveRunner([load("two_by_two")]) as runner:
        found = runner.submit(x).result()
    assert set(found) == set(expected) == {"size", "kind"}
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-6)


def test_all_samples_of_a_request_come_from_one_variant(ladder, digits, answers):
    policy = Told(0)
    stop = threading.Event()

    def swing():
        while not stop.is_set():
            policy.rung = 1 - policy.rung
            time.sleep(0.0005)

    swinging = threading.Thread(target=swing)
    swinging.start()
    try:
        with tfedge.AdaptiveRunner(ladder, policy) as runner:
            starts = np.random.default_rng(0).integers(0, 300, 400)
            futures = [runner.submit(digits["x"][at : at + 6]) for at in starts]
            found = [future.result() for future in futures]
            log = runner.decisions
    finally:
        stop.set()
        swinging.join()
    used = []
    for at, values in zip(starts, found, strict=True):
        fits = [np.allclose(values, rung[at : at + 6], atol=5e-3) for rung in answers]
        exact = [np.abs(values - rung[at : at + 6]).max() for rung in answers]
        assert any(fits)
        used.append(int(np.argmin(exact)))
    assert set(used) == {0, 1}
    assert sum(log.samples.values()) == 2400
    assert len(log) > 2


def test_many_threads_get_their_own_answers(ladder, digits, answers):
    wrong, x = [], digits["x"]
    with tfedge.AdaptiveRunner(ladder[1:], max_delay_ms=1.0) as runner:

        def ask(seed):
            for at in np.random.default_rng(seed).integers(0, len(x) - 2, 100):
                values = runner.predict(x[at : at + 2])
                if not np.allclose(values, answers[1][at : at + 2], atol=1e-5):
                    wrong.append(at)

        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert runner.decisions.samples == {"float": 1600}
    assert not wrong


def test_requests_are_copied_when_they_are_submitted(ladder, digits, answers):
    x = digits["x"][:4].copy()
    with tfedge.AdaptiveRunner(ladder, max_delay_ms=50.0) as runner:
        future = runner.submit(x)
        x[:] = 0
        np.testing.assert_allclose(future.result(), answers[1][:4], atol=1e-5)


def test_close_answers_what_waits_and_refuses_what_comes_later(ladder, digits, answers):
    runner = tfedge.AdaptiveRunner(ladder, max_delay_ms=10_000.0)
    futures = [runner.submit(digits["x"][at : at + 1]) for at in range(60)]
    started = time.monotonic()
    runner.close()
    assert time.monotonic() - started < 8
    found = np.concatenate([future.result(timeout=0) for future in futures])
    np.testing.assert_allclose(found, answers[1][:60], atol=1e-5)
    with pytest.raises(WorkerError, match="was closed"):
        runner.submit(digits["x"][:1])
    runner.close()


def test_a_runner_that_is_forgotten_ends_its_worker(ladder, digits):
    runner = tfedge.AdaptiveRunner(ladder)
    future, worker = runner.submit(digits["x"][:1]), engine(runner)._executor._worker
    del runner
    assert future.result().shape == (1, 10)
    assert not worker.alive


def test_a_request_can_be_cancelled_while_it_waits(ladder, digits):
    with tfedge.AdaptiveRunner(ladder, max_delay_ms=200.0) as runner:
        first, second = runner.submit(digits["x"][:1]), runner.submit(digits["x"][:1])
        assert first.cancel()
        assert second.result().shape == (1, 10)
        with pytest.raises(CancelledError):
            first.result()


def test_a_killed_worker_costs_no_request(ladder, digits, answers):
    with tfedge.AdaptiveRunner(ladder) as runner:
        futures = []
        for at in range(300):
            if at in (150, 250):  # well again; three deaths in a row would be given up
                futures[at - 50].result(timeout=60)
            if at in (50, 150, 151, 250):
                kill(runner)
            futures.append(runner.submit(digits["x"][at : at + 1]))
            time.sleep(0.001)
        found = np.concatenate([future.result(timeout=60) for future in futures])
        log = runner.decisions
    np.testing.assert_allclose(found, answers[1][:300], atol=1e-5)
    assert log.restarts >= 2
    assert log.failures == 0
    assert "restarts" in repr(log)


def test_a_worker_that_dies_before_it_is_asked_costs_no_request(
    ladder, digits, answers, monkeypatch
):
    with tfedge.AdaptiveRunner(ladder) as runner:
        worker = engine(runner)._executor._worker
        call, left = worker.call, [2]

        def late(target, *args, **options):
            if target.endswith(":run") and left[0]:
                left[0] -= 1
                kill(runner)
                while worker.alive:
                    time.sleep(0.001)
            return call(target, *args, **options)

        monkeypatch.setattr(worker, "call", late)
        found = runner.predict(digits["x"][:3])
        np.testing.assert_allclose(found, answers[1][:3], atol=1e-5)
        assert runner.decisions.restarts == 2
        assert runner.decisions.failures == 0


def test_only_the_guilty_request_bears_the_error(ladder, digits, answers, monkeypatch):
    with tfedge.AdaptiveRunner(ladder[1:], max_delay_ms=100.0) as runner:
        executor = engine(runner)._executor
        call = executor._worker.call

        def deadly(target, rung, parts, **options):
            if any(part[0].flat[0] == 0.5 for part in parts):
                os.kill(pid(runner), signal.SIGKILL)
            return call(target, rung, parts, **options)

        def dispatch(target, *args, **options):
            chosen = deadly if target.endswith(":run") else call
            return chosen(target, *args, **options)

        monkeypatch.setattr(executor._worker, "call", dispatch)
        poison = np.full((1, 8, 8, 1), 0.5, "float32")
        before = [runner.submit(digits["x"][at : at + 1]) for at in range(3)]
        guilty = runner.submit(poison)
        after = [runner.submit(digits["x"][at : at + 1]) for at in range(3, 6)]
        found = np.concatenate([future.result(timeout=60) for future in (*before, *after)])
        np.testing.assert_allclose(found, answers[1][:6], atol=1e-5)
        with pytest.raises(WorkerError, match=r"'float' failed twice over this request.*SIGKILL"):
            guilty.result(timeout=60)
        assert runner.decisions.failures == 1
        np.testing.assert_allclose(runner.predict(digits["x"][:2]), answers[1][:2], atol=1e-5)


def test_an_error_of_the_runtime_reaches_the_one_who_asked(load):
    good = np.zeros((1, 5), "int32")
    with tfedge.AdaptiveRunner([load("tokens")], max_delay_ms=50.0) as runner:
        futures = [runner.submit(x) for x in (good, good + 99, good)]
        for future in (futures[0], futures[2]):
            assert future.result().shape == (1, 3)
        with pytest.raises(ModelError, match="'tokens' failed: RuntimeError"):
            futures[1].result()


def test_a_run_that_hangs_is_ended(ladder, digits, monkeypatch):
    with tfedge.AdaptiveRunner(ladder[1:], timeout_s=1.0) as runner:
        os.kill(pid(runner), signal.SIGSTOP)
        assert runner.predict(digits["x"][:1]).shape == (1, 10)
        assert runner.decisions.restarts == 1


def test_bad_input_is_refused_before_it_waits(ladder, digits):
    with tfedge.AdaptiveRunner(ladder) as runner:
        for x, says in (
            (np.zeros((2, 8, 8)), "axis of channels is missing"),
            (np.full((1, 8, 8, 1), np.nan), "every value must be a finite"),
            ({"picture": digits["x"]}, "inputs are"),
            (np.array([["a"]]), "numbers expected"),
            (np.zeros((0, 8, 8, 1)), "no samples"),
        ):
            with pytest.raises(DataError, match=says):
                runner.submit(x)
        assert runner.decisions.samples == {"int8": 0, "float": 0}


def test_settings_that_cannot_be_are_refused(ladder, load):
    for variants, settings, says in (
        ([], {}, "one variant at least"),
        (ladder, {"max_delay_ms": -1}, "max_delay_ms=-1"),
        (ladder, {"window_s": 0}, "window_s=0"),
        (ladder, {"timeout_s": "soon"}, "timeout_s='soon'"),
        (ladder, {"policy": "fast"}, "no policy"),
        (ladder, {"policy": []}, "one policy at least"),
        (ladder, {"sensors": {"power_w": 3.0}}, "must be a function"),
        (ladder, {"sensors": {"queue": int}}, "counted by the runner"),
        (ladder, {"policy": PowerBudget(2.0)}, "neither"),
    ):
        with pytest.raises(ArgumentError, match=says):
            tfedge.AdaptiveRunner(variants, **settings)
    with pytest.raises(DeviceError, match=r"reads temperature_c.*sensors=\{'temperature_c'"):
        tfedge.AdaptiveRunner(ladder, Temperature(), sensors={"cpu_load": lambda: 0.1})
    with pytest.raises(ArgumentError, match="threads=0"):
        Variant(load("cnn_float"), threads=0)
    with pytest.warns(UserWarning, match="more than the"):
        Variant(load("cnn_float"), threads=1000)


def test_variants_must_be_alike(ladder, load):
    for other, says in (
        ("fixed_reshape", r"input 'x' of 'fixed_reshape' is real numbers of \(samples, 4, 4\)"),
        ("tokens", r"is int32 of \(samples, 5\)"),
        ("two_by_two", r"'two_by_two' has the inputs \['left', 'right'\]"),
    ):
        with pytest.raises(ModelError, match=says):
            tfedge.AdaptiveRunner([load(other), *ladder])


def test_decisions_are_on_record(ladder, digits, caplog):
    caplog.set_level("INFO", logger="tfedge.adaptive")
    load = [0.0]
    policy = [LatencyTarget(10_000.0), CpuLoad(dwell_s=0.0)]
    sensors = {"cpu_load": lambda: load[0], "humidity": lambda: 0.25}
    with tfedge.AdaptiveRunner(ladder, policy, sensors=sensors) as runner:
        runner.predict(digits["x"][:1])
        assert runner.variant.name == "float"
        load[0] = 1.0
        time.sleep(0.3)
        runner.predict(digits["x"][:1])
        assert runner.variant.name == "int8"
        log = runner.decisions
    [decision] = log
    assert (decision.before, decision.after) == ("float", "int8")
    assert decision.reason == "CpuLoad: cpu_load 1"
    assert decision.signals.extra == {"humidity": 0.25}
    assert "float -> int8" in caplog.text
    table = log.to_pandas()
    assert table["after"].tolist() == ["int8"]
    assert table["cpu_load"].tolist() == [1.0]
    assert table["humidity"].tolist() == [0.25]
    axes = log.plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["int8", "float"]
    heights = axes.lines[0].get_ydata()
    np.testing.assert_array_equal(heights, [1, 0, 0])


def gone():
    """A sensor that was there."""
    raise OSError("gone")


@pytest.mark.parametrize("broken", [gone, lambda: "hot", list, lambda: np.ones(2)])
def test_a_sensor_that_fails_leaves_the_variant_as_it_is(ladder, digits, caplog, broken):
    with tfedge.AdaptiveRunner(ladder, CpuLoad(), sensors={"cpu_load": broken}) as runner:
        for _ in range(3):
            runner.predict(digits["x"][:1])
            time.sleep(0.3)
        assert runner.variant.name == "float"
    assert caplog.text.count("The sensor 'cpu_load' failed") == 1


@pytest.mark.parametrize("found", [None, "0", float("nan"), float("inf"), [1], np.ones(2)])
def test_a_policy_that_wants_no_number_is_refused(ladder, found):
    with pytest.raises(ArgumentError, match=r"Told.wanted\(\) returned .*the number of a variant"):
        tfedge.AdaptiveRunner(ladder, Told(found))


class Wayward(Told):
    """Decides by itself, and cannot say why it takes a variant that is there."""

    def decide(self, signals, rung):
        return self.rung

    def reason(self, signals, rung):
        if self.rung == 0:
            raise OSError("no words")
        return "because"


@pytest.mark.parametrize("found", [0, 7, -1, "small", None])
def test_a_policy_that_fails_leaves_the_variant_as_it_is(ladder, digits, caplog, found):
    with tfedge.AdaptiveRunner(ladder, Wayward(found)) as runner:
        for _ in range(3):
            assert runner.predict(digits["x"][:1]).shape == (1, 10)
        assert runner.variant.name == "float"
        assert not runner.decisions.decisions
    assert caplog.text.count("The policy failed; the variant stays as it is") == 1


def test_evaluate_takes_it_as_a_model(ladder, digits):
    with tfedge.AdaptiveRunner(ladder) as runner:
        found = tfedge.evaluate(runner, digits["x"], digits["y"], verbose=0)
    expected = tfedge.evaluate(ladder[1].model, digits["x"], digits["y"], verbose=0)
    assert found.metrics["accuracy"] == expected.metrics["accuracy"]


def test_nothing_is_said_and_nothing_left_behind(ladder, digits):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = threading.active_count()
        with tfedge.AdaptiveRunner(ladder) as runner:
            assert isinstance(runner.submit(digits["x"][:1]), Future)
            worker = pid(runner)
        assert threading.active_count() == before
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_a_streaming_model_is_refused(load):
    with pytest.raises(ModelError, match=r"'running' keeps variables of its own"):
        tfedge.AdaptiveRunner([load("running")])


def test_a_file_that_the_runtime_dies_of(load, monkeypatch, tmp_path):
    from tfedge.runtime.adaptive import executor

    (tmp_path / "deadly.py").write_text("import os\ndef now(*_, **__):\n    os.abort()\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(executor, "_OPEN", "deadly:now")
    with pytest.raises(WorkerError, match=r"(?s)'cnn_float' cannot be opened.*SIGABRT"):
        tfedge.AdaptiveRunner([load("cnn_float")])
