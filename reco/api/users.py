"""Young people: who they are, what is left of their credit, the token that a phone carries."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from reco.api.access import LiveCaller, Now, WorkerOfApp
from reco.api.examples import CREDIT, USER, shown
from reco.api.identifiers import PLAIN, Identifier
from reco.api.json import Json
from reco.api.problems import NOT_FOUND, PROBLEMS, TOO_LARGE
from reco.api.tokens import UserToken, issue_token
from reco.api.written import Day
from reco.core.accounts import CreditStanding, Person, account_number, read_credit, register
from reco.core.policies import read_policies
from reco.db.pool import connected
from reco.geo.points import Point

router = APIRouter(prefix="/v1", tags=["users"])

UserId = Annotated[Identifier, Path(min_length=1, max_length=200, examples=["reader"])]
NewUserId = Annotated[UserId, PLAIN]

_ANSWERS: dict[int | str, dict[str, Any]] = {**NOT_FOUND, **PROBLEMS}


class PersonSent(BaseModel):
    """Who somebody is; what is left out is not known."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"birth_date": "2008-09-14", "lat": 45.1885, "lon": 5.7245}},
    )

    birth_date: Annotated[
        Day | None, Field(description="Grants the deposit that is due at that age.")
    ] = None
    lat: Annotated[float | None, Field(description="Home, degrees; kept to 100 m.")] = None
    lon: Annotated[float | None, Field(description="Degrees.")] = None


@dataclass(frozen=True)
class Home:
    """A home, rounded to 100 m."""

    lat: float
    lon: float


@dataclass(frozen=True)
class User:
    """An account."""

    user_id: str
    birth_date: date | None
    home: Home | None
    granted: bool
    """Whether this very request granted a deposit."""
    credit: CreditStanding


@router.put("/users/{user_id}", responses={200: shown(User, USER), **TOO_LARGE, **PROBLEMS})
def put(
    worker: WorkerOfApp, now: Now, caller: LiveCaller, user_id: NewUserId, person: PersonSent
) -> Json:
    """Create or replace an account; needs a key of scope app. A deposit is granted once an age."""
    caller.must_be("app", "admin")
    here = Point.checked(person.lon, person.lat)
    home = here.rounded() if here else None
    zone = ZoneInfo(worker.settings.timezone)
    wanted = Person(
        user_id, person.birth_date, home.lon if home else None, home.lat if home else None
    )
    with worker.writers.connected() as connection:
        done = register(connection, wanted, read_policies(connection), now, zone)
    shown = Home(home.lat, home.lon) if home else None
    return Json(User(user_id, person.birth_date, shown, done.granted, done.credit))


@router.get(
    "/users/{user_id:id}/credit", responses={200: shown(CreditStanding, CREDIT), **_ANSWERS}
)
def credit(worker: WorkerOfApp, now: Now, caller: LiveCaller, user_id: UserId) -> Json:
    """What is left of a user's credit: in all, by cap, until when."""
    with connected(worker.pool) as connection:
        return Json(read_credit(connection, caller.user(user_id) or user_id, now))


@router.post("/users/{user_id:id}/token", responses={200: {"model": UserToken}, **PROBLEMS})
def token(worker: WorkerOfApp, now: Now, caller: LiveCaller, user_id: UserId) -> Json:
    """A token that opens this user's own resources for an hour; needs a key of scope app."""
    caller.must_be("app", "admin")
    with connected(worker.pool) as connection:
        account = account_number(connection, user_id)
    return Json(issue_token(user_id, account, worker.secret, now))
