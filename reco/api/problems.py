"""Errors on the wire: RFC 9457 problem documents that name the field."""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from reco.api.admission import Admission
from reco.api.document import Documented
from reco.errors import (
    InvalidInput,
    RecoError,
    RuleBroken,
    TooMany,
    Unauthorized,
    Unavailable,
    status_of,
)

log = logging.getLogger(__name__)

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string"},
        "accepted": {"type": "array", "items": {"type": "string"}},
        "rule": {"type": "string"},
    },
}


def problem_shown(
    status: int, description: str | None = None, **members: Any
) -> dict[int | str, dict[str, Any]]:
    """Return how OpenAPI shows a problem: by its status, with an example of it.

    Parameters
    ----------
    description
        None: what the status is called.
    members
        Of the example, beside what every problem has, or in its place.
    """
    title = HTTPStatus(status).phrase
    example = {"type": "about:blank", "title": title, "status": status}
    example["detail"] = f"{description or title}."
    content = {"schema": _SCHEMA, "example": example | members}
    return {
        status: {
            "description": description or title,
            "content": {"application/problem+json": content},
        }
    }


PROBLEMS: dict[int | str, dict[str, Any]] = {
    **problem_shown(401),
    **problem_shown(403),
    **problem_shown(422, detail="lon: a latitude needs a longitude with it.", field="lon"),
    **problem_shown(503),
}
"""The problems that most endpoints may answer with."""

TOO_LARGE = problem_shown(413, "The body is larger than 1 MB")
"""Of endpoints that take a body at once (`reco.api.body_limit`)."""

NOT_FOUND = problem_shown(404)
"""Of endpoints that find something by its id."""

REFUSED = problem_shown(
    409,
    "A rule of the programme forbids it",
    detail="12.50 € short of the digital cap.",
    rule="digital_cap",
    short_cents=1250,
    limit_cents=20000,
)
"""Of endpoints that rules may forbid: `rule` names it, numbers beside it say by how much."""


def install(app: FastAPI, admission: Admission) -> None:
    """Make every error of `app` a problem document; who asks comes before what is asked wrongly."""
    app.add_exception_handler(RecoError, _told)
    app.add_exception_handler(InvalidInput, _after(admission, _told))
    app.add_exception_handler(RequestValidationError, _after(admission, _invalid))
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(HTTPStatus.BAD_REQUEST, _after(admission, _http))
    app.add_exception_handler(Exception, _unexpected)


def problem(
    status: int, detail: str, *, headers: dict[str, str] | None = None, **members: Any
) -> Response:
    """Return a problem document; members that are None are left out."""
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    } | {name: value for name, value in members.items() if value is not None}
    return Response(
        orjson.dumps(document), status, headers=headers, media_type="application/problem+json"
    )


def field_name(location: Sequence[str | int]) -> str:
    """Return where a value stands, as interactions[3].offer_id.

    >>> field_name(("body", "interactions", 3, "offer_id"))
    'interactions[3].offer_id'
    """
    name = ""
    for part in location[1:]:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name or str(location[0])


def accepted_values(error: Mapping[str, Any]) -> list[str]:
    """Return what pydantic would have accepted, where it can list it.

    >>> accepted_values({"ctx": {"expected": "'view', 'click' or 'dismiss'"}})
    ['view', 'click', 'dismiss']
    """
    context = error.get("ctx", {})
    listed = context.get("expected", context.get("expected_tags", ""))
    return re.findall(r"'([^']*)'", str(listed))


def _after(
    admission: Admission, told: Callable[[Request, Exception], Response]
) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return what tells an error as `told` does, unless who asks is not answered at all."""

    async def answered(request: Request, error: Exception) -> Response:
        try:
            await admission.check(request)
        except RecoError as first:
            return _told(request, first)
        return told(request, error)

    return answered


def _told(request: Request, error: Exception) -> Response:
    del request
    if not isinstance(error, RecoError):
        raise error
    status, headers = status_of(error), {}
    if isinstance(error, (Unavailable, TooMany)):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="reco"'
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("Unexpected: %s", error, exc_info=error)
        return problem(status, "Something is wrong on our side; it is logged.")
    members: dict[str, Any] = {}
    if isinstance(error, InvalidInput):
        members = {"field": error.field, "accepted": list(error.accepted) or None}
    if isinstance(error, RuleBroken):
        members = {"rule": error.rule, **error.by}
    return problem(status, str(error), headers=headers, **members)


def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    first, *others = error.errors()
    if first["loc"] == ("body",) and isinstance(first["input"], bytes):
        # The framework leaves a body unread that is not said to be JSON.
        return _no_json(request.headers.get("content-type"))
    if first["type"] == "missing":
        missing = [first, *(other for other in others if other["type"] == "missing")]
        names = ", ".join(field_name(one["loc"]) for one in missing)
        return problem(422, f"{names}: {first['msg']}.", field=field_name(first["loc"]))
    # Of a body that is no JSON the location is an offset, which names nothing.
    field = "body" if first["type"] == "json_invalid" else field_name(first["loc"])
    accepted = accepted_values(first)
    return problem(422, f"{field}: {first['msg']}.", field=field, accepted=accepted or None)


def _no_json(content_type: str | None) -> Response:
    came = f"came as {content_type}" if content_type else "came without a Content-Type"
    return problem(
        422, f"body: it {came}; send JSON, and say so: Content-Type: application/json.",
        field="body", accepted=["application/json"],
    )  # fmt: skip


def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers) if error.headers else {}
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and isinstance(request.app, Documented):
        # The framework tells those of one route, and a path may have several.
        allowed = request.app.methods_at(request.scope)
        headers |= {"Allow": ", ".join(allowed)} if allowed else {}
    return problem(
        error.status_code, f"{request.method} {request.url.path}: {error.detail}", headers=headers
    )


def _unexpected(request: Request, error: Exception) -> Response:
    # By its template: a path holds ids of people, and logs are kept for longer than they may be.
    route = request.scope.get("route")
    where = getattr(route, "path_format", "a path of no endpoint")
    log.error("%s %s failed", request.method, where, exc_info=error)
    return problem(500, "Something is wrong on our side; it is logged.")
