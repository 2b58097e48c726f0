"""Workers whose answers are who gave them: `python -m spreading PORT WORKERS`."""

import asyncio
import os
import sys

import uvicorn

from reco.api.spread import LOOP, run_workers


async def answer(scope, receive, send):
    """Answer with this process's id; `/slow` a while after the head of the answer."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = str(os.getpid()).encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    if scope["path"] == "/slow":
        # Longer than the parent takes to hear that it is to stop.
        await asyncio.sleep(1.0)
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    run_workers(
        uvicorn.Config(
            "spreading:answer",
            port=int(sys.argv[1]),
            workers=int(sys.argv[2]),
            loop=LOOP,
            http="httptools",
            log_level="warning",
        )
    )
