"""An agenda as a table for the terminal."""

from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.text import Text

from features.clock import zone_of
from reco.feed.answer import FeedAnswer, FeedItem, Session
from reco.whole_table import Table

REASONS = {
    "first_of_category": "a first for you",
    "liked_by_people_like_you": "liked by people like you",
    "popular_near_you": "popular around you",
    "close_to_you": "close to you",
    "soon": "soon",
    "free": "free",
}
"""Each reason of a feed, in words."""

PRACTICAL = ("close_to_you", "soon", "free")
"""Reasons that no explanation tells in other words."""

NOTES = {
    "guest": "No user: the agenda of a guest.",
    "unknown_user_cold_agenda": "This user is unknown: the agenda of a newcomer.",
    "no_location_nationwide": "No location and no home: digital offers of the whole country.",
    "radius_widened": "Little is on nearby: the radius was widened.",
    "no_model_popularity_only": "No model is published: ranked by what is booked nearby.",
    "model_newer_than_request": "The model has seen what happened after this moment.",
    "no_deposit": "No deposit is granted yet: paid offers can be looked at, not booked.",
    "no_credit_left_free_only": "No credit is left: free offers alone.",
    "little_left_to_meet": "Nearly all that is here has been met: little is left to add.",
    "cut_short": "Much was withdrawn or sold out just now: ask again in a moment for more.",
    "nothing_found": "Nothing can be booked here: widen the radius, the dates or the price.",
}
"""Each note of a feed, in words."""


_REASONS_WIDTH = 60
"""Columns of the screen that the reasons of an offer take at most."""


def agenda_table(answer: FeedAnswer, who: str, zone: ZoneInfo) -> RenderableType:
    """Return `answer` as a table, times in the venue's zone or else `zone`."""
    table = Table(title=_title(answer, who), header_style="bold")
    for name, justify in (
        ("What", "left"),
        ("Where", "left"),
        ("Away", "right"),
        ("When", "left"),
        ("Price", "right"),
        ("Chance", "right"),
        ("Why", "left"),
    ):
        # On a narrow terminal titles and reasons are wrapped, a price or a date never is.
        shrinks = name in {"What", "Where", "Why"}
        table.add_column(name, justify=justify, no_wrap=not shrinks)  # type: ignore[arg-type]
    # Sentences; of an agenda in a file, too, that somebody reads.
    table.columns[-1].max_width = _REASONS_WIDTH
    for item in answer.items:
        table.add_row(*_row(item, zone))
    notes = [Text(NOTES[note], style="yellow") for note in answer.notes]
    return Group(table, *notes, Text(_footer(answer), style="dim"))


def price_text(price_cents: int) -> str:
    """Return a price for people: free, 12 €, 12.50 €."""
    if price_cents == 0:
        return "free"
    whole = price_cents % 100 == 0
    return f"{price_cents // 100} €" if whole else f"{price_cents / 100:.2f} €"


def distance_text(distance_m: float | None) -> str:
    """Return a distance for people: < 100 m, 350 m, 3.2 km, 41 km; digital offers have none."""
    if distance_m is None:
        return "online"
    if distance_m < 100:
        return "< 100 m"
    if distance_m < 1_000:
        return f"{round(distance_m, -1):.0f} m"
    return f"{distance_m / 1_000:.1f} km" if distance_m < 10_000 else f"{distance_m / 1_000:.0f} km"


def chance_text(probability: float | None) -> str:
    """Return a probability as it is told, in percent; the smallest are not told as none at all."""
    if probability is None:
        return ""
    return "< 0.01%" if probability < 0.0001 else f"{probability:.2%}"


def _row(item: FeedItem, zone: ZoneInfo) -> list[Text]:
    local = _local_zone(item, zone)
    where = (item.venue.name or item.venue.venue_id) if item.venue else "online"
    what = Text(item.title or item.item_id, style="bold").append(
        f"\n{item.subcategory or item.category}", style="dim not bold"
    )
    why = "; ".join([*_explanations(item), *_practical(item)])
    cells = [where, distance_text(item.distance_m), _when(item, local)]
    cells += [_prices(item.sessions), chance_text(item.probability), why]
    return [what, *(Text(cell) for cell in cells)]


def _explanations(item: FeedItem) -> list[str]:
    """Return what is explained, of new values only the one that earns most."""
    new = [told for told in item.explanation if told.code.startswith("new_")]
    return [told.text for told in item.explanation if told not in new[1:]]


def _practical(item: FeedItem) -> list[str]:
    """Return the reasons that no explanation tells in other words."""
    return [REASONS[reason] for reason in item.reasons if reason in PRACTICAL]


def _local_zone(item: FeedItem, zone: ZoneInfo) -> ZoneInfo:
    return zone_of(item.venue.timezone if item.venue else None) or zone


def _when(item: FeedItem, zone: ZoneInfo) -> str:
    starts_at = item.sessions[0].starts_at
    if starts_at is None:
        return "any day"
    more = f"\n+ {item.sessions_total - 1} more" if item.sessions_total > 1 else ""
    return _moment_text(starts_at, zone) + more


def _moment_text(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%a %d %b %H:%M}"


def _prices(sessions: tuple[Session, ...]) -> str:
    cheapest = min(session.price_cents for session in sessions)
    dearest = max(session.price_cents for session in sessions)
    return ("from " if dearest > cheapest else "") + price_text(cheapest)


def _title(answer: FeedAnswer, who: str) -> str:
    place = answer.location_used
    where = "everywhere"
    if answer.radius_m is not None:
        where = f"within {answer.radius_m / 1_000:.0f} km of {place.lat:.3f}, {place.lon:.3f}"
    return f"Agenda of {who}, {where}"


def _footer(answer: FeedAnswer) -> str:
    met = ", ".join(answer.horizon.categories) or "nothing yet"
    slate = " ".join(told.text for told in answer.explanation)
    return (
        f"Horizon so far: {answer.horizon.points:.0f} points ({met}). {slate} "
        f"Model {answer.model_version}, slate {answer.slate_id}."
    )
