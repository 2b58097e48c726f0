"""What the documents say of the code is what the code is."""

import re
from pathlib import Path

import numpy as np
import pytest
from array_table import documented, row_bytes, table

from reco.catalogue.folder import LAYOUT

README = (Path(__file__).parents[1] / "README.md").read_text()
SCALING = (Path(__file__).parents[1] / "docs" / "scaling.md").read_text()


def bytes_each(dimension):
    """Return what one more of `dimension` takes in a catalogue."""
    return sum(
        row_bytes(dtype, dimensions)
        for dtype, dimensions in LAYOUT.values()
        if dimensions[0].removesuffix(" bounds").rstrip("s") == dimension
    )


@pytest.mark.parametrize(
    ("row", "dimension"),
    [
        ("offers that can be booked", "offer"),
        ("stocks", "stock"),
        ("works", "item"),
        ("venues", "venue"),
    ],
)
def test_the_sizes_are_those_of_the_catalogue(row, dimension):
    line = next(line for line in SCALING.splitlines() if line.startswith(f"| {row} |"))
    told = int(re.search(r"(\d+) bytes each", line).group(1))
    if dimension == "venue":
        # Where its offers begin is one number of the shelf, beside the columns of the venue.
        assert told == bytes_each("venue") - np.dtype(np.int64).itemsize
    else:
        assert told == bytes_each(dimension)
    if dimension == "stock":
        more = int(re.search(r"(\d+) more where a session", line).group(1))
        assert more == row_bytes(*LAYOUT["session"])


def test_the_table_of_arrays_is_that_of_the_code():
    assert documented() == table(LAYOUT), "run `python tests/array_table.py`"


def test_another_dtype_would_be_seen():
    assert documented() != table({**LAYOUT, "offer_id": ("int32", ("offers",))})


def test_what_the_readme_runs_asks_no_date_that_only_linux_tells():
    assert [line for line in README.splitlines() if re.search(r"date -d|%N", line)] == []
