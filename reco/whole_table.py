"""A table that is told whole: on a narrow terminal nothing of it is cut."""

import re
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import NamedTuple

import rich.table
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Column
from rich.text import Text

_USUAL, _NONE = 1, 0
"""Spaces on each side of a column's text; a line is on its left, and one closes the table."""
_MAY_BREAK = re.compile(r"(?<=[_-])(?=.)|(?<=.)(?=@)")
"""Where a heading that is one long word, of a figure or a model, may go on in the next line."""


class _Span(NamedTuple):
    """How wide a column's text is."""

    whole: int
    """Where neither its heading nor a cell is wrapped."""
    cells: int
    """Where no cell is."""
    words: int
    """Its longest word."""


class Table(rich.table.Table):
    """As rich's, in its usual box, title and caption at the left; what is too wide is not cut.

    On a narrow terminal headings are wrapped first, then the spaces beside columns go, then cells
    are wrapped. Where the longest words do not fit, each row is a list of its cells, each after its
    heading; in a table without headings they are folded.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield what is printed in the width of `options`."""
        if self.title:
            yield _line(self.title, "table.title")
        body = self._fitted([_span(one, console, options) for one in self.columns], options)
        if body is None:
            yield self._as_lists()
        else:
            # As rich's own: as one of these it would be fitted again.
            yield from rich.table.Table.__rich_console__(body, console, options)
        if self.caption:
            yield _line(self.caption, "table.caption")

    def _fitted(self, spans: Sequence[_Span], options: ConsoleOptions) -> "Table | None":
        """Return it without title and caption in columns that fit, None where none do."""
        whole, cells, words = (list(widths) for widths in zip(*spans, strict=True))
        stages = [(whole, cells), (cells, words)]
        if not self.show_header:
            stages.append((words, [1] * len(words)))
        for most, least in stages:
            for spaces in (_USUAL, _NONE):
                room = options.max_width - len(spans) * (1 + 2 * spaces) - 1
                if sum(least) <= room:
                    return self._laid_out(_shrunk(most, least, room), spaces)
        return None

    def _laid_out(self, widths: Sequence[int], spaces: int) -> "Table":
        """Return it with columns of these widths, and so many spaces on each side of their text."""
        body = copy(self)
        body.title = body.caption = None
        body.padding = (0, spaces)
        body.columns = [
            replace(column, width=width, overflow="fold", header=_broken(column.header, width))
            for column, width in zip(self.columns, widths, strict=True)
        ]
        return body

    def _as_lists(self) -> rich.table.Table:
        """Return each row as lines of a heading and a cell; empty cells are left out."""
        lists = rich.table.Table.grid("", Column(overflow="fold"), padding=(0, 2, 0, 0))
        lists.columns[0].style = self.header_style
        cells = zip(*(column.cells for column in self.columns), strict=True)
        for at, (row, of_row) in enumerate(zip(self.rows, cells, strict=True)):
            if at:
                lists.add_row()
            for column, cell in zip(self.columns, of_row, strict=True):
                if cell:
                    lists.add_row(column.header, cell, style=row.style)
        return lists


def _line(text: str | Text, style: str) -> Text:
    return text if isinstance(text, Text) else Text(text, style=style)


def _span(column: Column, console: Console, options: ConsoleOptions) -> _Span:
    cells = [Measurement.get(console, options, cell) for cell in column.cells]
    heading, pieces = (
        Measurement.get(console, options, told)
        for told in (column.header, _broken(column.header, 0))
    )
    words = max(pieces.minimum, *(cell.minimum for cell in cells), 0)
    widest = max(words, *(cell.maximum for cell in cells), 0)
    if column.no_wrap:
        widest = words = max(widest, heading.maximum)
    elif column.max_width is not None:
        widest = max(words, min(widest, column.max_width))
    return _Span(max(widest, heading.maximum), widest, words)


def _broken(heading: RenderableType, width: int) -> RenderableType:
    """Return a heading with its words that are longer than `width` in several lines."""
    if not isinstance(heading, str):
        return heading
    return re.sub(r"\S+", lambda word: _in_lines(word[0], width), heading)


def _in_lines(word: str, width: int) -> str:
    lines = [""]
    for piece in _MAY_BREAK.split(word):
        if lines[-1] and len(lines[-1]) + len(piece) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(lines)


def _shrunk(most: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Return widths that fit the room: the widest give way first, none below its least."""
    widths = list(most)
    while sum(widths) > room and widths != list(least):
        giving = [at for at, width in enumerate(widths) if width > least[at]]
        widths[max(giving, key=widths.__getitem__)] -= 1
    return widths
