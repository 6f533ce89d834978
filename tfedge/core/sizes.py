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
