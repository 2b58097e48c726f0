"""A query read by a model at once: as FastAPI reads and tells the same parameters one by one."""

from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Query
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from reco.api.asked import AskedAs, told_as


class Parameters(BaseModel):
    name: Annotated[str | None, Field(description="Anything.")] = None
    n: int = 20
    share: Annotated[float | None, Field(alias="of")] = None
    kind: list[str] | None = None
    plan: bool = False
    needed: str


def at_once(asked: Annotated[Parameters, Depends(AskedAs(Parameters))]) -> dict[str, object]:
    return asked.model_dump()


def one_by_one(
    needed: str,
    name: Annotated[str | None, Query(description="Anything.")] = None,
    n: int = 20,
    share: Annotated[float | None, Query(alias="of")] = None,
    kind: Annotated[list[str] | None, Query()] = None,
    plan: bool = False,
) -> dict[str, object]:
    return {
        "name": name, "n": n, "share": share, "kind": kind, "plan": plan, "needed": needed,
    }  # fmt: skip


@pytest.fixture(scope="module")
def both():
    app = FastAPI()
    app.get("/at-once", openapi_extra=told_as(Parameters))(at_once)
    app.get("/one-by-one")(one_by_one)
    return TestClient(app)


value = st.sampled_from(["", "x", "1", "-2", "2.5", "nan", "1e400", "true", "no", "é", "\x00"])
parameter = st.sampled_from(["name", "n", "of", "share", "kind", "plan", "needed", "other"])


@given(asked=st.lists(st.tuples(parameter, value), max_size=6))
def test_it_reads_and_refuses_what_fastapi_does(both, asked):
    ours, theirs = (both.get(path, params=asked) for path in ("/at-once", "/one-by-one"))
    assert ours.status_code == theirs.status_code
    if ours.status_code == 200:
        assert ours.text == theirs.text
    else:
        told = [
            sorted((one["loc"], one["type"], one["msg"]) for one in answer.json()["detail"])
            for answer in (ours, theirs)
        ]
        assert told[0] == told[1]


def test_openapi_is_told_the_same(both):
    paths = both.get("/openapi.json").json()["paths"]
    ours, theirs = (
        sorted(paths[path]["get"]["parameters"], key=lambda one: one["name"])
        for path in ("/at-once", "/one-by-one")
    )
    assert ours == theirs
