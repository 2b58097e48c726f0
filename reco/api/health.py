"""Alive, and ready."""

from dataclasses import dataclass

from fastapi import APIRouter

from reco.api.access import WorkerOfApp
from reco.api.json import Json
from reco.db.replica import ReplicaStanding

router = APIRouter(tags=["health"])

_NEEDED = ("database", "catalogue")
"""What no feed can be answered without; without all else feeds are plainer, or not on record."""


@dataclass(frozen=True)
class Health:
    """What is missing, in words; without a model popularity is served, without a replica all is.

    Without the model of a variant its people get the champion.
    """

    status: str
    missing: tuple[str, ...] = ()
    replica: ReplicaStanding | None = None


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", responses={200: {"model": Health}})
async def healthz() -> Json:
    """The process answers; touches nothing else, and needs no thread that a request may hold."""
    return Json(Health("alive"))


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses={200: {"model": Health}, 503: {"model": Health}})
def readyz(worker: WorkerOfApp) -> Json:
    """Whether feeds can be answered, and what is missing."""
    missing = worker.missing()
    is_ready = not any(reason.startswith(_NEEDED) for reason in missing)
    health = Health("ready" if is_ready else "not ready", tuple(missing), worker.reads.standing)
    headers = None if is_ready else {"Retry-After": "2"}
    return Json(health, 200 if is_ready else 503, headers)
