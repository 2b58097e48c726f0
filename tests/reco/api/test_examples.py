"""Every example of the OpenAPI document is run: what it shows can be sent, and comes back so."""

from http import HTTPStatus

import psycopg
import pytest
from fastapi.testclient import TestClient
from worlds import NOW, small_world

from reco.api.app import create_app
from reco.api.keys import create_key
from reco.core.partners import bind_venues, create_partner
from reco.settings import Settings
from reco.worker import Worker

JSON = "application/json"


def application(world):
    settings = Settings(home=world.folder)
    worker = Worker(settings, world, "a secret of at least thirty-two bytes", lambda: NOW)
    return create_app(worker, clock=lambda: NOW, with_demo=True)


@pytest.fixture(scope="module")
def stage(new_world):
    """The API over a small world whose cinema is a partner's, and a key of each scope."""
    world = new_world()
    with psycopg.connect(world.conninfo, autocommit=True) as connection:
        small_world(connection)
        create_partner(connection, "screen", "The screen")
        bind_venues(connection, "screen", ["cinema"])
        keys = {scope: create_key(connection, scope, "tests", NOW) for scope in ("app", "admin")}
        keys["backoffice"] = create_key(connection, "backoffice", "tests", NOW, "screen")
        app = application(world)
        with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50_000)) as client:
            yield client, keys, connection


def operations(document):
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def resolved(document, schema):
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].split("/")[-1]]
    return schema


def lacking(document, schema, value):
    """Yield the names that `value` has in excess of its record, or lacks of it, at any depth."""
    schema = resolved(document, schema)
    if isinstance(value, dict) and "properties" in schema:
        properties = schema["properties"]
        yield from value.keys() - properties.keys()
        yield from set(schema.get("required", ())) - value.keys()
        for name in value.keys() & properties.keys():
            yield from lacking(document, properties[name], value[name])
    elif isinstance(value, dict) and "anyOf" in schema:
        # A record or null: whichever of several records has the fewest faults is meant.
        records = [one for one in schema["anyOf"] if one.get("type") != "null"]
        yield from min((list(lacking(document, one, value)) for one in records), key=len)
    elif isinstance(value, list) and "items" in schema:
        for one in value:
            yield from lacking(document, schema["items"], one)


def example_of(parameter):
    return parameter.get("example", parameter["schema"].get("examples", [None])[0])


def scope_for(path):
    if path.startswith("/v1/backoffice"):
        return "backoffice"
    return "admin" if path.endswith("/use") else "app"


def request_of(document, path, operation):
    """Return what the document says of a request: the path, its query, headers and body."""
    sent = {"path": {}, "query": {}, "header": {}}
    for parameter in operation.get("parameters", []):
        example = example_of(parameter)
        if parameter["required"]:
            assert example is not None, f"{path} shows no {parameter['name']}"
        if example is not None:
            sent[parameter["in"]][parameter["name"]] = example
    body = None
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        body = content.get("example", resolved(document, content["schema"]).get("example"))
        sent["header"]["Content-Type"] = kind
        if operation["requestBody"].get("required"):
            assert body is not None, f"{path} shows no body"
    return path.format(**sent["path"]), sent["query"], sent["header"], body


def send(client, method, request, key):
    path, query, headers, body = request
    headers = headers | {"X-API-Key": key}
    content = {"content": body} if isinstance(body, str) else {"json": body} if body else {}
    return client.request(method, path, params=query, headers=headers, **content)


def test_every_request_that_is_shown_works(stage):
    client, keys, connection = stage
    document = client.get("/openapi.json").json()
    # What others need comes first, what takes it away last.
    order = {"put": 0, "post": 1, "get": 2, "delete": 3}
    found = sorted(operations(document), key=lambda operation: order[operation[0]])
    for method, path, operation in found:
        # The booking of the examples is a fresh one each time.
        connection.execute(
            "update core.booking set used_at = null, cancelled_at = null, cancel_reason = null,"
            " collect_by = %s where id = 1",
            (NOW,),
        )
        request = request_of(document, path, operation)
        response = send(client, method, request, keys[scope_for(path)])
        told = [status for status in operation["responses"] if status.startswith("2")]
        assert str(response.status_code) in told, f"{method} {path}: {response.text}"


def test_every_answer_that_is_shown_has_the_shape_of_its_record(stage):
    client, _, _ = stage
    document = client.get("/openapi.json").json()
    shown = 0
    for _, path, operation in operations(document):
        for answer in operation["responses"].values():
            content = answer.get("content", {}).get(JSON, {})
            if "example" in content and "schema" in content:
                assert not list(lacking(document, content["schema"], content["example"])), path
                shown += 1
    assert shown >= 6


def test_an_upload_is_answered_in_lines_alone(stage):
    client, _, _ = stage
    paths = client.get("/openapi.json").json()["paths"]
    answer = paths["/v1/backoffice/catalogue"]["post"]["responses"]["200"]
    assert list(answer["content"]) == ["application/x-ndjson"]


def test_whoever_may_send_too_much_is_told_so(stage):
    client, keys, _ = stage
    for method, path, operation in operations(client.get("/openapi.json").json()):
        sent = operation.get("requestBody", {}).get("content", {})
        assert (JSON in sent) == ("413" in operation["responses"]), path
        if JSON in sent:
            request = path.format(user_id="reader", own_id="cinema"), {}, {}, " " * 1_000_001
            response = send(client, method, request, keys[scope_for(path)])
            assert response.status_code == 413, path


def test_every_problem_that_is_shown_is_of_its_status(stage):
    client, _, _ = stage
    document = client.get("/openapi.json").json()
    shown = set()
    for _, path, operation in operations(document):
        for status, answer in operation["responses"].items():
            content = answer.get("content", {}).get("application/problem+json")
            if content:
                example = content["example"]
                assert example["status"] == int(status), path
                assert example["title"] == HTTPStatus(int(status)).phrase, path
                assert {*content["schema"]["required"]} <= {*example}, (path, status)
                shown.add(int(status))
    assert shown >= {401, 403, 404, 409, 410, 413, 415, 422, 429, 503}
