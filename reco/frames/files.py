"""Write frames to a folder, as CSV or Parquet, in pieces of any size."""

import shutil
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


class _Sink(Protocol):
    def write_table(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


class FrameWriter:
    """Writes frames piece by piece; the folder appears when all of it is written, or not at all.

    Use it as a context manager. An existing folder of frames at the same place is replaced.
    """

    def __init__(self, folder: Path, file_format: Format) -> None:
        self._folder = folder.resolve()
        if self._folder.exists() and not _holds_frames_alone(self._folder):
            raise InvalidInput(
                "folder", f"{folder} is not a folder of frames alone; choose another"
            )
        self._format = file_format
        self._draft = self._folder.with_name(f".{self._folder.name}.draft")
        self._former = self._folder.with_name(f".{self._folder.name}.former")
        self._sinks: dict[str, _Sink] = {}

    def __enter__(self) -> Self:
        shutil.rmtree(self._draft, ignore_errors=True)
        self._draft.mkdir(parents=True)
        return self

    def write(self, name: str, table: pa.Table) -> None:
        """Append `table`, of exactly the schema of the frame `name`, to its file."""
        schema = FRAMES[name].arrow_schema()
        if name not in self._sinks:
            self._sinks[name] = self._sink(self._draft / f"{name}.{self._format}", schema)
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
        shutil.rmtree(self._former, ignore_errors=True)
        if self._folder.exists():
            self._folder.rename(self._former)
        self._draft.rename(self._folder)
        shutil.rmtree(self._former, ignore_errors=True)

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
