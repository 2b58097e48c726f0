"""Ids as they come over the wire."""

from typing import Annotated

from pydantic import StringConstraints

Identifier = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""An opaque id: any Unicode text but NUL, which PostgreSQL cannot hold.

A pattern also refuses lone surrogates, which JSON can spell and UTF-8 cannot.
"""
