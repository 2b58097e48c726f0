"""The HTTP API of one world; the only place that reads the clock."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import Depends, FastAPI

from reco.api import (
    backoffice,
    bookings,
    catalogue_upload,
    demo,
    favourites,
    feed,
    health,
    interactions,
    manual,
    offers,
    problems,
    search,
    tastes,
    users,
    venues,
)
from reco.api import map as venue_map
from reco.api.admission import Admission
from reco.api.body_limit import BodyLimit
from reco.api.declared import DeclaredOnly
from reco.api.document import Documented, routes_of
from reco.api.heads import Heads
from reco.api.keys import KeyRing, LiveKey, live_key
from reco.api.pages import Pages
from reco.db.pool import connected
from reco.worker import Clock, Worker

_PARTS = (
    feed,
    offers,
    bookings,
    users,
    tastes,
    favourites,
    interactions,
    search,
    venue_map,
    venues,
    backoffice,
    catalogue_upload,
    health,
    manual,
)

_THREADS = 40
"""Requests that the loop's own threads work on at once; the framework has as many of its own."""
_MOST_BYTES = 1_000_000
"""Of a body: a thousand for each of a thousand interactions."""


def create_app(worker: Worker, *, clock: Clock, with_demo: bool) -> FastAPI:
    """Return the application; `worker` starts and stops with it.

    Parameters
    ----------
    clock
        Returns the present with a zone; every request reads it once.
    with_demo
        Whether the first page may have tokens for a few people, on the loopback interface.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with worker, ThreadPoolExecutor(_THREADS, thread_name_prefix="request") as threads:
            asyncio.get_running_loop().set_default_executor(threads)
            yield

    routers = [part.router for part in ((*_PARTS, demo) if with_demo else _PARTS)]
    routes = routes_of(routers)
    app = Documented(
        routers=routers,
        dependencies=[Depends(DeclaredOnly(routes))],
        title="reco",
        version=version("reco"),
        summary="What a young person can book around a place, ranked.",
        lifespan=lifespan,
        redirect_slashes=False,
        # `reco.api.manual`
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(BodyLimit, most_bytes=_MOST_BYTES, unless=catalogue_upload.PATH)
    app.add_middleware(Heads)
    app.state.worker, app.state.clock = worker, clock
    # Uploads take turns: the connections are there for those who wait for a feed.
    app.state.uploads = asyncio.Semaphore(2)
    app.state.keys = KeyRing(lambda prefix: _look_up(worker, prefix))
    problems.install(app, Admission(routes))
    # Not mounted: a mount at / would answer before a wrong method of an endpoint is told.
    app.router.default = Pages()
    return app


def _look_up(worker: Worker, prefix: str) -> LiveKey | None:
    with connected(worker.pool) as connection:
        return live_key(connection, prefix)
