"""Workers whose answers are who gave them: `python -m spreading PORT WORKERS`.

With a third argument `reco serve` runs one of them, and waits so many seconds for who is slow.
"""

import asyncio
import os
import sys

import uvicorn

from reco.api import serve
from reco.api.spread import LOOP, run_workers

IMPORTED_BY = os.getpid()


async def answer(scope, receive, send):
    """Answer with this process's id; `/slow` a while after the head of the answer.

    `/upload` is answered when all of its body is there; `/importer` is who imported this module.
    """
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    while scope["path"] == "/upload" and (await receive()).get("more_body"):
        pass
    body = str(IMPORTED_BY if scope["path"] == "/importer" else os.getpid()).encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    if scope["path"] == "/slow":
        # Longer than the parent takes to hear that it is to stop.
        await asyncio.sleep(1.0)
    await send({"type": "http.response.body", "body": body})


def application():
    """Return what `reco serve` serves."""
    return answer


if __name__ == "__main__":
    port, workers, *grace_s = map(int, sys.argv[1:])
    if grace_s:
        serve._GRACE_S = grace_s[0]
        serve.run("spreading:application", port=port, workers=workers)
    else:
        run_workers(
            uvicorn.Config(
                "spreading:answer",
                port=port,
                workers=workers,
                loop=LOOP,
                http="httptools",
                log_level="warning",
            )
        )
