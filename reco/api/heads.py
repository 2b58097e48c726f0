"""What can be got can be asked for without its body (HEAD), as RFC 9110 has it (9.1)."""

from starlette.types import ASGIApp, Receive, Scope, Send

_BELOW = "/v1/"
"""Whatever else is there knows HEAD by itself."""


class Heads:
    """Answers HEAD as GET; the server, which knows what was asked, leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application take a HEAD for a GET: endpoints need not declare both."""
        is_head = scope["type"] == "http" and scope["method"] == "HEAD"
        if is_head and scope["path"].startswith(_BELOW):
            # A copy: the server's own says still what was asked.
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)
