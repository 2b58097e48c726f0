"""What an operator sets wrong is said by the variable's name."""

from traceback import format_exception

import pytest

from reco.cli import main
from reco.errors import InvalidInput
from reco.settings import Settings, read_settings
from reco.world import open_world


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("RECO_FLOOR", "98", "'98': Input should be less than or equal to 1"),
        ("RECO_POOL_SIZE", "many", "'many': Input should be a valid integer"),
        ("RECO_TIMEZONE", "Mars/Olympus", "'Mars/Olympus' is no time zone"),
        ("RECO_TIMEZONE", "Europe", "'Europe' is no time zone"),
        ("RECO_TIMEZONE", "", "'' is no time zone"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch, variable, value, reason):
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidInput) as told:
        read_settings()
    assert told.value.field == variable
    assert reason in told.value.reason


def test_a_command_says_it_in_a_line_with_exit_code_2(monkeypatch, capsys):
    monkeypatch.setenv("RECO_FLOOR", "98")
    monkeypatch.setattr("sys.argv", ["reco", "feed"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Error: RECO_FLOOR: '98': Input should be less")


@pytest.mark.parametrize("variable", ["database_url", "database_read_url"])
@pytest.mark.parametrize(
    "url", ["postgresql://reco:hunter2%secret@db/reco", "mysql://reco:hunter2@db", "hunter2"]
)
def test_what_is_no_url_of_a_database_is_not_repeated(tmp_path, variable, url):
    settings = Settings(home=tmp_path, world="demo", **{variable: url})
    with pytest.raises(InvalidInput, match=f"RECO_{variable.upper()}: it is no URL") as told:
        open_world(settings, "postgresql://private/reco")
    assert "hunter2" not in "".join(format_exception(told.value))


def test_zones_overseas_are_known():
    assert Settings(timezone="Pacific/Noumea").timezone == "Pacific/Noumea"
