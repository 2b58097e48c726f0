"""What people say that they like when they arrive: it shapes their very next feed."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from reco.api.access import LiveCaller, Now, WorkerOfApp
from reco.api.examples import TASTES, shown
from reco.api.identifiers import Identifier
from reco.api.json import Json
from reco.api.problems import NOT_FOUND, PROBLEMS, TOO_LARGE
from reco.api.users import UserId
from reco.core.tastes import StatedTastes, Tastes, read_tastes, state_tastes
from reco.db.pool import connected

router = APIRouter(prefix="/v1", tags=["users"])

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: shown(StatedTastes, TASTES),
    **NOT_FOUND,
    **PROBLEMS,
}

MAX_STATED = 100

Names = Annotated[tuple[Identifier, ...], Field(max_length=MAX_STATED)]


class TastesSent(BaseModel):
    """What somebody likes; what is left out is liked no more."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"categories": ["CINEMA"], "items": ["manga"]}},
    )

    categories: Annotated[Names, Field(description="Of GET /v1/categories.")] = ()
    genres: Annotated[Names, Field(description="Of GET /v1/genres.")] = ()
    items: Annotated[Names, Field(description="Works, by item_id: each counts as kept.")] = ()


@router.post("/users/{user_id:id}/tastes", responses=_ANSWERS | TOO_LARGE)
def post(
    worker: WorkerOfApp, now: Now, caller: LiveCaller, user_id: UserId, tastes: TastesSent
) -> Json:
    """Say what a user likes, in the place of what was said before; the next feed heeds it."""
    stated = Tastes(tastes.categories, tastes.genres, tastes.items)
    asked = caller.user(user_id) or user_id
    with worker.writers.connected() as connection:
        return Json(state_tastes(connection, asked, stated, worker.genres(), now))


@router.get("/users/{user_id:id}/tastes", responses=_ANSWERS)
def get(worker: WorkerOfApp, caller: LiveCaller, user_id: UserId) -> Json:
    """What a user said last to like; empty, where nothing was said."""
    with connected(worker.pool) as connection:
        return Json(read_tastes(connection, caller.user(user_id) or user_id))
