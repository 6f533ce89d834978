from pathlib import Path

import numpy as np
import pytest

from tfedge.core.checks import as_path, one_of, whole_number, within
from tfedge.core.errors import ArgumentError


def test_one_of_names_the_choices():
    one_of("mode", "a", ("a", "b"))
    with pytest.raises(ArgumentError, match=r"mode='c' is not known\. Choose one of: 'a', 'b'"):
        one_of("mode", "c", ("a", "b"))


@pytest.mark.parametrize("value", [1, 7, np.int64(3)])
def test_whole_numbers_pass(value):
    whole_number("n", value)


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "1", None, np.ones(2, int)])
def test_other_things_are_refused(value):
    with pytest.raises(ArgumentError, match="whole number of at least 1"):
        whole_number("n", value)


def test_within_keeps_the_ends():
    within("s", 0.0, 0, 1)
    within("s", 1.0, 0, 1)
    with pytest.raises(ArgumentError, match=r"\[0, 1\)"):
        within("s", 1.0, 0, 1, open_high=True)
    for bad in (1.5, float("nan"), None, "x"):
        with pytest.raises(ArgumentError):
            within("s", bad, 0, 1)


@pytest.mark.parametrize("value", [np.ones(2), [], {"a": 1}, len, float("nan")])
def test_what_cannot_be_compared_is_not_known(value):
    for allowed in (("a", 1), {"a", 1}):
        with pytest.raises(ArgumentError, match="is not known"):
            one_of("mode", value, allowed)


@pytest.mark.parametrize("value", ["a/b.tflite", Path("a/b.tflite")])
def test_paths_are_texts_or_paths(value):
    assert as_path("path", value) == Path("a/b.tflite")


@pytest.mark.parametrize("value", [None, 3, b"a", [], np.ones(2), "a\0b"])
def test_other_things_are_no_paths(value):
    with pytest.raises(ArgumentError, match=r"^path=.* must be a path: a text or a pathlib\.Path"):
        as_path("path", value)
