import numpy as np
import pytest

from tfedge.core.checks import one_of, whole_number, within
from tfedge.core.errors import ArgumentError


def test_one_of_names_the_choices():
    one_of("mode", "a", ("a", "b"))
    with pytest.raises(ArgumentError, match=r"mode='c' is not known\. Choose one of: 'a', 'b'"):
        one_of("mode", "c", ("a", "b"))


@pytest.mark.parametrize("value", [1, 7, np.int64(3)])
def test_whole_numbers_pass(value):
    whole_number("n", value)


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "1", None])
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
