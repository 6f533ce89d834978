"""Finding one's way in the bytes of a ``.tflite`` file, and appending to them.

A FlatBuffer is made of tables whose fields are offsets to what lies further back. A table begins
with the distance back to its vtable, which lists where each field lies. What is appended can
therefore be pointed at from anywhere before it.

Reference:
    FlatBuffers, "Internals": https://flatbuffers.dev/internals/
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

_ALIGNMENT = 16


def word(data: bytes | bytearray, place: int) -> int:
    """Return the 32-bit number at a place.

    Example:
        >>> word(bytearray([1, 0, 0, 0]), 0)
        1
    """
    return int(struct.unpack_from("<I", data, place)[0])


def follow(data: bytes | bytearray, place: int) -> int:
    """Return where the offset at a place leads; at place 0 that is the table of the model."""
    return place + word(data, place)


def field(data: bytes | bytearray, table: int, number: int) -> int:
    """Return where a table keeps a field, or 0 if the file leaves it out."""
    vtable = table - struct.unpack_from("<i", data, table)[0]
    size = struct.unpack_from("<H", data, vtable)[0]
    if 4 + 2 * number >= size:
        return 0
    offset = struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0]
    return table + offset if offset else 0


def vector(data: bytes | bytearray, table: int, number: int) -> int:
    """Return where the vector of a field lies, its length first."""
    return follow(data, field(data, table, number))


def element(data: bytes | bytearray, place: int, number: int) -> int:
    """Return where a table in a vector of tables lies."""
    return follow(data, place + 4 + 4 * number)


def set_word(data: bytearray, place: int, value: int) -> None:
    """Write a 32-bit number.

    Example:
        >>> data = bytearray(4)
        >>> set_word(data, 0, 3)
        >>> data[0]
        3
    """
    struct.pack_into("<I", data, place, value)


def append_vector(data: bytearray, place: int, count: int, content: bytes) -> None:
    """Append a vector, its content on whole 16 bytes, and let the field at a place point to it.

    Args:
        data: The file, which grows.
        place: Where the offset of the field lies.
        count: Number of entries.
        content: Their bytes.
    """
    data += bytes(-(len(data) + 4) % _ALIGNMENT)
    set_word(data, place, len(data) - place)
    data += struct.pack("<I", count) + content


def append_numbers(data: bytearray, place: int, numbers: Sequence[int]) -> None:
    """Append a vector of 32-bit integers and let the field at a place point to it."""
    append_vector(data, place, len(numbers), struct.pack(f"<{len(numbers)}i", *numbers))
