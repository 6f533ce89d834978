import dataclasses
import json
import math

import numpy as np
import pytest

from tfedge._version import __version__
from tfedge.core.errors import ArgumentError, DataError
from tfedge.core.record_files import decode_record, encode_record, load_record, save_record
from tfedge.core.records import Record


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Everything(Record):
    numbers: dict
    inner: Record
    several: tuple
    table: np.ndarray
    text: str | None = None


@pytest.fixture
def record():
    numbers = {"inf": math.inf, "-inf": -math.inf, "third": 1 / 3, "codes": np.int8(-3), "no": True}
    inner = Everything({}, None, (), np.zeros((0, 2)))
    odd = {"$float": "not a number"}, {"a": {"$list": 1}}, {}, [1, [2]], (3, (inner,))
    return Everything(numbers, inner, odd, np.float32([[0.1, math.nan]]), "µ")


def test_everything_comes_back_as_it_was(record, tmp_path):
    again = load_record(save_record(record, tmp_path / "a.json"))
    assert type(again) is Everything
    assert again.numbers == record.numbers
    assert again.text == "µ"
    assert type(again.inner) is Everything and again.inner.table.shape == (0, 2)
    assert again.several[:4] == record.several[:4]
    assert type(again.several[3]) is list and type(again.several[4]) is tuple
    assert type(again.several[4][1][0]) is Everything
    assert again.table.dtype == np.float32
    np.testing.assert_array_equal(again.table, record.table)


def test_the_file_is_plain_json_for_other_programs(record, tmp_path):
    found = json.loads(save_record(record, tmp_path / "a.json").read_text())
    assert found["tfedge"] == __version__
    assert found["record"] == "Everything"
    assert found["fields"]["numbers"]["third"] == 1 / 3


def test_a_class_that_moved_is_found_by_its_name(record):
    found = encode_record(record)
    found["module"] = "somewhere.else"
    assert type(decode_record(found)) is Everything


@pytest.mark.parametrize("module", ["tfedge.no.such", "tfedge.core.records", "os", "elsewhere"])
def test_unknown_classes_are_refused_by_name(record, module):
    found = {**encode_record(record), "record": "system", "module": module}
    with pytest.raises(DataError, match=r"holds a 'system'; tfedge .* has no such record"):
        decode_record(found)


def test_what_is_no_record_class_is_not_called():
    found = {"tfedge": "0", "record": "write_whole", "module": "tfedge.core.files", "fields": {}}
    with pytest.raises(DataError, match="no such record"):
        decode_record(found)


def test_newer_versions_are_named(record):
    found = {**encode_record(record), "tfedge": "99.1"}
    found["fields"]["surprise"] = 1
    with pytest.raises(DataError, match=r"newer tfedge 99\.1.*Everything whose fields.*surprise"):
        decode_record(found)
    found["tfedge"] = "0.0.1"
    with pytest.raises(DataError, match=r"written by tfedge 0\.0\.1"):
        decode_record(found)


def test_unknown_words_are_refused(record):
    found = encode_record(record)
    found["fields"]["text"] = {"$pickle": "gASVBAAAAAAAAABLAS4="}
    with pytest.raises(DataError, match=r"\$pickle"):
        decode_record(found)


def test_damaged_files(record, tmp_path):
    path = save_record(record, tmp_path / "a.json")
    whole = json.loads(path.read_text())
    with pytest.raises(DataError, match="No such file"):
        load_record(tmp_path / "none.json")
    path.write_text(path.read_text()[:-5])
    with pytest.raises(DataError, match="not JSON"):
        load_record(path)
    path.write_text(record.inner.to_json())
    with pytest.raises(DataError, match=r"to_json\(\) writes the fields alone"):
        load_record(path)
    for table in ({"$array": {"dtype": "int8"}}, {"$array": 1}, {"$float": "x"}, {"$record": {}}):
        whole["fields"]["table"] = table
        with pytest.raises(DataError, match="damaged"):
            decode_record(whole)


def test_what_cannot_be_written(record, tmp_path):
    with pytest.raises(ArgumentError, match="is no record"):
        save_record({"a": 1}, tmp_path / "a.json")
    with pytest.raises(ArgumentError, match=r"Everything.numbers\['it'\] is a bytes"):
        save_record(dataclasses.replace(record, numbers={"it": b"1"}), tmp_path / "a.json")
    with pytest.raises(ArgumentError, match="Cannot write"):
        save_record(record, tmp_path / "no" / "a.json")
    assert not list(tmp_path.iterdir())
