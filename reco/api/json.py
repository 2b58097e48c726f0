"""Answers as JSON, straight from frozen records."""

from typing import Any

import orjson
from fastapi import Response


class Json(Response):
    """A record, or several, as JSON; times in UTC."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return `content` encoded."""
        return orjson.dumps(content, option=orjson.OPT_UTC_Z)
