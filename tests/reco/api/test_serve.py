"""What a server says before it is one."""

import socket

import pytest

from reco.api.serve import require_free, serve_world
from reco.errors import SetupError
from reco.settings import Settings


@pytest.fixture
def taken():
    """A port of this machine that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_port_that_is_taken_is_told_before_the_database_is_asked(taken, tmp_path, capsys):
    nowhere = Settings(home=tmp_path, database_url="postgresql://127.0.0.1:1/nothing")
    with pytest.raises(SetupError, match=f"127.0.0.1:{taken} .*--port"):
        serve_world(nowhere, port=taken, with_demo=True)
    assert "Agenda" not in capsys.readouterr().err


def test_a_port_that_is_free_stays_so():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)
