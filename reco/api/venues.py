"""GET /v1/venues/near: venues around a place, nearest first."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from reco.api.access import KnownCaller, WorkerOfApp
from reco.api.json import Json
from reco.api.problems import PROBLEMS
from reco.errors import InvalidInput
from reco.geo.points import Point, checked_radius_m
from reco.geo.venues import NearVenue, venues_near

router = APIRouter(prefix="/v1", tags=["venues"])


@dataclass(frozen=True)
class Venues:
    """Venues, the nearest first."""

    venues: list[NearVenue]


@router.get("/venues/near", responses={200: {"model": Venues}, **PROBLEMS})
def near(
    worker: WorkerOfApp,
    caller: KnownCaller,
    lat: Annotated[float, Query(description="Degrees.", examples=[45.1885])],
    lon: Annotated[float, Query(description="Degrees.", examples=[5.7245])],
    *,
    radius_km: Annotated[float, Query(description="Up to 200.")] = 10.0,
    n: Annotated[int, Query(ge=1, le=500)] = 100,
) -> Json:
    """The venues within a radius, by distance."""
    del caller
    here = Point.checked(lon, lat)
    if here is None:
        raise InvalidInput("lat", "a place is needed")
    radius_m = checked_radius_m(radius_km * 1000.0)
    return Json(
        Venues(worker.reads.near(lambda source: venues_near(source, here.rounded(), radius_m, n)))
    )
