"""Whose days and whose clock a question means."""

from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Query

from reco.api.access import WorkerOfApp
from reco.moments import zone_from
from reco.worker import Worker

TZ = (
    "Time zone, such as Indian/Reunion or America/Guadeloupe, of dates and of times without an"
    " offset. Default: the service's, Europe/Paris unless it is set otherwise."
)


def zone_asked(tz: str | None, worker: Worker) -> ZoneInfo:
    """Return the zone that is asked for, else the service's; raises `InvalidInput` of `tz`."""
    return ZoneInfo(worker.settings.timezone) if tz is None else zone_from(tz, "tz")


async def _zone(
    worker: WorkerOfApp,
    tz: Annotated[
        str | None,
        Query(
            description=f"{TZ} What is today, tonight or the weekend, the days of facets, and the"
            " clock of venues without a zone of their own follow it, too.",
            examples=["Indian/Reunion"],
        ),
    ] = None,
) -> ZoneInfo:
    return zone_asked(tz, worker)


ZoneAsked = Annotated[ZoneInfo, Depends(_zone)]
"""The zone of a search's or a map's question."""
