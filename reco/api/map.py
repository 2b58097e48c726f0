"""GET /v1/map: where on a map something can be booked, in clusters."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from reco.api.access import KnownCaller, Now, WorkerOfApp
from reco.api.examples import MAP, MAP_FEATURES
from reco.api.geojson import clusters_as_features, negotiated, shown_as
from reco.api.problems import PROBLEMS
from reco.api.search_filters import FiltersAsked
from reco.api.zones import ZoneAsked
from reco.search.answer import MapAnswer
from reco.search.query import search_query

router = APIRouter(prefix="/v1", tags=["search"])

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: shown_as(MapAnswer, MAP, MAP_FEATURES),
    **PROBLEMS,
}


@router.get("/map", responses=_ANSWERS)
def clusters(
    worker: WorkerOfApp,
    now: Now,
    caller: KnownCaller,
    filters: FiltersAsked,
    zone: ZoneAsked,
    *,
    bbox: Annotated[
        str,
        Query(
            description="west,south,east,north in degrees; west greater than east crosses the "
            "antimeridian.",
            examples=["-5.2,41.3,9.6,51.1"],
        ),
    ],
    zoom: Annotated[
        int,
        Query(
            description="0 to 22, as web maps count: a cell is 64 pixels wide; from 16 on venues "
            "stand alone.",
            examples=[6],
        ),
    ],
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """Venues of a box that have something bookable that passes the filters, by cells of a grid.

    The grid depends on the zoom alone: a map that is moved keeps its clusters. Counts may be a
    second old. `Accept: application/geo+json` gives features.
    """
    del caller
    query = search_query(
        now=now,
        zone=zone,
        default_radius_m=worker.settings.radius_m,
        bbox=bbox,
        with_facets=False,
        filters=filters,
    )
    return negotiated(accept, worker.clusters(query, zoom), clusters_as_features)
