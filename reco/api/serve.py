"""The command `reco serve`: uvicorn over the API of one world."""

import gc
import os
from datetime import UTC, datetime
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from reco.api.app import create_app
from reco.console import WorldOption, errors, settings_for
from reco.db.ready import opened_world
from reco.secret import signing_secret
from reco.settings import Settings
from reco.worker import Worker

DEMO = "RECO_SERVE_DEMO"
"""Tells the worker processes, which read their settings anew, what the command was asked."""


def serve(
    context: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer.")] = 1,
    demo: Annotated[
        bool, typer.Option(help="Let the page at / look at a few people, from this machine only.")
    ] = False,
    world: WorldOption = None,
) -> None:
    """Serve the API and the first page until Ctrl-C."""
    serve_world(settings_for(context, world), host=host, port=port, workers=workers, with_demo=demo)


def serve_world(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 1,
    with_demo: bool = False,
) -> None:
    """Serve the world of `settings` until the process is told to stop."""
    opened_world(settings)
    errors.print(f"Agenda: http://{host}:{port}/   API: http://{host}:{port}/docs   Ctrl-C stops.")
    os.environ["RECO_WORLD"] = settings.world
    os.environ[DEMO] = str(int(with_demo))
    uvicorn.run(
        "reco.api.serve:application",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        # A worker that starts on a busy machine is slow, not dead. One that ends is noticed.
        timeout_worker_healthcheck=60,
    )


def application() -> FastAPI:
    """Return the app of this process; its settings are the environment's."""
    settings = Settings()
    worker = Worker(settings, opened_world(settings), signing_secret(settings), _now)
    app = create_app(worker, clock=_now, with_demo=os.environ.get(DEMO) == "1")
    # What was imported stays: a collection that goes through it holds up requests for long.
    gc.freeze()
    return app


def _now() -> datetime:
    return datetime.now(UTC)
