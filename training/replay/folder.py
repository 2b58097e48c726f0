"""The folder of one evaluation: what was asked, the figures of each person, the summary."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from reco.errors import InvalidInput, NotFound

_MANIFEST, _SUMMARY, _EXAMPLES = "manifest.json", "summary.json", "examples.json"
_MEMORY, _MOST_MB = "memory.json", "most_mb"


@dataclass(frozen=True)
class RunFolder:
    """One evaluation on disk.

    `manifest.json` says what was asked, `people/*.parquet` has a row a system, week and person,
    `items.parquet` and `venues.parquet` say what the rows in it are, `summary.json` and
    `figures.csv` hold the figures with intervals, `examples.json` some slates in words,
    `memory.json` what it took. Distances from home are in classes (`training.replay.coarse`), told
    by their upper ends.
    """

    path: Path

    @property
    def name(self) -> str:
        """What the run is called."""
        return self.path.name

    @property
    def is_begun(self) -> bool:
        """Whether anything was asked here."""
        return (self.path / _MANIFEST).exists()

    @property
    def is_finished(self) -> bool:
        """Whether it has its figures."""
        return (self.path / _SUMMARY).exists()

    @property
    def people(self) -> Path:
        """Folder of the figures of each person: Parquet files, for any tool that reads them."""
        return self.path / "people"

    @property
    def csv(self) -> Path:
        """The summary as a table."""
        return self.path / "figures.csv"

    def manifest(self) -> dict[str, Any]:
        """Return what was asked."""
        return self._read(_MANIFEST)

    def summary(self) -> dict[str, Any]:
        """Return the figures.

        Raises
        ------
        InvalidInput
            The run was stopped before it had any.
        """
        if not self.is_finished:
            raise InvalidInput(
                "run", f"{self.name} is not finished; the same `reco evaluate` goes on with it"
            )
        return self._read(_SUMMARY)

    @property
    def has_examples(self) -> bool:
        """Whether slates are told in words."""
        return (self.path / _EXAMPLES).exists()

    def examples(self) -> list[dict[str, Any]]:
        """Return slates of some people, in words; none where none were written."""
        return list(self._read(_EXAMPLES)["examples"]) if self.has_examples else []

    def write_manifest(self, content: Mapping[str, Any]) -> None:
        """Keep what was asked."""
        self._write(_MANIFEST, content)

    def write_summary(self, content: Mapping[str, Any]) -> None:
        """Keep the figures: with them, the run is finished."""
        self._write(_SUMMARY, content)

    def write_examples(self, examples: Sequence[Mapping[str, Any]]) -> None:
        """Keep slates in words."""
        self._write(_EXAMPLES, {"examples": list(examples)})

    @property
    def most_mb(self) -> float | None:
        """The most memory that all processes of the run held together; None: nobody can say."""
        there = (self.path / _MEMORY).exists()
        return float(self._read(_MEMORY)[_MOST_MB]) if there else None

    def note_memory(self, most_mb: float | None) -> None:
        """Keep what a part of the run took, unless more is known of one before."""
        if most_mb is not None:
            self._write(_MEMORY, {_MOST_MB: max(round(most_mb, 1), self.most_mb or 0.0)})

    def write_table(self, name: str, table: pa.Table) -> None:
        """Keep `name`.parquet."""
        write_parquet(table, self.path / f"{name}.parquet")

    def table(self, name: str) -> pa.Table:
        """Return what `write_table` kept."""
        return pq.read_table(self.path / f"{name}.parquet")

    def rows(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the rows of all people, weeks and systems."""
        return pq.read_table(self._parts, columns=list(columns) if columns else None)

    @property
    def columns(self) -> list[str]:
        """Names of the columns of the rows."""
        return list(pq.read_schema(self._parts[0]).names)

    @property
    def _parts(self) -> list[Path]:
        return sorted(self.people.glob("*.parquet"))

    def _read(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.path / name).read_text(encoding="utf-8"))
        return found

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content, ensure_ascii=False, indent=1)
        write_whole(self.path / name, lambda file: file.write_text(text, encoding="utf-8"))


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table; nobody reads half of it."""
    write_whole(path, lambda file: pq.write_table(table, file, compression="zstd"))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a name of this process, which no reader looks for, then give it its own.

    Two processes that write the same file do not meet: the later one's stays.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        write(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def run_named(runs: Path, name: str) -> RunFolder:
    """Return the run of that name below `runs`; `latest`: the one that was begun last.

    Raises
    ------
    NotFound
        There is none.
    """
    found = {path.parent.name: path.parent for path in runs.glob(f"*/{_MANIFEST}")}
    if name == "latest" and found:
        return RunFolder(max(found.values(), key=lambda path: (path / _MANIFEST).stat().st_mtime))
    if name not in found:
        raise NotFound("evaluation", name)
    return RunFolder(found[name])
