"""Where frames come from: a folder of files, or memory."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from reco.errors import BadRow, InvalidInput
from reco.frames.pieces import Piece, RowFault
from reco.frames.reading import CsvReader, FrameReader, MemoryReader, ParquetReader
from reco.frames.schema import FRAMES, Frames

_SUFFIXES = (".csv", ".parquet")


class FrameSource(Protocol):
    """A set of frames that is read in pieces."""

    @property
    def names(self) -> tuple[str, ...]:
        """The frames that are there, in the order of `FRAMES`."""
        ...

    def columns(self, name: str) -> tuple[str, ...]:
        """Return the columns of a frame that are there; what absent ones would say stays unsaid."""
        ...

    def pieces(self, name: str) -> Iterator[Piece]:
        """Yield the good rows of a frame; raise `FramesRefused` at the end if there were others."""
        ...

    def bad_rows(self, name: str, faults: Sequence[RowFault]) -> list[BadRow]:
        """Return faults found later with the lines of the file on which they stand."""
        ...


class _Readers:
    """Frames, each with its reader."""

    def __init__(self, readers: dict[str, FrameReader]) -> None:
        self._readers = readers

    @property
    def names(self) -> tuple[str, ...]:
        """The frames that are there, in the order of `FRAMES`."""
        return tuple(name for name in FRAMES if name in self._readers)

    def columns(self, name: str) -> tuple[str, ...]:
        """Return the columns of a frame that are there; what absent ones would say stays unsaid."""
        return self._readers[name].columns

    def pieces(self, name: str) -> Iterator[Piece]:
        """Yield the good rows of a frame; raise `FramesRefused` at the end if there were others."""
        return self._readers[name].pieces()

    def bad_rows(self, name: str, faults: Sequence[RowFault]) -> list[BadRow]:
        """Return faults found later with the lines of the file on which they stand."""
        return self._readers[name].bad_rows(faults)


class FolderSource(_Readers):
    """The frames of a folder, one CSV or Parquet file each.

    Raises
    ------
    InvalidInput
        A file or a column is missing, unknown or there twice; found before a row is read.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(
            {
                name: (CsvReader if path.suffix == ".csv" else ParquetReader)(path, FRAMES[name])
                for name, path in _files(folder).items()
            }
        )


class MemorySource(_Readers):
    """Frames in memory.

    Raises
    ------
    InvalidInput
        A frame or a column is missing or unknown.
    """

    def __init__(self, frames: Frames) -> None:
        if unknown := sorted(set(frames) - set(FRAMES)):
            raise InvalidInput("frames", f"there is no frame {unknown[0]!r}", list(FRAMES))
        _check_complete("frames", frames.keys())
        super().__init__(
            {name: MemoryReader(table, FRAMES[name]) for name, table in frames.items()}
        )


def read_frames(source: FrameSource) -> Frames:
    """Return all frames of `source` in memory.

    Raises
    ------
    FramesRefused
        There are bad rows.
    """
    return {
        name: pa.concat_tables(
            [FRAMES[name].arrow_schema().empty_table()]
            + [piece.table for piece in source.pieces(name)]
        )
        for name in source.names
    }


def _files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InvalidInput("folder", f"there is no folder {folder}")
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix not in _SUFFIXES:
            continue
        if path.stem not in FRAMES:
            raise InvalidInput(str(folder), f"{path.name} is no frame", list(FRAMES))
        if path.stem in files:
            raise InvalidInput(str(folder), f"both {files[path.stem].name} and {path.name}")
        files[path.stem] = path
    _check_complete(str(folder), files.keys())
    return files


def _check_complete(place: str, names: Iterable[str]) -> None:
    present = set(names)
    absent = [name for name, spec in FRAMES.items() if spec.required and name not in present]
    if absent:
        raise InvalidInput(place, f"without {', '.join(absent)} (.csv or .parquet)")
