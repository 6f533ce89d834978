import inspect
import pickle

import pytest

from tfedge.core import errors

_ALL = [item for _, item in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("kind", _ALL)
def test_every_error_is_ours_and_travels_between_processes(kind):
    assert issubclass(kind, (errors.TfedgeError, Warning))
    back = pickle.loads(pickle.dumps(kind("message")))
    assert type(back) is kind
    assert str(back) == "message"


def test_errors_are_what_callers_would_catch():
    assert issubclass(errors.DataError, ValueError)
    assert issubclass(errors.WorkerError, RuntimeError)
    assert issubclass(errors.MissingPackageError, ImportError)
