"""An agenda that one person can keep: no two of its sessions at the same time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reco.feed.answer import Session
from reco.feed.readback import LiveOffer

ASSUMED_DURATION = timedelta(hours=2)
"""Of a session whose end nobody has said, or said to be no later than its start."""
_LATEST = datetime.max.replace(tzinfo=UTC) - ASSUMED_DURATION


def planned(offers: Sequence[LiveOffer]) -> tuple[list[LiveOffer], set[int]]:
    """Return the offers that fit beside those before them, and the ids of the others.

    Each keeps the one session that is planned, its first that is free; what has no date can be done
    at any time, and keeps all of its sessions.
    """
    kept: list[LiveOffer] = []
    colliding: set[int] = set()
    taken: list[tuple[datetime, datetime]] = []
    for offer in offers:
        if any(session.starts_at is None for session in offer.sessions):
            undated = [session for session in offer.sessions if session.starts_at is None]
            kept.append(replace(offer, sessions=tuple(undated), sessions_total=len(undated)))
            continue
        free = next((s for s in offer.sessions if not _collides(_span(s), taken)), None)
        if free is None:
            colliding.add(offer.id)
            continue
        taken.append(_span(free))
        kept.append(replace(offer, sessions=(free,), sessions_total=1))
    return kept, colliding


def _span(session: Session) -> tuple[datetime, datetime]:
    if session.starts_at is None:
        raise ValueError("A session without a date takes no time.")
    starts_at, ends_at = session.starts_at, session.ends_at
    if ends_at is None or ends_at <= starts_at:
        # Some write the end of the calendar for "one day".
        ends_at = min(starts_at, _LATEST) + ASSUMED_DURATION
    return starts_at, ends_at


def _collides(span: tuple[datetime, datetime], taken: Sequence[tuple[datetime, datetime]]) -> bool:
    return any(span[0] < ends and starts < span[1] for starts, ends in taken)
