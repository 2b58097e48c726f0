"""The command `reco feed`: one person's agenda, as a table or as the API's body."""

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import orjson
import typer

from reco.console import WorldOption, console, settings_for
from reco.db.ready import opened_world
from reco.errors import InvalidInput
from reco.feed.once import feed_once
from reco.feed.query import feed_query
from reco.feed.table import agenda_table
from reco.moments import moment_from
from reco.secret import signing_secret

_FIRST_YEAR, _LAST_YEAR = 1900, 8999
"""Bookings and sessions lie within, and no clock of any zone ends there."""


def feed(
    context: typer.Context,
    *,
    user: Annotated[str | None, typer.Option(help="User id; none: a guest.")] = None,
    lat: Annotated[float | None, typer.Option(help="Latitude, degrees. [default: home]")] = None,
    lon: Annotated[float | None, typer.Option(help="Longitude, degrees. [default: home]")] = None,
    radius_km: Annotated[
        float | None, typer.Option(help="Up to 200. [default: 50, wider where little is on]")
    ] = None,
    at: Annotated[str | None, typer.Option(help="As of this date or time. [default: now]")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="Sessions from this date or time on.")
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Sessions until this date or time; a date is included.")
    ] = None,
    max_price: Annotated[float | None, typer.Option(help="The most that it costs, euros.")] = None,
    category: Annotated[
        list[str] | None, typer.Option(help="Only this category; may be repeated.")
    ] = None,
    n: Annotated[int, typer.Option(help="Length of the slate, up to 100.")] = 20,
    floor: Annotated[
        float | None,
        typer.Option(help="Share of the best relevance to keep, 0 to 1. [default: as served]"),
    ] = None,
    plan: Annotated[bool, typer.Option(help="No two offers at the same time.")] = False,
    intensity: Annotated[
        float | None,
        typer.Option(
            help="Slates like this one that the person will see, 1 to 1000. [default: as served]"
        ),
    ] = None,
    points_a_booking: Annotated[
        float | None,
        typer.Option(
            help="Price of relevance, in points; without a floor it has none. [default: as served]"
        ),
    ] = None,
    min_new_categories: Annotated[
        int, typer.Option(help="New categories that the slate must have, where there are any.")
    ] = 0,
    max_per_category: Annotated[
        int | None,
        typer.Option(help="Offers of one category, while there are others. [default: any number]"),
    ] = None,
    lang: Annotated[str, typer.Option(help="Of the explanations: fr or en.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print the API's body.")] = False,
    world: WorldOption = None,
) -> None:
    """Print what one person can book around a place, ranked."""
    settings = settings_for(context, world)
    zone = ZoneInfo(settings.timezone)
    asked_at = _moment_of(at, zone) if at else None
    query = feed_query(
        now=asked_at or datetime.now(UTC),
        as_of=asked_at,
        default_radius_m=settings.radius_m,
        user_id=user,
        lat=lat,
        lon=lon,
        radius_km=radius_km,
        starts_from=moment_from(from_, "from", zone) if from_ else None,
        starts_before=moment_from(to, "to", zone, end_of_day=True) if to else None,
        max_price_eur=max_price,
        categories=category or (),
        n=n,
        floor=floor,
        intensity=intensity,
        points_a_booking=points_a_booking,
        served=settings.dials,
        plan=plan,
        min_new_categories=min_new_categories,
        max_per_category=max_per_category,
        language=lang,
    )
    answer = feed_once(opened_world(settings), query, signing_secret(settings))
    if as_json:
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode())
    else:
        console.print(agenda_table(answer, user or "a guest", zone))


def _moment_of(at: str, zone: ZoneInfo) -> datetime:
    """Return the moment of a feed, with years on both sides of it in which bookings can lie."""
    moment = moment_from(at, "at", zone)
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise InvalidInput("at", f"{at!r} lies outside of the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment
