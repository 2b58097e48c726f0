"""A progress bar over one piece of work, on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from reco.console import errors

_COLUMNS = (TextColumn("{task.description:<36}"), BarColumn(), TimeElapsedColumn())


@contextmanager
def share_progress() -> Iterator[Callable[[str, float], None]]:
    """Lend a function that shows what is under way and the share of the whole that is done."""
    with Progress(*_COLUMNS, console=errors, transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)
