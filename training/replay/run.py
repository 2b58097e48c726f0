"""An evaluation: feeds at the start of each week, judged by what was booked in it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.replay.evaluation import Evaluation
from training.replay.folder import write_parquet
from training.replay.processes import shared_among
from training.replay.week import Week

_PIECE = 250
"""People of one part."""

Progress = Callable[[str, float], None]


def run(
    evaluation: Evaluation,
    folder: Path,
    workers: int,
    progress: Progress,
    made: Callable[[Week], None],
) -> list[Path]:
    """Write a Parquet file for every piece of every week and return them all.

    A file that is there already is not made again, so that a run that was stopped goes on. People
    are assigned to pieces by pseudonym: which piece somebody is in tells nothing of who it is.

    Parameters
    ----------
    made
        Called with each week that was made, once its files are there.

    Raises
    ------
    InvalidInput
        There is nobody to replay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    people = _by_pseudonym(evaluation)
    pieces = range(-(-len(people) // _PIECE))
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
            some = people[piece * _PIECE : (piece + 1) * _PIECE]
            write_parquet(replayed.part(some), files[piece])

        for _ in shared_among(missing, write, workers):
            done += 1
            progress(told, (week + done / len(files)) / len(moments))
        made(replayed)
    return paths


def _by_pseudonym(evaluation: Evaluation) -> NDArray[np.int64]:
    """Return the places (U,) of the people among the evaluation's, in the order of pseudonyms."""
    return np.argsort([evaluation.pseudonym(user) for user in evaluation.users.tolist()])
