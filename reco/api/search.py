"""GET /v1/search: what can be booked, filtered and sorted as asked, the same for everybody."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response

from reco.api.access import KnownCaller, Now, WorkerOfApp
from reco.api.examples import SEARCH, SEARCH_FEATURES
from reco.api.geojson import items_as_features, negotiated, shown_as
from reco.api.problems import PROBLEMS
from reco.api.search_filters import FiltersAsked
from reco.api.zones import ZoneAsked
from reco.search.answer import SearchAnswer
from reco.search.query import search_query

router = APIRouter(prefix="/v1", tags=["search"])

_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: shown_as(SearchAnswer, SEARCH, SEARCH_FEATURES),
    **PROBLEMS,
}


@router.get("/search", responses=_ANSWERS)
def search(
    worker: WorkerOfApp,
    now: Now,
    caller: KnownCaller,
    filters: FiltersAsked,
    zone: ZoneAsked,
    *,
    lat: Annotated[float | None, Query(description="Degrees.", examples=[45.1885])] = None,
    lon: Annotated[float | None, Query(description="Degrees.", examples=[5.7245])] = None,
    radius_km: Annotated[
        float | None, Query(description="Up to 200; with a place and no bbox default 50.")
    ] = None,
    bbox: Annotated[
        str | None,
        Query(
            description="west,south,east,north in degrees; west greater than east crosses the "
            "antimeridian."
        ),
    ] = None,
    sort: Annotated[
        str | None,
        Query(
            description="distance, date, price, popularity, text; several in order, as "
            "date,price. Default: text, distance, date, as far as they apply. Distance and date "
            "settle the ties of others, as far as they apply, then the offer's id.",
            examples=["distance,price"],
        ),
    ] = None,
    group: Annotated[
        str, Query(description="item: each item once, at the offer that sorts first; offer: all.")
    ] = "item",
    facets: Annotated[bool, Query(description="Count what might be asked next.")] = True,
    n: Annotated[int, Query(description="Length of a page, 1 to 100.")] = 20,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before.")] = None,
    accept: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Response:
    """What can be booked and passes the filters, sorted as asked: not personalised, nothing pushed.

    Distances are sorted by whole metres, prices by the cheapest and dates by the first session
    that passes; popularity is how often the item was booked in the last 28 days, at all of its
    offers that can be booked. An offer shows eight sessions, the first that pass and the cheapest,
    and `sessions_total`. What is online can be had everywhere: it comes last by distance, and
    `digital=false` leaves it out. A text is ranked by PostgreSQL's `ts_rank` (title 1, genres 0.4,
    description 0.1); offers of venues of that name come after, titles that only look like it last.

    A facet counts items under all filters but its own; sums can exceed the total, since an item
    counts for every day and price that it can be had for. Counts may be a second old; the offers
    of the page are read back and can be booked. Pages begin after the last row of the page before,
    wherever it is by now: what comes or moves before it meanwhile, as by a price that falls, is not
    pushed in. Where popularity is among the sorts, which every booking changes, they have the first
    of all that was not shown. They end after 2,000 rows. Where very much was withdrawn or sold out
    seconds ago, a page may be short, or empty, and says so by the note `cut_short`; nothing is left
    out, and `next_cursor` leads on. `Accept: application/geo+json` gives features.
    """
    del caller
    query = search_query(
        now=now,
        zone=zone,
        default_radius_m=worker.settings.radius_m,
        lat=lat,
        lon=lon,
        radius_km=radius_km,
        bbox=bbox,
        sort=sort,
        group=group,
        n=n,
        with_facets=facets,
        filters=filters,
    )
    return negotiated(accept, worker.search(query, cursor), items_as_features)
