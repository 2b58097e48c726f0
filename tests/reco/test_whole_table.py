import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from reco.whole_table import Table

ROOT = Path(__file__).parents[2]
VERSION = "ials-20261128T154045Z-c9a92366"
HEADINGS = ("version", "state", "trained until", "horizon_recall@20 (95 % interval)", "judged on")
ROWS = [
    (VERSION, "champion", "2026-11-22 22:57 UTC", "0.0783 (0.0638 .. 0.0933)", "rehearsal"),
    ("als-20261129T000000Z-2a89c12a", "candidate", "", "-12.1 (-18.0 .. -6.3) %", "held out"),
]
WIDTHS = (200, 120, 100, 80, 60)


def models():
    table = Table(*HEADINGS, title="Models of the world demo", caption="the champion is bold")
    for row in ROWS:
        table.add_row(*row)
    return table


def printed(table, width):
    console = Console(width=width, file=io.StringIO(), markup=False, emoji=False)
    console.print(table)
    return console.file.getvalue()


def words(text):
    return re.split(r"[\s┃│┏┓┡┩┳╇┴━─└┘┌┐┬]+", text)


@pytest.mark.parametrize("width", WIDTHS)
def test_every_word_of_every_cell_is_there_whole(width):
    told = printed(models(), width)
    assert {word for row in ROWS for cell in row for word in cell.split()} <= set(words(told))
    assert "…" not in told
    assert max(map(len, told.splitlines())) <= width


def test_where_there_is_room_it_is_richs_own():
    told = printed(models(), 200).splitlines()
    assert told[0] == "Models of the world demo"
    assert f"│ {VERSION} │ champion  │ 2026-11-22 22:57 UTC │ 0.0783 (0.0638 .. 0.0933)" in told[4]
    assert told[-1] == "the champion is bold"


def test_where_the_longest_words_fit_cells_are_wrapped_at_their_words():
    told = printed(models(), 100)
    (row,) = (line for line in told.splitlines() if VERSION in line)
    assert row.startswith("│")
    assert "0.0783 (0.0638 .. 0.0933)" not in row


def test_what_fits_no_terminal_is_a_list_of_headings_and_cells():
    told = [line.rstrip() for line in printed(models(), 70).splitlines()]
    assert told[:5] == [
        "Models of the world demo",
        f"version                            {VERSION}",
        "state                              champion",
        "trained until                      2026-11-22 22:57 UTC",
        "horizon_recall@20 (95 % interval)  0.0783 (0.0638 .. 0.0933)",
    ]
    # What is empty is left out, and a row is set apart from the one before.
    assert sum(line.startswith("trained until") for line in told) == 1
    assert told.count("") == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_without_headings_a_long_word_goes_on_in_the_next_line(width):
    address = "postgresql:///reco_demo?host=%2Fsrv%2Freco%2Fcluster%2Fsocket&port=5432&user=reco"
    table = Table(show_header=False)
    table.add_row("folder", "/srv/reco")
    table.add_row("URL of demo", address)
    told = printed(table, width)
    assert address in "".join(word for word in words(told) if word not in {"URL", "of", "demo"})
    assert {"folder", "/srv/reco", "URL"} <= set(words(told))


def test_a_title_is_not_bound_to_the_width_of_the_columns():
    table = Table("frame", "rows", title="second → /srv/exports/2026-11-28/whole")
    table.add_row("items", "3,000")
    assert "second → /srv/exports/2026-11-28/whole\n" in printed(table, 80)


def test_an_amount_that_may_not_be_wrapped_is_not():
    table = Table("what", "when")
    table.columns[1].no_wrap = True
    table.add_row("a title of many words, as titles are", "Sun 06 Dec 21:15")
    assert "Sun 06 Dec 21:15" in printed(table, 36)


def test_one_place_makes_tables():
    others = [
        path.name
        for package in ("reco", "training")
        for path in (ROOT / package).rglob("*.py")
        if re.search(r"^(from|import) rich\.table\b", path.read_text(), re.MULTILINE)
    ]
    assert others == ["whole_table.py"]


def test_in_a_file_a_row_and_a_sentence_are_one_line_each():
    script = (
        "from reco.console import console, errors; from reco.whole_table import Table\n"
        "table = Table('name', 'why')\n"
        "table.add_row('a' * 150, 'word ' * 60)\n"
        "console.print(table)\n"
        "console.print('word ' * 60)\n"
        "errors.print('word ' * 60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    rows = [line for line in done.stdout.splitlines() if "a" * 150 in line]
    assert rows[0].count("word") == 60
    assert done.stdout.splitlines()[-1] == done.stderr.rstrip("\n") == "word " * 60
