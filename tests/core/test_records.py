import dataclasses
import json

import numpy as np
import pytest

from tfedge.core.records import Record


@dataclasses.dataclass(frozen=True, repr=False)
class Inner(Record):
    value: float


@dataclasses.dataclass(frozen=True, repr=False)
class Outer(Record):
    inner: Inner
    several: tuple
    table: np.ndarray
    named: dict


@pytest.fixture
def record():
    return Outer(Inner(0.123456), (1, Inner(2.0)), np.arange(4).reshape(2, 2), {"a": np.float32(1)})


def test_nested_records_become_plain_data(record):
    plain = record.to_dict()
    assert plain["inner"] == {"value": 0.123456}
    assert plain["several"] == [1, {"value": 2.0}]
    assert plain["table"] == [[0, 1], [2, 3]]
    assert json.loads(record.to_json()) == plain


def test_records_are_frozen(record):
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.inner = None


def test_repr_has_one_line_per_field(record):
    lines = repr(Inner(0.123456)).splitlines()
    assert lines == ["Inner", "  value  0.1235"]
    assert len(repr(record).splitlines()) == 5
