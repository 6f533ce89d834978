"""Which rules make the ranges of a file: the vocabulary of ``tfedge.convert(observer=…)``."""

from __future__ import annotations

from tfedge.core.checks import one_of
from tfedge.core.errors import ArgumentError
from tfedge.core.observers import OBSERVERS, Observer, observer_named

TFLITE, AUTO = "tflite", "auto"


def observers_for(observer: str | Observer) -> tuple[Observer, ...]:
    """Return the rules to choose from; none for TensorFlow's own calibrator.

    Args:
        observer: A name, ``"auto"``, ``"tflite"``, or an observer.

    Raises:
        ArgumentError: If it is none of these, or of a class that the worker cannot import.

    Example:
        >>> observers_for("mse")
        (MSE(bits=8),)
        >>> len(observers_for("auto")), observers_for("tflite")
        (5, ())
    """
    if isinstance(observer, str):
        one_of("observer", observer, [*OBSERVERS, AUTO, TFLITE])
    if observer == TFLITE:
        return ()
    if observer == AUTO:
        return tuple(map(observer_named, OBSERVERS))
    chosen = observer_named(observer)
    if type(chosen).__module__ == "__main__":
        raise ArgumentError(
            f"observer={chosen!r} is of a class of your main program, which the process that "
            "converts cannot import. Put the class in a module of its own."
        )
    return (chosen,)
