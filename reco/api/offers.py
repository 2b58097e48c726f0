"""One offer, and offers like it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query

from reco.api.access import KnownCaller, Now, WorkerOfApp
from reco.api.identifiers import Identifier
from reco.api.json import Json
from reco.api.problems import NOT_FOUND, PROBLEMS
from reco.feed.answer import FeedItem

router = APIRouter(prefix="/v1", tags=["offers"])

OfferId = Annotated[Identifier, Path(examples=["film-tonight"])]


@dataclass(frozen=True)
class Items:
    """Offers, the likest first."""

    items: tuple[FeedItem, ...]


@dataclass(frozen=True)
class Categories:
    """Names, as the filter `category` takes them."""

    categories: list[str]


@dataclass(frozen=True)
class Genres:
    """Names, as stated tastes take them."""

    genres: list[str]


@dataclass(frozen=True)
class VenueTypes:
    """Names, as `type` of a venue tells them."""

    venue_types: list[str]


# Before the offer's own: an id may hold a slash.
@router.get(
    "/offers/{offer_id:id}/similar", responses={200: {"model": Items}, **NOT_FOUND, **PROBLEMS}
)
def similar(
    worker: WorkerOfApp,
    now: Now,
    caller: KnownCaller,
    offer_id: OfferId,
    n: Annotated[int, Query(ge=1, le=50)] = 10,
) -> Json:
    """Bookable offers like this one, around it."""
    del caller
    return Json(Items(worker.similar(offer_id, n, now)))


@router.get("/offers/{offer_id:id}", responses={200: {"model": FeedItem}, **NOT_FOUND, **PROBLEMS})
def offer(worker: WorkerOfApp, now: Now, caller: KnownCaller, offer_id: OfferId) -> Json:
    """One published offer with all sessions that can be booked, up to 1,000: none where it is sold
    out or past. Lists show up to eight of them, and say by `sessions_total` how many there are.
    """
    del caller
    return Json(worker.offer(offer_id, now))


@router.get("/categories", responses={200: {"model": Categories}, **PROBLEMS})
def categories(worker: WorkerOfApp, caller: KnownCaller) -> Json:
    """Every category of this world."""
    del caller
    return Json(Categories(worker.categories()))


@router.get("/genres", responses={200: {"model": Genres}, **PROBLEMS})
def genres(worker: WorkerOfApp, caller: KnownCaller) -> Json:
    """Every genre of what can be booked."""
    del caller
    return Json(Genres(worker.genres()))


@router.get("/venue-types", responses={200: {"model": VenueTypes}, **PROBLEMS})
def venue_types(worker: WorkerOfApp, caller: KnownCaller) -> Json:
    """Every kind of venue of this world, for some minutes also one that no venue is of any more."""
    del caller
    return Json(VenueTypes(worker.venue_types()))
