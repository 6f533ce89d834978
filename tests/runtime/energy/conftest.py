"""A made-up tree of what the kernel says."""

import pytest


@pytest.fixture
def kernel(tmp_path):
    """A function that writes files below ``sys/class``; ``kernel.root`` is the tree."""

    def write(folder, **files):
        place = tmp_path / "sys" / "class" / folder
        place.mkdir(parents=True, exist_ok=True)
        for name, value in files.items():
            (place / name).write_text(f"{value}\n")
        return place

    write.root = tmp_path
    return write
