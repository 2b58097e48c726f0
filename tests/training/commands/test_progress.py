"""What long commands say of how far they are."""

import re

import pytest
from rich.console import Console

from training.commands import frames, progress


@pytest.fixture
def console(monkeypatch):
    """Both commands' standard error, as a log or as a terminal."""

    def use(*, is_terminal):
        console = Console(record=True, force_terminal=is_terminal, width=80)
        for part in (frames, progress):
            monkeypatch.setattr(part, "errors", console)
        return console

    return use


def test_a_log_gets_a_line_when_something_else_begins(console):
    log = console(is_terminal=False)
    with progress.share_progress() as tell:
        for what, share in (("reading", 0.0), ("fitting", 0.1), ("fitting", 0.2), ("judging", 0.9)):
            tell(what, share)
    lines = [re.sub(r"^ *[\d.]+ s +", "", line) for line in log.export_text().splitlines()]
    assert lines == ["0%  reading", "10%  fitting", "90%  judging"]


def test_of_an_import_too(console):
    log = console(is_terminal=False)
    with frames.frame_progress() as report:
        for what, rows in (("users", 0), ("users", 900), ("writing venue", 10)):
            report(what, rows, 0.5)
    assert [line.split("  ")[-1] for line in log.export_text().splitlines()] == [
        "users", "writing venue"
    ]  # fmt: skip


def test_on_a_terminal_a_bar_comes_and_goes(console):
    terminal = console(is_terminal=True)
    with progress.share_progress() as tell:
        tell("reading", 0.5)
    assert " s  " not in terminal.export_text()
