"""An evaluation: feeds at the start of each week, judged by what was booked in it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from training.replay.evaluation import Evaluation
from training.replay.processes import shared_among
from training.replay.week import Week

_PIECE = 250
"""People of one part."""

Progress = Callable[[str, float], None]


def run(evaluation: Evaluation, folder: Path, workers: int, progress: Progress) -> list[Path]:
    """Write a Parquet file for every piece of every week and return them all.

    A file that is there already is not made again, so that a run that was stopped goes on.

    Raises
    ------
    InvalidInput
        There is nobody to replay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pieces = range(-(-len(evaluation.users) // _PIECE))
    moments = evaluation.plan.moments
    paths: list[Path] = []
    for week, at in enumerate(moments):
        files = {piece: folder / f"{at:%Y%m%dT%H%M}-{piece:05}.parquet" for piece in pieces}
        paths += files.values()
        missing = [piece for piece, file in files.items() if not file.exists()]
        done = len(files) - len(missing)
        told = f"week {week + 1} of {len(moments)}, {at:%Y-%m-%d}"
        progress(told, (week + done / len(files)) / len(moments))
        if not missing:
            continue
        replayed = Week.of(evaluation, at)

        def write(piece: int, replayed: Week = replayed, files: dict[int, Path] = files) -> None:
            last = min((piece + 1) * _PIECE, len(evaluation.users))
            _written(replayed.part(np.arange(piece * _PIECE, last)), files[piece])

        for _ in shared_among(missing, write, workers):
            done += 1
            progress(told, (week + done / len(files)) / len(moments))
    return paths


def _written(table: pa.Table, file: Path) -> None:
    unfinished = file.with_suffix(".unfinished")
    pq.write_table(table, unfinished, compression="zstd")
    unfinished.replace(file)
