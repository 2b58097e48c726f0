"""How much may be sent: a body is read before anybody knows whose it is."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyLimit:
    """Refuses a body as soon as more than `most_bytes` of it are read; of `unless` there is no end.

    Parameters
    ----------
    unless
        A path whose body is read piece by piece, after the key.
    """

    def __init__(self, app: ASGIApp, most_bytes: int, unless: str) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._unless = unless

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application read what `receive` gives, up to the limit."""
        if scope["type"] != "http" or scope["path"] == self._unless:
            await self._app(scope, receive, send)
            return
        read_bytes = 0

        async def limited() -> Message:
            nonlocal read_bytes
            message = await receive()
            read_bytes += len(message.get("body", b""))
            if read_bytes > self._most_bytes:
                raise HTTPException(
                    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                    f"A body has {self._most_bytes:,} bytes at most.",
                )
            return message

        await self._app(scope, limited, send)
