import inspect
import sys
import types

import tfedge
import tfedge.evaluate
from tfedge.core.rooms import callable_room


def test_a_package_answers_like_its_function(monkeypatch):
    def add(a, b=2):
        """Add."""
        return a + b

    monkeypatch.setitem(sys.modules, "pretend", types.ModuleType("pretend"))
    callable_room("pretend", add)
    room = sys.modules["pretend"]
    assert room(1) == 3
    assert inspect.signature(room) == inspect.signature(add)
    assert room.__doc__ == "Add."


def test_evaluate_is_a_room_and_a_function():
    assert callable(tfedge.evaluate)
    assert tfedge.evaluate.compare is tfedge.compare
    assert "metrics" in inspect.signature(tfedge.evaluate).parameters
