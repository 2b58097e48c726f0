"""How far one piece of work is, on standard error: a bar, or lines where nobody can see one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from reco.console import errors

_COLUMNS = (TextColumn("{task.description:<36}"), BarColumn(), TimeElapsedColumn())


@contextmanager
def share_progress() -> Iterator[Callable[[str, float], None]]:
    """Lend a function that shows what is under way and the share of the whole that is done.

    A log gets a line when something else begins, with the seconds since the first.
    """
    if not errors.is_terminal:
        yield progress_lines()
        return
    with Progress(*_COLUMNS, console=errors, transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)


def progress_lines() -> Callable[[str, float], None]:
    """Return a function that tells the log when something else is under way."""
    began_s, told = perf_counter(), ""

    def tell(what: str, share: float) -> None:
        nonlocal told
        if what != told:
            told = what
            errors.print(
                f"{perf_counter() - began_s:8.1f} s  {share:4.0%}  {what}", highlight=False
            )

    return tell
