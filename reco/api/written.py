"""Days and moments as they are written on the wire: text, and nothing that a calendar lacks."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator
from pydantic_core import PydanticCustomError

_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_DATED = re.compile(r"\d{4}-\d\d-\d\d")


def _is_written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    # Numbers, in text too, would be taken as seconds since 1970.
    if not isinstance(value, str) or not _DATED.match(value):
        raise PydanticCustomError(
            "time_text", "Input should be text in ISO 8601, such as 2026-11-28T20:00:00+01:00"
        )
    return value


def _is_near(moment: datetime) -> datetime:
    if not _EARLIEST <= moment < _LATEST:
        raise PydanticCustomError("time_range", "Input should lie in the years 1970 to 8999")
    return moment


def _is_day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    # As above: a number would be a birth in 1970.
    if not isinstance(value, str) or not _DATED.fullmatch(value):
        raise PydanticCustomError("date_text", "Input should be text such as 2008-09-14")
    return value


AnyMoment = Annotated[AwareDatetime, BeforeValidator(_is_written)]
"""A moment with a zone, by whatever clock."""
Moment = Annotated[AnyMoment, AfterValidator(_is_near)]
"""The same, of the years that everything here can hold."""
Day = Annotated[date, BeforeValidator(_is_day)]
