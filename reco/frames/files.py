"""Write frames to a folder, as CSV or Parquet, in pieces of any size."""

import errno
import glob
import math
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from reco.errors import InvalidInput
from reco.frames.schema import FRAMES, Frames

Format = Literal["csv", "parquet"]

_DRAFT = ".draft"
_WHOLE = "whole"
_SILENT_S = 3_600.0
"""A draft into which nothing was written for so long is nobody's any more."""


class _Sink(Protocol):
    def write_table(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


class FrameWriter:
    """Writes frames piece by piece; the folder appears when all of it is written, or not at all.

    Use it as a context manager. An existing folder of frames at the same place is replaced. Of
    several writers to one place each has a draft of its own, and the last to end is what stays.
    """

    def __init__(self, folder: Path, file_format: Format) -> None:
        self._folder = folder.resolve()
        if self._folder.exists() and not _holds_frames_alone(self._folder):
            raise InvalidInput(
                "folder", f"{folder} is not a folder of frames alone; choose another"
            )
        self._format = file_format
        self._sinks: dict[str, _Sink] = {}

    def __enter__(self) -> Self:
        place, prefix = self._folder.parent, f".{self._folder.name}."
        place.mkdir(parents=True, exist_ok=True)
        self._draft = Path(tempfile.mkdtemp(prefix=prefix, suffix=_DRAFT, dir=place))
        # A folder in it, for its own is readable by its owner alone.
        (self._draft / _WHOLE).mkdir()
        now_s = self._draft.stat().st_mtime
        for draft in place.glob(f"{glob.escape(prefix)}*{_DRAFT}"):
            if _last_written_s(draft) < now_s - _SILENT_S:
                shutil.rmtree(draft, ignore_errors=True)
        return self

    def write(self, name: str, table: pa.Table) -> None:
        """Append `table`, of exactly the schema of the frame `name`, to its file."""
        schema = FRAMES[name].arrow_schema()
        if name not in self._sinks:
            self._sinks[name] = self._sink(self._draft / _WHOLE / f"{name}.{self._format}", schema)
        self._sinks[name].write_table(_written(table.cast(schema), self._format))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            for sink in self._sinks.values():
                sink.close()
            if kind is None:
                self._replace()
        finally:
            shutil.rmtree(self._draft, ignore_errors=True)

    def _replace(self) -> None:
        while True:
            former = Path(tempfile.mkdtemp(dir=self._draft))
            with suppress(FileNotFoundError):
                self._folder.rename(former / self._folder.name)
            try:
                (self._draft / _WHOLE).rename(self._folder)
            except OSError as error:
                # Another writer has put its own there just now.
                if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
                    raise
            else:
                return

    def _sink(self, path: Path, schema: pa.Schema) -> _Sink:
        if self._format == "parquet":
            sink: _Sink = pq.ParquetWriter(path, schema, compression="zstd")
            return sink
        options = pacsv.WriteOptions(quoting_style="needed")
        csv_sink: _Sink = pacsv.CSVWriter(path, _csv_schema(schema), write_options=options)
        return csv_sink


def write_frames(frames: Frames, folder: Path, file_format: Format = "csv") -> None:
    """Write `frames` to `folder`, one file each."""
    with FrameWriter(folder, file_format) as writer:
        for name, table in frames.items():
            writer.write(name, table)


def _last_written_s(draft: Path) -> float:
    """Return when anything in a draft was last written; infinity where its writer just ended."""
    try:
        return max(path.stat().st_mtime for path in (draft, *draft.rglob("*")))
    except FileNotFoundError:
        return math.inf


def _holds_frames_alone(folder: Path) -> bool:
    return folder.is_dir() and all(
        path.stem in FRAMES and path.suffix in {".csv", ".parquet"} for path in folder.iterdir()
    )


def _csv_schema(schema: pa.Schema) -> pa.Schema:
    return pa.schema(
        [(f.name, pa.string() if pa.types.is_timestamp(f.type) else f.type) for f in schema]
    )


def _written(table: pa.Table, file_format: Format) -> pa.Table:
    """Return `table` as the file shows it: CSV times in ISO 8601 with zone."""
    if file_format == "parquet":
        return table
    columns = [
        _iso_times(column) if pa.types.is_timestamp(column.type) else column
        for column in table.columns
    ]
    return pa.Table.from_arrays(columns, schema=_csv_schema(table.schema))


def _iso_times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.strftime(column, format="%Y-%m-%dT%H:%M:%SZ")
