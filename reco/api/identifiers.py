"""Ids as they come over the wire, in bodies and in paths."""

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError
from starlette.convertors import PathConvertor, register_url_convertor

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

Identifier = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""An opaque id: any Unicode text but NUL, which PostgreSQL cannot hold.

A pattern also refuses lone surrogates, which JSON can spell and UTF-8 cannot.
"""


def _is_plain(text: str) -> str:
    if _CONTROLS.search(text):
        raise PydanticCustomError(
            "plain_id", "Input should have no line breaks and no other control characters"
        )
    return text


PLAIN = AfterValidator(_is_plain)
"""Of an id that is made here. What is there already may have been imported under any."""


class _IdConvertor(PathConvertor):
    # `path` is of one line, and an id that was imported may have several.
    regex = "(?s:.*)"


register_url_convertor("id", _IdConvertor())
