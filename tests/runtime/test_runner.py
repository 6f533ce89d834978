import os
import signal
import threading
import time
import warnings

import numpy as np
import pytest

from tfedge.core.errors import ArgumentError, DataError, ModelError, WorkerError
from tfedge.runtime import runner as runner_module
from tfedge.runtime.interpreter import available_runtimes, interpreter_worker
from tfedge.runtime.model import TFLiteModel
from tfedge.runtime.runner import Runner

RUNTIMES = [
    pytest.param(name, marks=pytest.mark.slow if name == "tf.lite" else ())
    for name in available_runtimes()
]


@pytest.fixture
def forget(monkeypatch):
    """Forget which batches work."""
    monkeypatch.setattr(runner_module, "_SETTLED", {})


def by_hand(content, x):
    """Run samples one by one as every tutorial does, in this process."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    [source], [target] = interpreter.get_input_details(), interpreter.get_output_details()
    (scale, zero), rows = source["quantization"], []
    for sample in x:
        value = sample[None]
        if scale:
            limits = np.iinfo(source["dtype"])
            value = np.clip(np.round(value / scale) + zero, limits.min, limits.max)
        interpreter.set_tensor(source["index"], value.astype(source["dtype"]))
        interpreter.invoke()
        rows.append(np.copy(interpreter.get_tensor(target["index"])))
    return np.concatenate(rows), target["quantization"]


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", ["cnn_float", "cnn_float16", "cnn_dynamic"])
def test_float_files_agree_with_keras(load, digits, name, runtime):
    found = Runner(load(name), runtime).predict(digits["x"])
    close = {"cnn_float": 1e-5, "cnn_float16": 0.01, "cnn_dynamic": 0.1}[name]
    np.testing.assert_allclose(found, digits["keras"], atol=close)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", ["cnn_int8", "cnn_int8_float_io", "cnn_int16x8"])
def test_integer_files_predict_what_keras_predicts(load, digits, name, runtime):
    found = Runner(load(name), runtime).predict(digits["x"])
    assert found.dtype == np.float32
    assert np.mean(found.argmax(1) == digits["keras"].argmax(1)) > 0.97


@pytest.mark.parametrize("batch_size", [None, 1, 7, 64])
@pytest.mark.parametrize("name", ["cnn_float", "cnn_int8", "cnn_int16x8"])
def test_batches_equal_the_loop_of_every_tutorial(load, digits, name, batch_size, forget):
    codes, (scale, zero) = by_hand(load(name).content, digits["x"])
    runner = Runner(load(name), "litert", batch_size=batch_size)
    if not scale:
        np.testing.assert_allclose(runner.predict(digits["x"]), codes, atol=1e-6)
        return
    raw = Runner(load(name), "litert", batch_size=batch_size)
    real = raw.predict(digits["x"])
    np.testing.assert_allclose(real, (codes.astype("f") - zero) * scale, atol=scale * 1.001)
    assert np.mean(np.isclose(real, (codes.astype("f") - zero) * scale)) > 0.999


def test_raw_speaks_codes_both_ways(load, digits):
    model = load("cnn_int8")
    codes = np.clip(np.rint(digits["x"] / model.inputs[0].scale) - 128, -128, 127).astype("int8")
    found = Runner(model).predict(codes, raw=True)
    assert found.dtype == np.int8
    real = Runner(model).predict(digits["x"])
    np.testing.assert_array_equal(real, (found.astype("f") + 128) / 256)
    with pytest.raises(DataError, match="raw=True takes the file's own codes, int8"):
        Runner(model).predict(digits["x"], raw=True)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_two_inputs_and_two_outputs_by_name(load, tflite_files, runtime):
    expected = np.load(tflite_files / "two_by_two.npz")
    inputs = {name: expected[name] for name in ("right", "left")}
    found = Runner(load("two_by_two"), runtime).predict(inputs)
    for name in ("kind", "size"):
        np.testing.assert_allclose(found[name], expected[name], atol=1e-5)
    listed = Runner(load("two_by_two"), runtime).predict([inputs["left"], inputs["right"]])
    np.testing.assert_array_equal(listed["size"], found["size"])


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_states_are_cleared_between_samples(load, tflite_files, runtime):
    expected = np.load(tflite_files / "lstm.npz")
    found = Runner(load("lstm"), runtime).predict(expected["x"])
    np.testing.assert_allclose(found, expected["y"], atol=1e-6)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_variables_of_the_file_live_through_one_call(load, runtime):
    x = np.random.default_rng(0).normal(size=(300, 4)).astype("float32")
    expected = np.zeros_like(x)
    for number, row in enumerate(x):
        expected[number] = 0.5 * (expected[number - 1] if number else 0) + row
    runner = Runner(load("running"), runtime)
    for _ in range(2):
        np.testing.assert_allclose(runner.predict(x), expected, atol=1e-5)


def test_loops_run(load):
    x = np.random.default_rng(0).normal(size=(70, 4)).astype("float32")
    expected = x
    for _ in range(5):
        expected = np.tanh(2 * expected)
    np.testing.assert_allclose(Runner(load("loop")).predict(x), expected, atol=1e-5)


def test_strings_are_described_and_refused(load):
    model = load("words")
    assert model.inputs[0].dtype == "bytes"
    with pytest.raises(ModelError, match="takes bytes, which is not supported"):
        Runner(model).predict(np.zeros(2))


def test_graphs_that_a_batch_breaks_run_one_by_one(load, tflite_files, forget):
    weights = np.load(tflite_files / "function_weights.npy")
    x = np.random.default_rng(0).normal(size=(300, 16)).astype("float32")
    found = Runner(load("fixed_reshape")).predict(x.reshape(-1, 4, 4))
    np.testing.assert_allclose(found, x @ weights, atol=1e-5)
    found = Runner(load("mixes_samples")).predict(x)
    np.testing.assert_allclose(found, x @ weights - x.mean(1, keepdims=True), atol=1e-5)
    assert set(runner_module._SETTLED.values()) == {1}


def test_batches_are_used_where_they_work_and_remembered(load, digits, forget, monkeypatch):
    Runner(load("cnn_int8"), batch_size=16).predict(digits["x"])
    assert list(runner_module._SETTLED.values()) == [16]
    monkeypatch.setattr(Runner, "_try", None)
    Runner(load("cnn_int8"), batch_size=16).predict(digits["x"])


def test_a_fixed_batch_is_filled_up(load, tflite_files):
    weights = np.load(tflite_files / "function_weights.npy")
    for samples in (1, 4, 6, 300):
        x = np.random.default_rng(0).normal(size=(samples, 16)).astype("float32")
        np.testing.assert_allclose(Runner(load("four_at_once")).predict(x), x @ weights, atol=1e-5)


def test_indices_stay_integers(load, tflite_files):
    weights = np.load(tflite_files / "function_weights.npy")
    tokens = np.random.default_rng(0).integers(0, 16, (50, 5))
    expected = weights[tokens].sum(1)
    for dtype in ("int64", "int32", "uint8", "float32"):
        found = Runner(load("tokens")).predict(tokens.astype(dtype))
        np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(DataError, match=r"value 0.5 in sample 2 at \(1,\) is not a whole number"):
        wrong = tokens.astype("float32")
        wrong[2, 1] = 0.5
        Runner(load("tokens")).predict(wrong)


@pytest.mark.parametrize("samples", [1, 2, 63, 64, 65, 597])
def test_any_number_of_samples(load, digits, samples):
    found = Runner(load("cnn_float")).predict(digits["x"][:samples])
    np.testing.assert_allclose(found, digits["keras"][:samples], atol=1e-5)


def test_streams_yield_batch_by_batch(load, digits):
    parts = [digits["x"][a:b] for a, b in ((0, 5), (5, 300), (300, 301))]
    found = list(Runner(load("cnn_float")).stream(iter(parts)))
    assert [len(part) for part in found] == [5, 295, 1]
    np.testing.assert_allclose(np.concatenate(found), digits["keras"][:301], atol=1e-5)
    assert list(Runner(load("cnn_float")).stream(iter([]))) == []


def test_integers_and_doubles_are_real_values(load, digits):
    x = digits["x"][:20]
    expected = Runner(load("cnn_int8")).predict(x)
    np.testing.assert_array_equal(Runner(load("cnn_int8")).predict(x.astype("float64")), expected)
    whole = Runner(load("cnn_int8")).predict(np.ones((3, 8, 8, 1), "uint8"))
    np.testing.assert_array_equal(
        whole, Runner(load("cnn_int8")).predict(np.ones((3, 8, 8, 1), "float32"))
    )


def spoilt(value, where=(40, 2, 3, 0)):
    """Return images with one bad pixel."""
    x = np.zeros((50, 8, 8, 1), "float32")
    x[where] = value
    return x


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (spoilt(np.nan), r"Input 'image': value nan in sample 40 at \(2, 3, 0\)"),
        (spoilt(np.inf), r"value inf in sample 40"),
        (np.zeros((5, 9, 8, 1)), r"shape \(5, 9, 8, 1\) found, \(samples, 8, 8, 1\) expected"),
        (np.zeros((5, 8, 8)), r"pass x\[..., None\]"),
        (np.zeros((8, 8, 1)), r"pass x\[None\]"),
        (np.zeros((0, 8, 8, 1)), "no samples"),
        (np.array([["a"]]), "dtype <U1 found, numbers expected"),
        (np.zeros((5, 8, 8, 1), complex), "numbers expected"),
        ({"picture": np.zeros((5, 8, 8, 1))}, r"inputs are \['image'\]"),
        ([[1, 2], [3]], "no array can be made"),
    ],
)
def test_unfit_arrays_are_named(load, x, message):
    with pytest.raises(DataError, match=message):
        Runner(load("cnn_int8")).predict(x)


def test_unfit_sets_of_inputs_are_named(load):
    runner = Runner(load("two_by_two"))
    left, right = np.zeros((4, 6)), np.zeros((4, 3, 2))
    with pytest.raises(DataError, match="one ndarray was given"):
        runner.predict(left)
    with pytest.raises(DataError, match="inputs are"):
        runner.predict({"left": left})
    with pytest.raises(DataError, match="differ in their number of samples"):
        runner.predict({"left": left, "right": right[:2]})


def test_the_bad_sample_is_counted_from_the_first_chunk(load):
    runner = Runner(load("cnn_int8"))
    size = runner.chunk_samples()
    x = np.zeros((2 * size + 10, 8, 8, 1), "float32")
    x[2 * size + 3] = np.nan
    assert size < 1e5
    with pytest.raises(DataError, match=f"sample {2 * size + 3} "):
        runner.predict(x)


def test_errors_of_operators_name_the_model(load):
    with pytest.raises(ModelError, match="'tokens' failed on litert after 0 samples"):
        Runner(load("tokens"), "litert").predict(np.full((3, 5), 99))


def test_settings_are_checked(load):
    for bad in ({"threads": 0}, {"batch_size": 0}, {"runtime": "x"}):
        with pytest.raises(ArgumentError):
            Runner(load("cnn_float"), **bad)
    with pytest.warns(UserWarning, match="processors"):
        Runner(load("cnn_float"), threads=1000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Runner(load("cnn_float"), threads=os.cpu_count())


def test_a_worker_killed_while_idle_is_replaced(load, digits):
    runner = Runner(load("cnn_float"), "litert")
    first = runner.predict(digits["x"])
    os.kill(interpreter_worker("litert").pid, signal.SIGKILL)
    while interpreter_worker("litert").alive:
        time.sleep(0.01)
    np.testing.assert_array_equal(runner.predict(digits["x"]), first)


def test_a_worker_killed_in_the_middle_is_an_error_and_the_next_call_works(load, digits):
    runner = Runner(load("cnn_float"), "litert")

    def batches():
        for number in range(6):
            if number == 4:
                os.kill(interpreter_worker("litert").pid, signal.SIGKILL)
            yield digits["x"]

    with pytest.raises(WorkerError, match="'cnn_float' failed on litert after"):
        list(runner.stream(batches()))
    np.testing.assert_allclose(runner.predict(digits["x"]), digits["keras"], atol=1e-5)


def test_data_that_are_predictions_of_another_file(load, digits):
    teacher = Runner(load("cnn_float"), "litert")

    def batches():
        for start in range(0, 400, 100):
            part = digits["x"][start : start + 100]
            teacher.predict(part)
            yield part

    found = np.concatenate(list(Runner(load("cnn_int8"), "litert").stream(batches())))
    np.testing.assert_array_equal(
        found, Runner(load("cnn_int8"), "litert").predict(digits["x"])[:400]
    )


def test_many_files_are_open_by_turns(load, digits):
    models = [load("cnn_float"), load("cnn_int8")]
    runners = [Runner(model, "litert", threads=1, batch_size=b) for model in models for b in (1, 8)]
    contents = [model.content + bytes(n) for n in range(6) for model in models]
    runners += [Runner(TFLiteModel(content), "litert") for content in contents]
    for runner in (*runners, *runners[:4]):
        assert runner.predict(digits["x"][:40]).shape == (40, 10)
    runners[0].close()
    assert runners[0].predict(digits["x"][:2]).shape == (2, 10)


def test_from_several_threads(load, digits):
    results = {}

    def work(name):
        results[name] = Runner(load(name), "litert").predict(digits["x"]).argmax(1)

    threads = [threading.Thread(target=work, args=(n,)) for n in ("cnn_float", "cnn_int8") * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(np.mean(found == digits["y"]) > 0.9 for found in results.values())


@pytest.mark.parametrize("form", [str, lambda path: path, lambda path: path.read_bytes()])
def test_a_file_in_any_form(tflite_files, load, digits, form):
    with Runner(form(tflite_files / "cnn_int8.tflite")) as runner:
        outputs = runner.predict(digits["x"][:8])
    np.testing.assert_array_equal(outputs, load("cnn_int8").predict(digits["x"][:8]))


@pytest.mark.parametrize("model", [np.square, 3])
def test_what_is_no_file(model):
    with pytest.raises(ModelError, match=r"cannot be run\. Convert it to a TFLiteModel"):
        Runner(model)


def test_messages_hold_as_many_bytes_of_codes_as_of_floats(load):
    floats, codes = (Runner(load(name), batch_size=1) for name in ("cnn_float", "cnn_int8"))
    assert codes.chunk_samples() == 4 * floats.chunk_samples() > 0
