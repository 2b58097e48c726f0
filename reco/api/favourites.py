"""GET /v1/users/{id}/favourites: what a young person has kept."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from reco.api.access import LiveCaller, Now, WorkerOfApp
from reco.api.examples import FAVOURITE, shown
from reco.api.json import Json
from reco.api.keyset import read_moment_keyset, write_moment_keyset
from reco.api.problems import NOT_FOUND, PROBLEMS
from reco.api.users import UserId
from reco.feed.kept import Favourite

router = APIRouter(prefix="/v1", tags=["users"])

_LONGEST_PAGE = 200


@dataclass(frozen=True)
class Favourites:
    """A page of what was kept, the newest first."""

    favourites: tuple[Favourite, ...]
    next_cursor: str | None


@router.get(
    "/users/{user_id:id}/favourites",
    responses={
        200: shown(Favourites, {"favourites": [FAVOURITE], "next_cursor": None}),
        **NOT_FOUND,
        **PROBLEMS,
    },
)
def of_user(
    worker: WorkerOfApp,
    now: Now,
    caller: LiveCaller,
    user_id: UserId,
    *,
    n: Annotated[int, Query(ge=1, le=_LONGEST_PAGE)] = 50,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
) -> Json:
    """The works that a user has marked as favourites and not dismissed since, the newest first.

    Each once, by the offer that was marked last; where nothing of that can be booked, also by the
    nearest other one that can be (`elsewhere`): near its venue, else online. Works that only stated
    tastes name are not among them.
    """
    before = read_moment_keyset(cursor)
    page = worker.favourites(caller.user(user_id) or user_id, now, n=n, before=before)
    return Json(Favourites(page.favourites, write_moment_keyset(page.last)))
