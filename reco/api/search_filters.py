"""What searches and maps are asked to show: the same parameters for both."""

from typing import Annotated

from fastapi import Depends, Query

from reco.api.access import Now
from reco.api.identifiers import Identifier
from reco.api.zones import ZoneAsked
from reco.moments import moment_from
from reco.search.query import SearchFilters, search_filters


def _filters(
    now: Now,
    zone: ZoneAsked,
    *,
    q: Annotated[
        Identifier | None,
        Query(
            description="Words in French, with or without accents, in title, genres, description "
            'or the name of the venue; "words together", or, -not (then names of venues do not '
            "count). Where fewer than 5 items match, titles that look like it are taken too.",
        ),
    ] = None,
    category: Annotated[list[str] | None, Query(description="May be repeated.")] = None,
    subcategory: Annotated[list[str] | None, Query(description="May be repeated.")] = None,
    when: Annotated[
        str | None,
        Query(description="today, tonight (18:00 to 4:00) or weekend (from Friday 18:00)."),
    ] = None,
    from_: Annotated[
        str | None, Query(alias="from", description="Date or time that sessions begin at or after.")
    ] = None,
    to: Annotated[
        str | None, Query(description="Date (included) or time that sessions begin before.")
    ] = None,
    undated: Annotated[
        bool, Query(description="With dates: take what can be had on any day too.")
    ] = False,
    min_price_eur: Annotated[float | None, Query()] = None,
    max_price_eur: Annotated[float | None, Query()] = None,
    duo: Annotated[
        bool | None,
        Query(
            description="Two places can be booked, and sessions have as many left, or not. Order "
            "and counts take a session with one left, too."
        ),
    ] = None,
    digital: Annotated[bool | None, Query(description="Only online, or only at venues.")] = None,
    open_now: Annotated[
        bool,
        Query(
            description="Only venues that are open; those that do not say, or not in a form that "
            "is understood (Mo-Fr 09:00-12:00,14:00-18:00; Sa 10:00-12:00), are left out and "
            "counted. What is online is left out too."
        ),
    ] = False,
) -> SearchFilters:
    return search_filters(
        now=now,
        zone=zone,
        text=q,
        categories=category or (),
        subcategories=subcategory or (),
        when=when,
        starts_from=moment_from(from_, "from", zone) if from_ else None,
        starts_before=moment_from(to, "to", zone, end_of_day=True) if to else None,
        with_undated=undated,
        min_price_eur=min_price_eur,
        max_price_eur=max_price_eur,
        is_duo=duo,
        is_digital=digital,
        open_now=open_now,
    )


FiltersAsked = Annotated[SearchFilters, Depends(_filters)]
