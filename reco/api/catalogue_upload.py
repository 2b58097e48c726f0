"""POST /v1/backoffice/catalogue: a partner's whole catalogue, as lines of JSON.

The body is read as it comes and written chunk by chunk; what became of the rows waits in a file
until the body is read, so that clients that write all before they read do not wait for ever.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import IO, Any, get_args

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from reco.api.access import KnownCaller, Now, WorkerOfApp
from reco.api.backoffice_rows import LINE
from reco.api.line_stream import Line, chunked_lines
from reco.api.outcomes import FaultShown, RowOutcome, refused, row_outcome
from reco.api.problems import PROBLEMS, accepted_values, field_name, problem_shown
from reco.core.backoffice.rows import Outcome, Result, Row
from reco.core.backoffice.writing import write_rows
from reco.core.stocks import PATIENCE
from reco.db.pool import Pool, connected

router = APIRouter(tags=["back office"])

PATH = "/v1/backoffice/catalogue"

LINES = "application/x-ndjson"
MOST_ROWS = 100_000
LONGEST_LINE = 65_536
_CHUNK_ROWS = 500
_CHUNK_BYTES = 1_000_000
_IN_MEMORY_BYTES = 1_000_000
_PIECE_BYTES = 65_536

_SENT = "\n".join(
    (
        '{"kind": "venue", "id": "hall-2", "name": "Salle 2", "lat": 45.1885, "lon": 5.7345}',
        '{"kind": "offer", "id": "tides", "venue_id": "hall-2", "item": {"title":'
        ' "Le silence des marées", "category": "CINEMA", "subcategory": "SEANCE_CINE"}}',
        '{"kind": "stock", "id": "tides-1", "offer_id": "tides", "price_cents": 850,'
        ' "starts_at": "2026-12-24T19:30:00+01:00", "quantity": 120}',
    )
)
_ANSWERED = "\n".join(
    (
        '{"row": 1, "kind": "venue", "id": "hall-2", "public_id": "lune:hall-2",'
        ' "outcome": "created", "warnings": [], "errors": []}',
        '{"summary": {"rows": 1, "created": 1, "changed": 0, "unchanged": 0, "refused": 0}}',
    )
)
_OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {LINES: {"schema": {"type": "string"}, "example": _SENT}},
    }
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One line a row, then a summary",
        "content": {LINES: {"schema": {"type": "string"}, "example": _ANSWERED}},
    },
    **problem_shown(415),
    **PROBLEMS,
}


@dataclass
class Upload:
    """Writes lines of one partner, and remembers what became of them; close it after."""

    pool: Pool
    partner_id: int
    now: datetime
    most_rows: int = MOST_ROWS
    _outcomes: IO[bytes] = field(default_factory=partial(SpooledTemporaryFile, _IN_MEMORY_BYTES))
    _counts: Counter[str] = field(default_factory=Counter)
    _rows: int = 0

    def write(self, lines: Sequence[Line]) -> None:
        """Write a chunk in one transaction.

        Raises
        ------
        Unavailable
            The database does not answer; nothing of the chunk is written.
        """
        within = lines[: max(0, self.most_rows - self._rows)]
        read = [_read(line) for line in within]
        written = iter(self._written([row for row in read if not isinstance(row, RowOutcome)]))
        for line, row in zip(within, read, strict=True):
            self._tell(line, row if isinstance(row, RowOutcome) else row_outcome(next(written)))
        beyond = lines[len(within) :]
        if beyond and self._rows == self.most_rows:
            # Told once: a body without end fills no disk.
            self._tell(beyond[0], refused(None, None, _too_many(self.most_rows)))
            beyond = beyond[1:]
        self._rows += len(beyond)
        self._counts["refused"] += len(beyond)

    def answer(self) -> Iterator[bytes]:
        """Give the outcomes, a line each, and a summary."""
        with self._outcomes as outcomes:
            counts = {"rows": self._rows} | {name: self._counts[name] for name in get_args(Result)}
            outcomes.write(orjson.dumps({"summary": counts}) + b"\n")
            outcomes.seek(0)
            while piece := outcomes.read(_PIECE_BYTES):
                yield piece

    def close(self) -> None:
        """Forget the outcomes."""
        self._outcomes.close()

    def _written(self, rows: list[Row]) -> list[Outcome]:
        if not rows:
            return []
        with connected(self.pool) as connection, connection.transaction():
            connection.execute(PATIENCE)
            return write_rows(connection, self.partner_id, rows, self.now)

    def _tell(self, line: Line, outcome: RowOutcome) -> None:
        self._rows += 1
        self._counts[outcome.outcome] += 1
        self._outcomes.write(orjson.dumps({"row": line.number} | vars(outcome)) + b"\n")


@router.post(PATH, response_class=Response, responses=_ANSWERS, openapi_extra=_OPENAPI)
async def upload(request: Request, worker: WorkerOfApp, now: Now, caller: KnownCaller) -> Response:
    """Create or change up to 100,000 venues, offers and stocks, by your own ids, a line each.

    Venues go before offers and offers before stocks. What is wrong with a line refuses that line
    alone; what is there already is `unchanged`, so that a file may be sent again after any failure.
    """
    partner_id = caller.partner()
    _check_type(request)
    made = Upload(worker.pool, partner_id, now)
    chunks = chunked_lines(
        request.stream(), longest=LONGEST_LINE, most=_CHUNK_ROWS, most_bytes=_CHUNK_BYTES
    )
    try:
        async for chunk in chunks:
            async with request.app.state.uploads:
                await run_in_threadpool(made.write, chunk)
    except ClientDisconnect:
        made.close()
        # Nobody reads it; chunks that were written stay.
        return Response(status_code=HTTPStatus.BAD_REQUEST)
    except BaseException:
        made.close()
        raise
    return StreamingResponse(made.answer(), media_type=LINES)


def _check_type(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    encoding = request.headers.get("content-encoding", "identity").lower()
    if kind != LINES or encoding != "identity":
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Send plain {LINES}: one JSON object a line."
        )


def _read(line: Line) -> Row | RowOutcome:
    if line.text is None:
        too_long = FaultShown("line", f"It is longer than {LONGEST_LINE:,} bytes", ())
        return refused(None, None, too_long)
    try:
        sent = LINE.validate_json(line.text)
    except ValidationError as error:
        faults = [_fault(found) for found in error.errors(include_url=False, include_input=False)]
        return refused(*_named(line.text), *faults)
    return sent.row(sent.id)


def _fault(error: ErrorDetails) -> FaultShown:
    # Where the line is no row at all, it has no field: what it lacks is its kind, or JSON.
    name = "kind" if error["type"].startswith("union_tag") else "line"
    location = error["loc"]
    field_ = field_name(location) if location else name
    return FaultShown(field_, error["msg"], tuple(accepted_values(dict(error))))


def _named(text: bytes) -> tuple[str | None, str | None]:
    """Return kind and id of a line that is no row, as far as they can be read."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None, None
    named = [found.get(name) for name in ("kind", "id")] if isinstance(found, dict) else [None] * 2
    kind, own_id = (name if isinstance(name, str) else None for name in named)
    return kind, own_id


def _too_many(most_rows: int) -> FaultShown:
    detail = f"More than {most_rows:,} rows: this one and all after it are refused; send them apart"
    return FaultShown("line", detail, ())
