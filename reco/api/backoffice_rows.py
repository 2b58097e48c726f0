"""Rows of a partner's catalogue on the wire."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
)
from pydantic_core import PydanticCustomError

from features.clock import is_zone
from reco.api.identifiers import PLAIN
from reco.api.written import Moment
from reco.core.accents import composed
from reco.core.backoffice.rows import OfferRow, StockRow, VenueRow, WorkRow

_NO_NUL = r"^[^\x00]*$"
_MOST = 2**31 - 1


def _known_zone(name: str) -> str:
    if not is_zone(name):
        raise PydanticCustomError("zone", "Input should be a time zone such as Europe/Paris")
    return name


def _is_opened(offer_id: str) -> str:
    if offer_id.endswith("/similar"):
        raise PydanticCustomError(
            "offer_id", 'Input should not end in "/similar": there are similar offers'
        )
    return offer_id


OwnId = Annotated[str, StringConstraints(pattern=_NO_NUL, min_length=1, max_length=200)]
"""An id as the partner has it."""
NewOwnId = Annotated[OwnId, PLAIN]
"""The same of what is written."""
OfferOwnId = Annotated[NewOwnId, AfterValidator(_is_opened)]
"""The same of an offer that is written."""
Name = Annotated[str, StringConstraints(pattern=_NO_NUL, min_length=1, max_length=500)]
Text = Annotated[str, StringConstraints(pattern=_NO_NUL, max_length=20_000)]
NewName = Annotated[Name, AfterValidator(composed)]
"""A name that is made here, and not one by which something is found."""
NewText = Annotated[Text, AfterValidator(composed)]
Degrees = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Zone = Annotated[Name, AfterValidator(_known_zone)]


class VenueSent(BaseModel):
    """A venue."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "name": "Cinéma de la Lune",
                "lat": 45.1885,
                "lon": 5.7345,
                "venue_type": "cinema",
                "timezone": "Europe/Paris",
            }
        },
    )

    name: NewName
    lat: Annotated[Degrees, Field(description="WGS 84; outside France is a warning.")]
    lon: Annotated[Degrees, Field(description="WGS 84.")]
    venue_type: NewName | None = None
    timezone: Annotated[Zone | None, Field(description="Default: the service's.")] = None
    opening: Annotated[NewText | None, Field(description="Opening hours, in words.")] = None

    def row(self, own_id: str) -> VenueRow:
        """Return the row of that own id."""
        return VenueRow(
            own_id, self.name, self.lat, self.lon, self.venue_type, self.timezone, self.opening
        )


class WorkSent(BaseModel):
    """A work that the partner describes itself."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[NewOwnId | None, Field(description="Default: the offer's.")] = None
    title: NewName
    category: Name
    subcategory: Name | None = None
    genres: Annotated[list[NewName], Field(max_length=50)] = []
    description: NewText | None = None
    image_url: Text | None = None

    def row(self, offer_id: str) -> WorkRow:
        """Return the row of the work of an offer."""
        return WorkRow(
            self.id or offer_id,
            self.title,
            self.category,
            self.subcategory,
            tuple(self.genres),
            self.description,
            self.image_url,
        )


class OfferSent(BaseModel):
    """An offer, of a known work (`item_id`) or of one of the partner's own (`item`)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "venue_id": "cinema",
                "item": {
                    "title": "Le silence des marées",
                    "category": "CINEMA",
                    "subcategory": "SEANCE_CINE",
                    "genres": ["drama"],
                },
                "is_duo": True,
            }
        },
    )

    venue_id: Annotated[OwnId | None, Field(description="Own id; left out: digital.")] = None
    item_id: Annotated[Name | None, Field(description="Public id of a known work.")] = None
    item: WorkSent | None = None
    is_duo: Annotated[bool, Field(strict=True, description="May be booked for two.")] = False
    url: Text | None = None
    published_at: Annotated[Moment | None, Field(description="Left out: at once.")] = None
    withdrawn_at: Annotated[Moment | None, Field(description="No bookings from then on.")] = None

    def row(self, own_id: str) -> OfferRow:
        """Return the row of that own id."""
        return OfferRow(
            own_id,
            self.venue_id,
            self.item_id,
            self.item.row(own_id) if self.item else None,
            self.is_duo,
            self.url,
            _in_utc(self.published_at),
            _in_utc(self.withdrawn_at),
        )


class StockSent(BaseModel):
    """A stock: a session of an event, or copies of goods."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "offer_id": "film-tonight",
                "price_cents": 850,
                "starts_at": "2026-12-24T19:30:00+01:00",
                "quantity": 120,
            }
        },
    )

    offer_id: Annotated[OwnId, Field(description="Own id.")]
    price_cents: Annotated[int, Field(strict=True, ge=-_MOST, le=_MOST)]
    starts_at: Annotated[Moment | None, Field(description="Of an event; goods have none.")] = None
    ends_at: Moment | None = None
    quantity: Annotated[
        int | None, Field(strict=True, ge=0, le=_MOST, description="Left out: without limit.")
    ] = None
    booking_limit_at: Annotated[Moment | None, Field(description="No bookings after it.")] = None

    def row(self, own_id: str) -> StockRow:
        """Return the row of that own id."""
        return StockRow(
            own_id,
            self.offer_id,
            self.price_cents,
            _in_utc(self.starts_at),
            _in_utc(self.ends_at),
            self.quantity,
            _in_utc(self.booking_limit_at),
        )


class VenueLine(VenueSent):
    """A line that says what a venue is."""

    kind: Literal["venue"]
    id: NewOwnId


class OfferLine(OfferSent):
    """A line that says what an offer is."""

    kind: Literal["offer"]
    id: OfferOwnId


class StockLine(StockSent):
    """A line that says what a stock is."""

    kind: Literal["stock"]
    id: NewOwnId


LINE: TypeAdapter[VenueLine | OfferLine | StockLine] = TypeAdapter(
    Annotated[VenueLine | OfferLine | StockLine, Field(discriminator="kind")]
)


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC) if moment else None
