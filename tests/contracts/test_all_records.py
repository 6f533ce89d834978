"""Every result that a public function hands out is a record that prints and travels."""

import dataclasses
import importlib
import json
import warnings

import pytest
from source_tree import FILES

import tfedge
from tfedge.compress.quantization.exactness import steps_apart
from tfedge.compress.quantization.report import quantization_of
from tfedge.compress.quantization.rounding.learn import learn_rounding
from tfedge.core.record_files import decode_record, encode_record
from tfedge.core.records import Record
from tfedge.models.statistics import model_statistics
from tfedge.pipeline.search.channel_stages import ChannelStages
from tfedge.pipeline.search.few_bits import FewBits
from tfedge.pipeline.search.job import Settings
from tfedge.pipeline.search.narrowing import space_of
from tfedge.report.findings import ConfusionChange
from tfedge.runtime.latency.product import product_file
from tfedge.runtime.memory.micro import MicroArena
from tfedge.runtime.remote.device import RemoteInfo
from tfedge.runtime.remote.tasks import about

for _name in FILES:
    importlib.import_module(_name)


def descendants(kind):
    """Return every class below a class."""
    return {kind for one in kind.__subclasses__() for kind in (one, *descendants(one))}


RECORDS = {kind.__name__: kind for kind in descendants(Record) if "tfedge." in kind.__module__}


def inside(value):
    """Yield every record in a value, itself included."""
    if isinstance(value, Record):
        yield value
        for field in dataclasses.fields(value):
            yield from inside(getattr(value, field.name))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from inside(item)
    elif hasattr(value, "values"):
        for item in value.values():
            yield from inside(item)


def searched(model, x, y):
    """Return what a search, advice before it, and what is settled in between hand out."""
    budget = tfedge.Budget(size_bytes=10**6, accuracy_drop=0.9, trials=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # few samples
        advice = tfedge.advise(model, budget, verbose=0)
        parts = (x[::2], y[::2]), (x[1::2], y[1::2])
        result = tfedge.compress(model, *parts, budget, epochs=0, verbose=0)
    settings = Settings(budget, 0, 1, "tpe", None, None, "tiny")
    stages = ChannelStages((("a",), ("b",)), ((0, 1, 8.0),), (((0.5, 0.1),), ((0.5, 0.2),)))
    few = FewBits(("a", "b"), (30.0, 20.0), (900, 800, 700))
    return [result, advice, space_of(advice.curves, budget, 1, stages), settings, few]


def adaptive_log(lite, x):
    """Return the log of a runner that was told to make room."""
    busy = tfedge.adaptive.CpuLoad(dwell_s=0.0)
    with tfedge.AdaptiveRunner([lite, lite], busy, sensors={"cpu_load": lambda: 1.0}) as runner:
        runner.predict(x[:1])
        return runner.decisions


@pytest.fixture(scope="module")
def handed_out(states, float_model, lite, data):
    """Records by class name, from calls that users make."""
    scored = tfedge.evaluate(lite, *data, metrics=["accuracy", "confusion_matrix"], verbose=0)
    compared = tfedge.compare(float_model, lite, *data, layers=True)
    results = [
        lite,
        lite.tensors(),
        lite.operators,
        scored,
        compared,
        tfedge.benchmark(lite, batch=(1, 2), runs=5, verbose=0),
        tfedge.profile(lite, against=lite, seconds=0.1, verbose=0),
        tfedge.roofline(product_file("int8", 64, 256, 256), seconds=0.1, verbose=0),
        tfedge.sparsity(states["PQAT"]),
        tfedge.sparsity(lite),
        tfedge.unique_weights(states["clustered"]),
        tfedge.convert(states["pruned"], sparse="auto").notes["storage"],
        tfedge.convert(float_model, "int8", data[0], runtimes="litert"),
        tfedge.sensitivity(float_model, data[0], samples=20, verbose=0),
        tfedge.convert(float_model, tfedge.MixedPrecision(min_sqnr_db=1), data[0]).notes,
        tfedge.recover(float_model, data[0], verbose=0).recovery,
        learn_rounding(tfedge.quantize(float_model, calibration=data[0]), data[0], verbose=0),
        quantization_of(states["PQAT"]),
        steps_apart(states["PQAT"], tfedge.convert(states["PQAT"], "int8"), data[0][:8]),
        model_statistics(states["pruned"]),
        tfedge.distill.report(float_model, lite, lite, *data),
        tfedge.channel_report(float_model, tfedge.prune_channels(float_model, ratio=0.5)),
        tfedge.runtime.plan_arena(lite),
        tfedge.memory(lite, micro=False),
        tfedge.fits(lite),
        tfedge.energy(lite, method="estimated"),
        tfedge.energy(lite, method="estimated").battery_life(1.0, inferences_per_s=1, idle_w=0.01),
        tfedge.devices.list(),
        MicroArena(24_224, 16_000, 8_224, 24_224, {"structs": 320}, 8, "0.dev1"),
        tfedge.zoo.list(),
        RemoteInfo(**about()),
        tfedge.check(lite, "edgetpu"),
        adaptive_log(lite, data[0]),
        ConfusionChange(label=0, taken_for=1, before=2, after=3),
        tfedge.report.model_report(
            lite, float_model, *data, budget=[{"name": "macs", "limit": 9}], runs=5, verbose=0
        ),
        searched(float_model, *data),
        tfedge.run([{"kind": "convert", "quantize": "float16"}], float_model, data, verbose=0),
    ]
    return {type(record).__name__: record for record in inside(results)}


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_records_print_and_travel(name, handed_out):
    record = handed_out[name]
    assert type(record) is RECORDS[name]
    plain = record.to_dict()
    assert json.loads(record.to_json()) == json.loads(json.dumps(plain)) == plain
    assert record.to_json(indent=2).count("\n") >= len(plain)
    text = repr(record)
    assert text and " object at 0x" not in text
    assert max(map(len, text.splitlines())) <= 120
    if not isinstance(record, (tfedge.TFLiteModel, tfedge.RunResult)):  # these write files
        again = decode_record(json.loads(json.dumps(encode_record(record))))
        assert type(again) is type(record)
        assert again.to_json() == record.to_json()
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, dataclasses.fields(record)[0].name, None)
