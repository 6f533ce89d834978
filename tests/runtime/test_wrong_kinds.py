"""Arguments of kinds that nobody expects: each is refused by name, before any work."""

import numpy as np
import pytest

import tfedge
from tfedge.adaptive import Variant
from tfedge.core.errors import ArgumentError
from tfedge.runtime.processors import processors

NO_PATHS = [None, 3, 1.5, b"a", [], {}, np.ones(2), len]


@pytest.mark.parametrize("value", NO_PATHS)
def test_what_is_no_path(load, value):
    lite = load("cnn_int8")
    with pytest.raises(ArgumentError, match=r"^path=.* must be a path"):
        tfedge.TFLiteModel.load(value)
    with pytest.raises(ArgumentError, match=r"^path=.* must be a path"):
        lite.save(value)
    with pytest.raises(ArgumentError, match=r"^path=.* must be a path"):
        lite.to_c(value)
    with pytest.raises(ArgumentError, match=r"^root=.* must be a path"):
        tfedge.energy(lite, root=value)
    with pytest.raises(ArgumentError, match=r"^accelerator=.* must be a path"):
        tfedge.Runner(lite, accelerator=value)


def test_records_are_saved_to_paths(load, tmp_path):
    record = tfedge.energy(load("cnn_int8"), method="estimated")
    with pytest.raises(ArgumentError, match="must be a path"):
        tfedge.save_record(record, 3)
    with pytest.raises(ArgumentError, match="must be a path"):
        tfedge.load_record(None)


@pytest.mark.parametrize("value", ["abc", None, [], np.ones(2)])
def test_an_estimate_refuses_a_runtime_that_does_not_exist(load, value):
    with pytest.raises(ArgumentError, match=r"^runtime=.* is not known"):
        tfedge.energy(load("cnn_int8"), method="estimated", runtime=value)


@pytest.mark.parametrize("value", [[], (), {}, b"", tfedge.devices.list("phone").rows[:0]])
def test_no_device_at_all(load, value):
    with pytest.raises(ArgumentError, match="names no device"):
        tfedge.fits(load("cnn_int8"), value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"sensors": "power_w"}, "sensors='power_w' must be functions by name"),
        ({"sensors": [len]}, "must be functions by name"),
        ({"sensors": 0}, "sensors=0 must be functions by name"),
        ({"clock": None}, "clock=None must be a function"),
        ({"clock": 3}, "clock=3 must be a function"),
        ({"timeout_s": float("inf")}, r"timeout_s=inf must be a number in \[0, 86400\]"),
        ({"timeout_s": 0}, "timeout_s=0 must be a number above 0"),
    ],
)
def test_settings_of_the_adaptive_runner(load, settings, says):
    with pytest.raises(ArgumentError, match=says):
        tfedge.AdaptiveRunner([load("cnn_int8")], **settings)


@pytest.mark.parametrize("value", [3, None, [], np.ones(2), len])
def test_names_of_variants_are_texts(load, value):
    with pytest.raises(ArgumentError, match=r"^name=.* must be a text"):
        Variant(load("cnn_int8"), name=value)


@pytest.mark.parametrize("value", ["good", [], float("nan"), float("inf"), np.ones(2)])
def test_accuracies_of_variants_are_numbers(load, value):
    with pytest.raises(ArgumentError, match=r"^accuracy=.* must be a number"):
        Variant(load("cnn_int8"), accuracy=value)


MANY = {"threads": processors() + 1}
WAYS = {
    "Runner": lambda lite, x: tfedge.Runner(lite, **MANY),
    "Variant": lambda lite, x: Variant(lite, **MANY),
    "compare_latency": lambda lite, x: tfedge.compare_latency(
        lite, lite, runs=10, verbose=0, **MANY
    ),
    "evaluate": lambda lite, x: tfedge.evaluate(lite, x, [0], verbose=0, **MANY),
    "predict": lambda lite, x: lite.predict(x, **MANY),
}


@pytest.mark.filterwarnings("ignore::tfedge.errors.NoisyTimingWarning")
@pytest.mark.parametrize("way", WAYS)
def test_more_threads_than_processors_are_warned_of_where_the_user_asked(load, way):
    with pytest.warns(UserWarning, match=r"threads=\d+ is more than the \d+ processors") as seen:
        WAYS[way](load("cnn_int8"), np.zeros((1, 8, 8, 1)))
    told = [one.filename for one in seen if "threads=" in str(one.message)]
    assert told == [__file__]
