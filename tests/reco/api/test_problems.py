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


def test_a_body_that_is_not_said_to_be_json_is_told_so(client, key):
    def told(**kind):
        answer = client.put("/v1/users/kid", content=b'{"birth_date": "2008-05-05"}', **kind)
        assert (answer.status_code, answer.json()["field"]) == (422, "body")
        assert answer.json()["accepted"] == ["application/json"]
        return answer.json()["detail"]

    assert told(headers=key).startswith("body: it came without a Content-Type; send JSON")
    form = key | {"Content-Type": "application/x-www-form-urlencoded"}
    assert "came as application/x-www-form-urlencoded" in told(headers=form)
    as_json = key | {"Content-Type": "application/json"}
    answer = client.put("/v1/users/kid", content=b'{"birth_date": "2008-05-05"}', headers=as_json)
    assert answer.status_code in {200, 201}


def test_all_that_is_needed_and_missing_is_told_at_once(client, key):
    answer = client.get("/v1/map", headers=key)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "bbox, zoom: Field required."
    assert answer.json()["field"] == "bbox"
