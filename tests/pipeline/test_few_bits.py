"""Layers that take 4-bit weights: their order, what they save, and the recipe that lowers them."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("optuna")

from ledger_process import CURVES

import tfedge
from tfedge.models.flavours import keras3
from tfedge.pipeline.budget import Budget
from tfedge.pipeline.recipe import Recipe
from tfedge.pipeline.search.few_bits import FewBits, few_bits
from tfedge.pipeline.search.narrowing import space_of, why_hopeless
from tfedge.pipeline.search.space import PLAIN, recipe_of, settled

FEW = FewBits(("conv", "deep", "head"), (30.0, 20.0, 9.0), (8000, 7900, 6000, 4000))
PACKED = Budget(gzip_bytes=6000)


@pytest.fixture(scope="module")
def network():
    """Return a model whose layer "even" has few values already."""
    keras = keras3()
    keras.utils.set_random_seed(1)
    stack = [
        keras.Input((24,), name="x"),
        keras.layers.Dense(40, "relu", name="rough"),
        keras.layers.Dense(40, "relu", name="even"),
        keras.layers.Dense(3, "softmax", name="head"),
    ]
    model = keras.Sequential(stack, name="three")
    kernel, bias = model.get_layer("even").get_weights()
    steps = np.random.default_rng(0).integers(-7, 8, kernel.shape)
    steps[0] = 7
    model.get_layer("even").set_weights([steps * np.float32(0.03), bias])
    return model


@pytest.fixture(scope="module")
def data():
    x = np.random.default_rng(2).random((120, 24), "float32")
    return x, x[:, :3].argmax(1)


@pytest.fixture(scope="module")
def found(network, data):
    return few_bits(network, data[0])


def test_the_layer_that_minds_least_comes_first(found):
    assert found.layers[0] == "even" and set(found.layers) == {"rough", "even", "head"}
    assert found.sqnr_db[0] > 60 > found.sqnr_db[1] >= found.sqnr_db[2]


def test_what_was_found_is_kept_with_the_space(found, tmp_path):
    space = space_of(CURVES, PACKED, 4, None, found)
    tfedge.save_record(space, tmp_path / "space.json")
    assert tfedge.load_record(tmp_path / "space.json") == space


def test_sizes_are_those_of_files_with_these_layers_named(found, network, data):
    for count in range(4):
        named = dict.fromkeys(found.layers[:count], "int4_weights")
        mode = tfedge.MixedPrecision(layers=named) if named else "int8"
        lite = tfedge.convert(network, mode, data[0], parity=False, calibration_samples=256)
        assert found.gzip_bytes[count] == pytest.approx(lite.gzip_bytes, rel=0.01)


def test_counts_save_a_quarter_a_half_and_so_on(found):
    saved = [found.gzip_bytes[0] - found.gzip_bytes[n] for n in found.counts]
    assert found.counts[0] == 0 and list(found.counts) == sorted(set(found.counts))
    assert saved[-1] == max(found.gzip_bytes) - min(found.gzip_bytes)
    assert found.ratio(found.counts[-1]) < 0.95


def test_nothing_is_lowered_where_no_integer_file_can_be_made(network, data):
    assert few_bits(tfedge.quantize(network, calibration=data[0]), data[0]) is None


def test_few_bits_are_varied_where_bytes_after_gzip_count():
    assert space_of(CURVES, PACKED, 4, None, FEW).few_bits == FEW
    assert space_of(CURVES, Budget(size_bytes=5000), 4, None, FEW).few_bits is None
    assert space_of(replace(CURVES, mode="dynamic"), PACKED, 4, None, FEW).few_bits is None
    alone = replace(CURVES, sparsities=((0.0, 7800),), clusters=())
    narrow = space_of(alone, PACKED, 4).most_channels
    assert narrow < 0.8 and space_of(alone, PACKED, 4, None, FEW).most_channels == 1.0


def test_what_few_bits_save_makes_a_choice_worth_training():
    wide = {**PLAIN, "epochs": 2}
    assert "expected from the curves" in why_hopeless(wide, CURVES, PACKED, (), FEW)
    assert why_hopeless({**wide, "few_bits": 2}, CURVES, PACKED, (), FEW) == ""


def test_shared_values_need_no_few_bits():
    choice = settled({**PLAIN, "epochs": 4, "clusters": 16, "few_bits": 2})
    assert choice["clusters"] == 16 and choice["few_bits"] == 0


@pytest.mark.parametrize("rounding", ["recover", "qat"])
def test_the_file_of_a_choice_has_few_values_in_these_layers(rounding, network, data, found):
    space = space_of(CURVES, PACKED, 2, None, found)
    choice = {**PLAIN, "epochs": 2, "rounding": rounding, "few_bits": 2}
    recipe = Recipe.from_dict(recipe_of(space, settled(choice)))
    lite = tfedge.run(recipe, network, data, verbose=0).lite
    values = {codes.shape: len(np.unique(codes)) for _, codes in lite.stored()}
    shapes = {"rough": (40, 24), "even": (40, 40), "head": (3, 40)}
    kernels = {name: values[shape] for name, shape in shapes.items()}
    few, rest = found.layers[:2], found.layers[2:]
    assert max(kernels[name] for name in few) <= 15 < min(kernels[name] for name in rest)
