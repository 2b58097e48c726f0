"""How long a run of so many people takes to sum up, and how much memory: of made-up rows.

The people of a run that there is are repeated under other names, those of its first week.
"""

import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
import typer

from training.replay.folder import RunFolder, write_parquet
from training.replay.memory import status_mb
from training.replay.summary import columns_of, summary_of


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    people: Annotated[int, typer.Option(help="To be summed up.")] = 800_000,
    systems: Annotated[int, typer.Option(help="The first of the run's.")] = 1,
) -> None:
    """Print the processor time of reading and summing up, and the most memory that was held."""
    told = RunFolder(run)
    names = [one["name"] for one in told.manifest()["systems"]][:systems]
    with TemporaryDirectory() as folder:
        made_up = RunFolder(Path(folder))
        count = _write(told, made_up, names, people)
        began = time.process_time()
        rows = made_up.rows(columns_of(made_up.columns))
        read_s = time.process_time() - began
        summary_of(rows, names, told.manifest()["n"])
        all_s = time.process_time() - began
    most_mb = status_mb(os.getpid(), "VmHWM")
    typer.echo(
        f"{count:,} people, {len(names)} systems: {read_s:.0f} s to read, {all_s:.0f} s in all,"
        f" {most_mb:,.0f} MB at most"
    )


def _write(told: RunFolder, made_up: RunFolder, systems: list[str], people: int) -> int:
    """Write rows of so many people at least, and return how many they are."""
    rows = told.rows(columns_of(told.columns))
    is_wanted = pc.and_(
        pc.equal(rows["at"], pc.min(rows["at"])), pc.is_in(rows["system"], pa.array(systems))
    )
    rows = rows.filter(is_wanted).combine_chunks()
    each, place = len(rows) // len(systems), rows.schema.get_field_index("user")
    made_up.people.mkdir()
    copies = -(-people // each)
    for copy in range(copies):
        users = pc.binary_join_element_wise(rows["user"], f"{copy:x}", "")
        write_parquet(rows.set_column(place, "user", users), made_up.people / f"{copy}.parquet")
    return copies * each


if __name__ == "__main__":
    typer.run(main)
