"""POST /v1/users/{user_id}/token: what a phone carries."""

from fastapi import APIRouter

from reco.api.access import KnownCaller, Now, WorkerOfApp
from reco.api.identifiers import Identifier
from reco.api.json import Json
from reco.api.problems import PROBLEMS
from reco.api.tokens import UserToken, issue_token

router = APIRouter(prefix="/v1", tags=["users"])


@router.post("/users/{user_id}/token", responses={200: {"model": UserToken}, **PROBLEMS})
def token(worker: WorkerOfApp, now: Now, caller: KnownCaller, user_id: Identifier) -> Json:
    """A token that opens this user's own resources for an hour; needs a key of scope app."""
    caller.must_be("app", "admin")
    return Json(issue_token(user_id, worker.secret, now))
