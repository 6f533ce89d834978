"""The table of the zoo: figures as measured, budgets, and names."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from zoo_cases import some

import tfedge
from tfedge.core.errors import ArgumentError
from tfedge.models.flavours import tf_keras
from tfedge.models.zoo.catalog import measured
from tfedge.models.zoo.names import ARCHITECTURES

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", some("AnomalyAutoencoder DSCNN ResNet8 TCN"))
def test_figures_are_those_of_the_networks(name):
    row = {one.name: one for one in measured()}[name]
    tf_keras().utils.set_random_seed(1)
    model = tfedge.zoo.build(name)
    assert row.input_shape == model.input_shape[1:]
    assert row.outputs == model.output_shape[-1]
    assert row.parameters == model.count_params()
    assert row.macs == tfedge.models.model_statistics(model).macs
    x = np.random.default_rng(1).random((64, *row.input_shape), "float32")
    lite = tfedge.convert(model, "int8", calibration=x, parity=False)
    # Other weights and ranges: only which of them are equal changes the size, by a few bytes.
    assert lite.size_bytes == pytest.approx(row.size_bytes, rel=0.01)
    assert tfedge.runtime.plan_arena(lite).arena_bytes == row.arena_bytes


# Arena as tflite-micro 0.dev20261023182759 allocates it ("head" of its recording allocator), for
# INT8 files of networks with random weights at these input shapes.
MICRO = {
    ("AnomalyAutoencoder", (64,)): 272,
    ("DSCNN", (25, 8, 1)): 6656,
    ("PersonDetection", (96, 96, 3)): 73728,
    ("ResNet8", (28, 28, 1)): 37632,
    ("SmallGRU", (50, 3)): 2496,
    ("TCN", (50, 3)): 8000,
    ("VisionTransformer", (28, 28, 1)): 62880,
}


@pytest.mark.parametrize(("name", "shape"), MICRO)
def test_arenas_are_those_of_tflite_micro(name, shape):
    model = tfedge.zoo.build(name, input_shape=shape)
    x = np.random.default_rng(1).random((64, *shape), "float32")
    lite = tfedge.convert(model, "int8", calibration=x, parity=False)
    assert tfedge.runtime.plan_arena(lite).arena_bytes == MICRO[name, shape]


def test_every_architecture_has_a_row_and_a_function():
    assert {row.name for row in measured()} == set(ARCHITECTURES)
    for row in measured():
        assert (row.task, row.kind) == ARCHITECTURES[row.name][1:]
        assert getattr(tfedge.zoo, row.name).__name__ == row.name


def test_the_page_shows_the_figures():
    page = (ROOT / "docs" / "zoo.md").read_text()
    for row in measured():
        [line] = [one for one in page.splitlines() if one.startswith(f"| `{row.name}`")]
        for number in (row.parameters, row.macs, row.size_bytes, row.arena_bytes):
            assert f"{number:,}" in line


def test_budgets():
    every = tfedge.zoo.list()
    assert len(every) == len(ARCHITECTURES)
    sizes = [row.size_bytes for row in every]
    assert sizes == sorted(sizes)
    for name in ("parameters", "macs", "size_bytes", "arena_bytes"):
        limit = sorted(getattr(row, name) for row in every)[6]
        expected = {row.name for row in every if getattr(row, name) <= limit}
        assert {row.name for row in tfedge.zoo.list(**{name: limit})} == expected
        assert len(expected) < len(every)
    both = tfedge.zoo.list(task="image classification", arena_bytes=100_000, size_bytes=1_000_000)
    expected = {
        row.name
        for row in every
        if row.task == "image classification"
        and row.arena_bytes <= 100_000
        and row.size_bytes <= 1_000_000
    }
    assert {row.name for row in both} == expected and "ResNet8" in expected
    assert {row.name for row in tfedge.zoo.list(kind="series")} == {"TCN", "SmallGRU"}


def test_a_table_prints_and_travels():
    pandas = pytest.importorskip("pandas")
    found = tfedge.zoo.list(kind="image")
    lines = repr(found).splitlines()
    assert lines[0].split()[:3] == ["name", "input", "outputs"]
    assert len({len(line) for line in lines}) == 1 and len(lines) == len(found) + 1
    assert json.loads(found.to_json())["rows"][0]["name"] == found.rows[0].name
    frame = pandas.DataFrame(found.table())
    assert frame["macs"].tolist() == [row.macs for row in found]
    assert tfedge.report.markdown_table(found.table()).startswith("| name")
    empty = tfedge.zoo.list(macs=10)
    assert len(empty) == 0 and "smaller width" in repr(empty)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"macs": 0}, "macs=0 must be a number above 0"),
        ({"size_bytes": "1 MB"}, "size_bytes='1 MB'"),
        ({"task": "vision"}, "task='vision' is not known. Choose one of: 'anomaly detection'"),
        ({"kind": "text"}, "kind='text'"),
    ],
)
def test_budgets_that_are_none(settings, message):
    with pytest.raises(ArgumentError, match=message):
        tfedge.zoo.list(**settings)


def test_names_that_are_none():
    with pytest.raises(ArgumentError, match=r"Did you mean 'ResNet8'. It has 'AnomalyAutoencoder'"):
        tfedge.zoo.build("resnet8")
    with pytest.raises(ArgumentError, match=r"The zoo has no 'VGG16'. It has"):
        tfedge.zoo.build("VGG16")


def test_the_table_needs_no_tensorflow():
    code = (
        "import sys\n"
        "for name in ('tensorflow', 'keras', 'tf_keras'): sys.modules[name] = None\n"
        "import tfedge\nprint(len(tfedge.zoo.list()))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.stdout.strip() == str(len(ARCHITECTURES)), ran.stderr
