"""Lines out of a stream of bytes, in chunks, whatever the pieces that they come in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line; `number` counts from 1, `text` is None where it is too long to be kept."""

    number: int
    text: bytes | None


@dataclass
class LineCutter:
    """Cuts pieces of a stream into lines, and holds one unfinished line at most."""

    longest: int
    """Bytes that a line may have."""
    _number: int = 0
    _rest: bytes = b""
    _is_too_long: bool = field(default=False)

    def cut(self, piece: bytes) -> list[Line]:
        """Return the lines that end in `piece`; those that are blank are counted and left out."""
        *ended, rest = (self._rest + piece).split(b"\n")
        lines = [line for text in ended if (line := self._ended(text)) is not None]
        self._is_too_long = self._is_too_long or len(rest) > self.longest
        self._rest = b"" if self._is_too_long else rest
        return lines

    def last(self) -> list[Line]:
        """Return the line that the stream ended in, if it did."""
        line = self._ended(self._rest)
        return [line] if line else []

    def _ended(self, text: bytes) -> Line | None:
        self._number += 1
        is_too_long, self._is_too_long = self._is_too_long or len(text) > self.longest, False
        if is_too_long:
            return Line(self._number, None)
        if self._number == 1:
            text = text.removeprefix(_BYTE_ORDER_MARK)
        text = text.strip()
        return Line(self._number, text) if text else None


async def chunked_lines(
    pieces: AsyncIterator[bytes], *, longest: int, most: int, most_bytes: int
) -> AsyncIterator[list[Line]]:
    """Give the lines of a stream in chunks.

    Parameters
    ----------
    longest
        Bytes that a line may have.
    most
        Lines that a chunk may have.
    most_bytes
        A chunk ends with the line that reaches so many.
    """
    cutter = LineCutter(longest)
    chunk: list[Line] = []
    size = 0
    async for piece in pieces:
        for line in cutter.cut(piece):
            chunk.append(line)
            size += len(line.text or b"")
            if len(chunk) == most or size >= most_bytes:
                yield chunk
                chunk, size = [], 0
    chunk += cutter.last()
    if chunk:
        yield chunk
