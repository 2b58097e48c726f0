"""A table that is told whole: on a narrow terminal nothing of it is cut."""

from copy import copy
from dataclasses import replace

import rich.table
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Column
from rich.text import Text


class Table(rich.table.Table):
    """As rich's, in its usual box, with title and caption at the left.

    Where the longest words of its columns do not fit side by side, each row is a list of its cells,
    each after its heading; in a table without headings long words are folded.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield what is printed in the width of `options`."""
        if self.title:
            yield _line(self.title, "table.title")
        if self.show_header and self._least_width(console, options) > options.max_width:
            yield self._as_lists()
        else:
            # As rich's own: as one of these it would be measured again.
            body = self._body(console, options)
            yield from rich.table.Table.__rich_console__(body, console, options)
        if self.caption:
            yield _line(self.caption, "table.caption")

    def _least_width(self, console: Console, options: ConsoleOptions) -> int:
        """Return how wide it is where every cell is wrapped at its words."""
        unbounded = options.update(max_width=_UNBOUNDED)
        return Measurement.get(console, unbounded, self).minimum

    def _body(self, console: Console, options: ConsoleOptions) -> "Table":
        """Return it without title and caption; in no column words are cut."""
        body = copy(self)
        body.title = body.caption = None
        body.columns = [replace(one, overflow="fold") for one in self.columns]
        if self.show_header:
            for column in body.columns:
                # Rich takes from the widest first, though its words may be as wide.
                column.no_wrap |= _is_of_words(column, console, options)
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


_UNBOUNDED = 1_000_000


def _is_of_words(column: Column, console: Console, options: ConsoleOptions) -> bool:
    """Say whether the widest of a column, and of its heading, is one word."""
    told = [Measurement.get(console, options, each) for each in (column.header, *column.cells)]
    return max(each.minimum for each in told) == max(each.maximum for each in told)


def _line(text: str | Text, style: str) -> Text:
    return text if isinstance(text, Text) else Text(text, style=style)
