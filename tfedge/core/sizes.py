"""How many bytes a file costs, as it lies and as it travels."""

import gzip


def gzip_size(content: bytes) -> int:
    """Return the size of ``content`` after gzip at level 9, in bytes.

    The modification time is left out, so equal content gives equal sizes.

    Args:
        content: The bytes of a file.

    Returns:
        Number of bytes of the gzip stream, header included.

    Example:
        >>> gzip_size(bytes(10_000)) < 100
        True
    """
    return len(gzip.compress(content, compresslevel=9, mtime=0))


def human_size(size_bytes: int) -> str:
    """Return a size for people, in decimal units.

    Example:
        >>> human_size(95_568)
        '95.6 kB'
    """
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes} B"


def indexed_size(weights: int, values: int, value_bytes: int, tables: int = 1) -> int:
    """Return the size of weights that are stored as indices into tables of values, in bytes.

    ``ceil(weights * bits / 8) + tables * values * value_bytes`` with
    ``bits = ceil(log2(values))``.

    Args:
        weights: Number of weights.
        values: Number of values in a table.
        value_bytes: Size of one value.
        tables: Number of tables: 1, or one for each channel.

    Example:
        >>> indexed_size(1000, values=16, value_bytes=4)
        564

    Reference:
        Han et al., ICLR 2016, arXiv:1510.00149, section 3, equation 1.
    """
    bits = (values - 1).bit_length()
    return -(-weights * bits // 8) + tables * values * value_bytes
