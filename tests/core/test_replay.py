"""An iterator is read twice, and drawn from once."""

from tfedge.core.replay import Replay, rereadable


def test_nothing_is_drawn_twice_or_before_it_is_read():
    drawn = []

    def items():
        for number in range(4):
            drawn.append(number)
            yield number

    replay = Replay(items())
    first = iter(replay)
    assert next(first) == 0
    assert drawn == [0]
    assert list(replay) == [0, 1, 2, 3] == list(replay)
    assert list(first) == [1, 2, 3]
    assert drawn == [0, 1, 2, 3]


def test_what_can_be_read_again_stays_as_it_is():
    for data in ([1, 2], (1, 2), {"x": 1}, None, range(3)):
        assert rereadable(data) is data
