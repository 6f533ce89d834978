"""Words of the command line as values: each function is a ``type=`` of argparse."""

from __future__ import annotations

import argparse
import re

_UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1000, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9}
_UNITS |= {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}


def count(text: str) -> int:
    """Return a whole number of at least 1.

    Example:
        >>> count("8")
        8
    """
    if not re.fullmatch(r"\d+", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def whole(text: str) -> int:
    """Return a whole number of at least 0.

    Example:
        >>> whole("0")
        0
    """
    if not re.fullmatch(r"\d+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of at least 0")
    return int(text)


def number(text: str) -> float:
    """Return a number that is finite.

    Example:
        >>> number("1e-2")
        0.01
    """
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number")
    return value


def positive(text: str) -> float:
    """Return a number above 0.

    Example:
        >>> positive("0.5")
        0.5
    """
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0")
    return value


def positive_or_zero(text: str) -> float:
    """Return a number of at least 0, also of percents.

    Example:
        >>> positive_or_zero("0.01"), positive_or_zero("1%")
        (0.01, 0.01)
    """
    value = number(text[:-1]) / 100 if text.endswith("%") else number(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is below 0")
    return value


def fraction(text: str) -> float:
    """Return a number in [0, 1], also of percents.

    Example:
        >>> fraction("0.5"), fraction("1%")
        (0.5, 0.01)
    """
    value = number(text[:-1]) / 100 if text.endswith("%") else number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not in [0, 1]")
    return value


def size(text: str) -> int:
    """Return a number of bytes; ``k`` is 1000, ``KiB`` 1024.

    Example:
        >>> size("60k"), size("64KiB"), size("1.5MB")
        (60000, 65536, 1500000)
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if found is None or found[2].lower() not in _UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 60000, 60k or 64KiB")
    return round(float(found[1]) * _UNITS[found[2].lower()])


def pair(text: str) -> tuple[str, float]:
    """Return the two sides of ``NAME=NUMBER``.

    Example:
        >>> pair("auc=0.9")
        ('auc', 0.9)
    """
    name, equals, value = text.rpartition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=NUMBER")
    return name, number(value)


def names(text: str) -> tuple[str, ...]:
    """Return words separated by commas; nothing is no word.

    Example:
        >>> names("accuracy,top_5"), names("")
        (('accuracy', 'top_5'), ())
    """
    return tuple(word.strip() for word in text.split(",") if word.strip())


def extent(text: str) -> tuple[int, int]:
    """Return height and width of ``HEIGHTxWIDTH``.

    Example:
        >>> extent("96x64")
        (96, 64)
    """
    found = re.fullmatch(r"(\d+)x(\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form HEIGHTxWIDTH")
    return count(found[1]), count(found[2])
