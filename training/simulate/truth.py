"""The hidden truth, kept beside the frames for evaluation; models and the service never read it."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from reco.errors import InvalidInput
from training.simulate.identifiers import identifiers
from training.simulate.items import Items
from training.simulate.parameters import Parameters
from training.simulate.places import DENSITIES
from training.simulate.response import Encounter, booking_probability, relative_taste
from training.simulate.setting import Setting
from training.simulate.users import Users

_FILES = frozenset({"users.parquet", "tastes.npy", "items.parquet", "manifest.json", "README.md"})
_README = """# The hidden truth of a simulated world

What people like and how good works are. Only evaluation may read this folder: a model, a feature
or a feed that does so has seen the answers.

- `users.parquet`: one row a user, in the order of the frame: openness, means, price sensitivity,
  reach, activity, surroundings.
- `tastes.npy`: float32 (users, styles, scenes); the shares of a user sum to 1.
- `items.parquet`: one row an item, in the order of the frame: style, scene (-1: none), quality.
- `manifest.json`: size, seed, anchor, the styles' names and every parameter.

`training.simulate.truth.load_truth` reads it and gives booking probabilities.
"""


@dataclass(frozen=True)
class Truth:
    """Hidden people and works; rows as in the frames `users` and `items`."""

    tastes: NDArray[np.float32]
    openness: NDArray[np.float64]
    price_sensitivity: NDArray[np.float64]
    reach_m: NDArray[np.float64]
    density: NDArray[np.str_]
    style: NDArray[np.int16]
    scene: NDArray[np.int16]
    quality: NDArray[np.float64]
    styles: tuple[str, ...]
    parameters: Parameters

    def booking_probability(
        self,
        user: NDArray[np.integer],
        item: NDArray[np.integer],
        price_eur: NDArray[np.float64],
        distance_m: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the true probability that each user books each item once they consider it.

        Parameters
        ----------
        user, item
            (N,) rows.
        price_eur, distance_m
            (N,) of the offer; 0 m where digital. What cannot be paid has probability 0 on top.
        """
        encounter = self.encounter(user, item, price_eur, distance_m)
        return booking_probability(encounter, self.parameters)

    def encounter(
        self,
        user: NDArray[np.integer],
        item: NDArray[np.integer],
        price_eur: NDArray[np.float64],
        distance_m: NDArray[np.float64],
    ) -> Encounter:
        """Return what the response depends on; parameters as in `booking_probability`."""
        return Encounter(
            relative_taste(self.tastes, user, self.style[item], self.scene[item]),
            self.openness[user],
            self.quality[item],
            self.price_sensitivity[user],
            price_eur,
            distance_m,
            self.reach_m[user],
        )

    def impression_probability(
        self,
        user: NDArray[np.integer],
        item: NDArray[np.integer],
        price_eur: NDArray[np.float64],
        distance_m: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the true probability that a user books an item shown once in a slate."""
        considered = self.booking_probability(user, item, price_eur, distance_m)
        return self.parameters.impression_rate * considered


def write_truth(folder: Path, users: Users, items: Items, setting: Setting) -> None:
    """Write the truth to `folder`, replacing what an earlier world left there."""
    check_truth_folder(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    np.save(folder / "tastes.npy", users.tastes)
    pq.write_table(_users_table(users), folder / "users.parquet")
    pq.write_table(_items_table(items), folder / "items.parquet")
    manifest = {
        "size": setting.size,
        "seed": setting.streams.seed,
        "anchor": setting.anchor.isoformat(),
        "styles": [style.name for style in setting.programme.styles],
        "parameters": asdict(setting.parameters),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    (folder / "README.md").write_text(_README, encoding="utf-8")


def check_truth_folder(folder: Path) -> None:
    """Raise `InvalidInput` where `folder` holds anything but a truth that may be replaced."""
    if folder.exists() and not {path.name for path in folder.iterdir()} <= _FILES:
        raise InvalidInput("folder", f"{folder} holds files of another kind; choose another")


def load_truth(folder: Path) -> Truth:
    """Read the truth that `write_truth` left in `folder`."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    stored = manifest["parameters"]
    lists = {name: tuple(value) for name, value in stored.items() if isinstance(value, list)}
    parameters = Parameters(**{**stored, **lists})
    users = pq.read_table(folder / "users.parquet")
    items = pq.read_table(folder / "items.parquet")
    return Truth(
        np.load(folder / "tastes.npy", mmap_mode="r"),
        users["openness"].to_numpy(),
        users["price_sensitivity"].to_numpy(),
        users["reach_m"].to_numpy(),
        users["density"].to_numpy(),
        items["style"].to_numpy(),
        items["scene"].to_numpy(),
        items["quality"].to_numpy(),
        tuple(manifest["styles"]),
        parameters,
    )


def _users_table(users: Users) -> pa.Table:
    return pa.table(
        {
            "user_id": identifiers("u", np.arange(len(users))),
            "density": np.array(DENSITIES, dtype=object)[users.density],
            "money": users.money,
            "openness": users.openness,
            "price_sensitivity": users.price_sensitivity,
            "reach_m": users.reach_m,
            "activity_per_month": users.activity,
        }
    )


def _items_table(items: Items) -> pa.Table:
    return pa.table(
        {
            "item_id": identifiers("i", np.arange(len(items))),
            "style": items.style,
            "scene": items.scene,
            "quality": items.quality,
        }
    )
