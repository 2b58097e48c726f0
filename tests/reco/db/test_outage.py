"""An outage: told once as it begins, once as it ends, and not of a server that is there."""

import psycopg
import pytest

from reco.db.outage import Outage
from reco.errors import Unavailable


def unavailable(why):
    """Return the error of a piece of work that `why` made fail."""
    error = Unavailable("The database does not answer; try again in a moment.")
    error.__cause__ = why
    return error


@pytest.mark.parametrize(
    "why", [None, psycopg.OperationalError("connection refused\n\tIs it running?")]
)
def test_it_is_told_once_and_once_that_it_is_over(caplog, why):
    outage = Outage("Start it.")
    outage.end()
    for _ in range(2):
        assert outage.is_why(unavailable(why))
    outage.end()
    outage.end()
    begun, over = caplog.messages
    assert begun.startswith("The database gives no connection (")
    assert begun.endswith(" Start it.")
    assert over == "The database gives connections again."


@pytest.mark.parametrize("kind", [psycopg.errors.DiskFull, psycopg.errors.ReadOnlySqlTransaction])
def test_what_a_server_that_is_there_gives_up_is_none(caplog, kind):
    outage = Outage("Start it.")
    for error in (kind("no"), unavailable(kind("no"))):
        assert not outage.is_why(error)
    assert not caplog.messages
