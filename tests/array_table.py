"""The catalogue's arrays as a table of docs/scaling.md; `python tests/array_table.py` renews it."""

from collections import defaultdict
from math import prod
from pathlib import Path

import numpy as np

from reco.catalogue.folder import LAYOUT

PAGE = Path(__file__).parents[1] / "docs" / "scaling.md"
BEGINS, ENDS = "<!-- arrays: tests/array_table.py -->\n", "<!-- end of arrays -->\n"

FRANCE = {
    "venues": 40_000,
    "venue bounds": 40_002,
    "items": 143_984,
    "offers": 1_275_611,
    "offer bounds": 1_275_612,
    "stocks": 1_399_825,
    "session bounds": 62_815,
    "sessions": 187_028,
    "times, price and hour": 5,
    "genres": 8,
    "items' cards": 200_000,
    "items' card bounds": 200_001,
    "items' bytes of cards": 29_261_952,
    "venues' cards": 40_000,
    "venues' card bounds": 40_001,
    "venues' bytes of cards": 3_841_883,
}
"""Lengths of the dimensions in the base of the world `france`: what can be booked there."""
ID_BYTES = 8
"""Of an external id there."""


def table(layout):
    """Return the Markdown table of the arrays of `layout`."""
    lines = [
        "| array | dtype | bytes a row | a row for each | France, MB | ten times, MB |",
        "|---|---|---|---|---|---|",
    ]
    sums = defaultdict(int)
    for name, (dtype, dimensions) in layout.items():
        size = row_bytes(dtype, dimensions)
        each = dimensions[0].split()[0].removesuffix("'").removesuffix("s")
        sums[each] += FRANCE[dimensions[0]] * size
        row = f"byte of {each}s" if "bytes" in dimensions[0] else each
        lines.append(_line(f"`{name}`", dtype, size, row, FRANCE[dimensions[0]] * size))
    lines += [_line("together", "", "", each, total) for each, total in sums.items()]
    lines.append(_line("**all**", "", "", "", sum(sums.values())))
    return "\n".join(lines) + "\n"


def row_bytes(dtype, dimensions):
    """Return what a row of an array takes."""
    each = ID_BYTES if dtype == "S" else np.dtype(dtype).itemsize
    return each * prod(FRANCE[dimension] for dimension in dimensions[1:])


def documented():
    """Return the table that stands in the page."""
    return _parts()[1]


def _line(name, dtype, size, each, total):
    return f"| {name} | {dtype} | {size} | {each} | {total / 1e6:.1f} | {total / 1e5:.0f} |"


def _parts():
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGINS)
    shown, after = rest.split(ENDS)
    return before, shown, after


if __name__ == "__main__":
    before, _, after = _parts()
    PAGE.write_text(before + BEGINS + table(LAYOUT) + ENDS + after, encoding="utf-8")
