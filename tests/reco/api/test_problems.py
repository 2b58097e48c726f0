"""What goes wrong on our side, in the answer and in the log."""

import pytest
from fastapi.testclient import TestClient

from reco.api.pages import Pages


@pytest.fixture
def answered(client):
    """The application as a server has it: who asks gets an answer, whatever is raised."""
    return TestClient(client.app, base_url="http://localhost", raise_server_exceptions=False)


@pytest.fixture
def told(caplog):
    def lines():
        return [one.getMessage() for one in caplog.records if one.name == "reco.api.problems"]

    return lines


def broken(*_, **__):
    raise RuntimeError("it broke")


def test_what_is_unexpected_is_logged_with_its_endpoint_and_nobody_s_id(
    answered, key, monkeypatch, told, caplog
):
    monkeypatch.setattr("reco.api.tastes.read_tastes", broken)
    answer = answered.get("/v1/users/reader/tastes", headers=key)
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal Server Error")
    assert told() == ["GET /v1/users/{user_id}/tastes failed"]
    assert "it broke" in caplog.text
    assert "reader" not in caplog.text


def test_where_no_endpoint_takes_it_the_path_is_not_logged(answered, monkeypatch, told, caplog):
    monkeypatch.setattr(Pages, "get_response", broken)
    assert answered.get("/v1/users/reader/tasts").status_code == 500
    assert told() == ["GET a path of no endpoint failed"]
    assert "reader" not in caplog.text
