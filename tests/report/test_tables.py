import io

import numpy as np
import pytest

from tfedge.core.errors import ArgumentError
from tfedge.report import markdown_table

ROWS = [
    {"file": "float", "bytes": 1234567, "accuracy": 0.98765, "ms": 1.5, "edge": False},
    {"file": "int8", "bytes": 345, "accuracy": 0.9, "ms": None, "edge": True},
]


def test_columns_line_up():
    assert markdown_table(ROWS) == (
        "| file  |     bytes | accuracy |  ms |  edge |\n"
        "|:------|----------:|---------:|----:|------:|\n"
        "| float | 1,234,567 |   0.9877 | 1.5 | False |\n"
        "| int8  |       345 |      0.9 |   – |  True |"
    )


def test_formats_apply_to_their_column_alone():
    table = markdown_table(ROWS, {"accuracy": "{:.1%}".format, "ms": "{:.2f} ms".format})
    assert table.splitlines()[2] == "| float | 1,234,567 |    98.8% | 1.50 ms | False |"
    assert table.splitlines()[3] == "| int8  |       345 |    90.0% |       – |  True |"


def test_numbers_of_numpy_are_numbers():
    plain = [{"n": 12345, "x": 0.123456, "y": float("nan"), "z": -1e9}]
    numbers = np.int64(12345), np.float32(0.123456), np.float32("nan"), -np.float64(1e9)
    numpy = [dict(zip("nxyz", numbers, strict=True))]
    assert markdown_table(numpy) == markdown_table(plain)
    assert markdown_table(plain).splitlines()[2] == "| 12,345 | 0.1235 | nan | -1e+09 |"


def test_a_column_of_texts_and_numbers_is_text():
    table = markdown_table([{"value": "none"}, {"value": 7}])
    assert table == "| value |\n|:------|\n| none  |\n| 7     |"


def test_text_cannot_break_the_table():
    table = markdown_table([{"a|b": "x|y\nz", "n": 1}])
    assert table.splitlines() == [
        r"| a\|b   |   n |",
        r"|:-------|----:|",
        r"| x\|y z |   1 |",
    ]


def test_pandas_reads_back_what_was_written():
    pandas = pytest.importorskip("pandas")
    rows = [{"name": f"model {i}", "size": 10 * i, "score": i / 8} for i in range(12)]
    lines = markdown_table(rows).splitlines()
    assert len({len(line) for line in lines}) == 1
    text = "\n".join(line.strip("|") for i, line in enumerate(lines) if i != 1)
    frame = pandas.read_csv(io.StringIO(text), sep=r"\s*\|\s*", engine="python")
    frame.columns = frame.columns.str.strip()
    frame["name"] = frame["name"].str.strip()
    pandas.testing.assert_frame_equal(frame, pandas.DataFrame(rows), atol=1e-3)


@pytest.mark.parametrize("rows", [[], [{"a": 1}, {"b": 1}], [{"a": 1, "b": 2}, {"b": 2, "a": 1}]])
def test_rows_must_agree(rows):
    with pytest.raises(ArgumentError, match="same keys in every row"):
        markdown_table(rows)


def test_formats_must_name_columns():
    with pytest.raises(ArgumentError, match=r"'acuracy'.*'accuracy'"):
        markdown_table(ROWS, {"acuracy": str})
