"""The command `reco serve`: uvicorn over the API of one world, which its processes alone load."""

import os
import socket
from typing import Annotated, Any

import typer
import uvicorn

from reco.api.spread import LOOP, run_workers
from reco.console import WorldOption, errors, settings_for
from reco.db.ready import awaited_world
from reco.errors import SetupError
from reco.secret import signing_secret
from reco.settings import Settings

DEMO = "RECO_SERVE_DEMO"
"""Tells the worker processes, which read their settings anew, what the command was asked."""

_GRACE_S = 7
"""Requests may take so long when it is told to stop; a body that never comes is not waited for.
Slates that wait are written next, before all else: who stops a container kills it after 10 s."""


def serve(
    context: typer.Context,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes that answer.")] = 1,
    demo: Annotated[
        bool,
        typer.Option(
            help="Let the page at / look at a few people, from this machine only; no proxy may "
            "stand before it."
        ),
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
    """Serve the world of `settings` until the process is told to stop.

    Raises
    ------
    SetupError
        Something else listens there, or nothing can.
    """
    require_free(host, port)
    awaited_world(settings)
    # Now, once: workers would find it wrong again and again.
    signing_secret(settings)
    # Without demo nobody can look at the page but who has a token.
    page = f"Agenda: http://{host}:{port}/   " if with_demo else ""
    errors.print(f"{page}API: http://{host}:{port}/docs   Ctrl-C stops.")
    os.environ["RECO_WORLD"] = settings.world
    os.environ[DEMO] = str(int(with_demo))
    run("reco.api.serving:application", host=host, port=port, workers=workers)


def require_free(host: str, port: int) -> None:
    """Raise `SetupError` where nothing can listen: before long work, and before it is told."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise SetupError(
            f"Nothing can listen on {host}:{port} ({error.strerror}): stop what does, or choose"
            " another with --port or --host."
        ) from error


def run(application: str, *, host: str = "127.0.0.1", port: int, workers: int) -> None:
    """Run `application` (module:factory) in so many processes until this one is told to stop."""
    options: dict[str, Any] = {
        "factory": True,
        "host": host,
        "port": port,
        "http": "httptools",
        "ws": "none",
        "log_level": "warning",
        # A worker that starts on a busy machine is slow, not dead. One that ends is noticed.
        "timeout_worker_healthcheck": 60,
        "timeout_graceful_shutdown": _GRACE_S,
    }
    if workers == 1:
        uvicorn.run(application, loop="uvloop", **options)
    else:
        run_workers(uvicorn.Config(application, loop=LOOP, workers=workers, **options))
