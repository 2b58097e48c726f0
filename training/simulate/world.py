"""Simulates a world: from a size, a seed and a date to frames and their hidden truth."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from reco.errors import InvalidInput
from reco.frames.files import FrameWriter
from training.simulate.bookings import bookings_frame, settle_bookings
from training.simulate.intentions import draw_intentions
from training.simulate.interactions import interaction_frames
from training.simulate.items import items_frame
from training.simulate.market import find_offers, open_market, reach_of
from training.simulate.offers import offers_frame
from training.simulate.outcomes import draw_outcomes
from training.simulate.places import Towns, load_towns
from training.simulate.setting import Setting, setting_of
from training.simulate.stocks import stocks_frame
from training.simulate.supply import Supply, make_supply
from training.simulate.truth import check_truth_folder, write_truth
from training.simulate.users import Users, make_users, users_frame
from training.simulate.venues import venues_frame

Progress = Callable[[str, float], None]
"""Called with what is under way and the share of the whole that is done."""


@dataclass(frozen=True)
class WorldSummary:
    """What was written where."""

    size: str
    seed: int
    anchor: date
    folder: Path
    truth: Path
    rows: Mapping[str, int]
    """Rows of each frame."""


@dataclass(frozen=True)
class _Stage:
    """Everything that stands before anybody acts."""

    setting: Setting
    towns: Towns
    supply: Supply
    users: Users


def truth_folder(folder: Path) -> Path:
    """Return where the truth of the frames in `folder` is kept: beside it."""
    return folder.with_name(f"{folder.name}_truth")


def simulate_world(
    size: str, seed: int, anchor: date, folder: Path, progress: Progress
) -> WorldSummary:
    """Write a simulated world's frames to `folder`, and its hidden truth beside it.

    The world's now is the anchor's midnight in Paris. The same size, seed and anchor give the same
    files, to the byte, with the same versions of NumPy and Arrow.

    Parameters
    ----------
    size
        A key of `training.simulate.parameters.SCALES`.

    Raises
    ------
    InvalidInput
        There is no such size, the seed is negative, or the folder holds other files.
    """
    if seed < 0:
        raise InvalidInput("seed", "must be 0 or more")
    setting = setting_of(size, seed, anchor)
    rows: dict[str, int] = {}
    truth = truth_folder(folder)
    check_truth_folder(truth)
    with FrameWriter(folder, "parquet") as writer:
        stage = _set_stage(setting, progress)
        for name, table in _frames(stage, progress):
            writer.write(name, table)
            rows[name] = rows.get(name, 0) + table.num_rows
        write_truth(truth, stage.users, stage.supply.items, setting)
    progress("done", 1.0)
    return WorldSummary(size, seed, anchor, folder, truth, rows)


def _set_stage(setting: Setting, progress: Progress) -> _Stage:
    progress("places", 0.0)
    towns = load_towns(setting.scale.extent, setting.parameters)
    progress("venues, works, offers and sessions", 0.1)
    supply = make_supply(towns, setting)
    progress("people", 0.2)
    return _Stage(setting, towns, supply, make_users(towns, setting))


def _frames(stage: _Stage, progress: Progress) -> Iterator[tuple[str, pa.Table]]:
    """Yield the frames in pieces, in the order in which references point backwards."""
    setting, supply = stage.setting, stage.supply
    yield "taxonomy", setting.programme.taxonomy()
    yield "items", items_frame(supply.items, setting)
    yield "venues", venues_frame(supply.venues, stage.towns, setting)
    yield "offers", offers_frame(supply.offers)
    yield "stocks", stocks_frame(supply.stocks, supply.offers)
    yield "users", users_frame(stage.users, setting.parameters)
    yield from _behaviour(stage, progress)


def _behaviour(stage: _Stage, progress: Progress) -> Iterator[tuple[str, pa.Table]]:
    setting, supply, users = stage.setting, stage.supply, stage.users
    progress("what people look for", 0.25)
    intentions = draw_intentions(users, setting)
    found = find_offers(
        intentions,
        users,
        open_market(supply, setting),
        reach_of(stage.towns, supply.venues, setting.parameters),
        setting,
        progress=lambda share: progress("what they find", 0.35 + 0.35 * share),
    )
    progress("what they do", 0.7)
    outcomes = draw_outcomes(intentions, found, users, supply, setting)
    progress("what they book", 0.8)
    bookings = settle_bookings(outcomes, supply, setting)
    yield "bookings", bookings_frame(bookings, len(users), len(supply.stocks))
    progress("writing", 0.9)
    for table in interaction_frames(outcomes, bookings, len(users), len(supply.offers)):
        yield "interactions", table
