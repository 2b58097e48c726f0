"""The application of a process that answers: what uvicorn asks a worker for."""

import gc
import os
from datetime import UTC, datetime

from fastapi import FastAPI

from reco.api.app import create_app
from reco.api.serve import DEMO
from reco.db.ready import awaited_world
from reco.secret import signing_secret
from reco.settings import read_settings
from reco.worker import Worker


def application() -> FastAPI:
    """Return the app of this process; its settings are the environment's."""
    settings = read_settings()
    worker = Worker(settings, awaited_world(settings), signing_secret(settings), _now)
    app = create_app(worker, clock=_now, with_demo=os.environ.get(DEMO) == "1")
    # What was imported stays: a collection that goes through it holds up requests for long.
    gc.freeze()
    return app


def _now() -> datetime:
    return datetime.now(UTC)
