import gzip
import os

import pytest

from tfedge.core.sizes import gzip_size, human_size


def test_gzip_size_is_that_of_a_stream_that_opens_again():
    content = bytes(1000) + os.urandom(1000)
    assert gzip_size(content) == gzip_size(content)
    assert abs(gzip_size(content) - len(gzip.compress(content, 9))) < 32
    assert gzip_size(bytes(100_000)) < 300


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_340_000, "2.3 MB")]
)
def test_sizes_for_people(size, text):
    assert human_size(size) == text
