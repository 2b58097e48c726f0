"""People of 18: where they live, their credit, and the tastes that nobody sees."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reco.frames.tables import frame_table
from training.simulate.calendar import DAY_S, Seconds, timestamps
from training.simulate.identifiers import identifiers
from training.simulate.parameters import Parameters
from training.simulate.places import DENSITIES, Towns, scattered, sprawl_m
from training.simulate.setting import Setting

_BLOCK = 100_000


@dataclass(frozen=True)
class Users:
    """Arrays of one length; all but homes, birthdays and credit is hidden."""

    area: NDArray[np.int32]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    density: NDArray[np.int8]
    birth_day: NDArray[np.int64]
    granted_s: Seconds
    money: NDArray[np.float64]
    """Standardised means of the household."""
    openness: NDArray[np.float64]
    price_sensitivity: NDArray[np.float64]
    """Log-odds lost per 10 euros."""
    reach_m: NDArray[np.float64]
    activity: NDArray[np.float64]
    """Offers considered in 30 days, on average."""
    tastes: NDArray[np.float32]
    """(users, styles, scenes) shares; each person's sum to 1."""

    def __len__(self) -> int:
        return len(self.area)


def make_users(towns: Towns, setting: Setting) -> Users:
    """Draw people in towns by their population."""
    generator = setting.streams.of("users")
    count, parameters = setting.scale.users, setting.parameters
    weights = towns.population / towns.population.sum()
    town = generator.choice(len(towns), size=count, p=weights)
    lon, lat = scattered(generator, towns, town, sprawl_m(towns, town, parameters))
    density = towns.density[town]
    granted_s, birth_day = _credit_dates(generator, setting)
    lean = np.array([1.0, 0.0, -1.0])[density]
    money = generator.normal(size=count) + parameters.dense_money * lean
    openness = generator.beta(*parameters.openness, size=count)
    return Users(
        towns.area[town],
        lon,
        lat,
        density,
        birth_day,
        granted_s,
        money,
        openness,
        _price_sensitivity(generator, money, parameters),
        _reach_m(generator, density, parameters),
        _activity(generator, count, parameters),
        _tastes(setting.streams.of("tastes"), lean, money, openness, setting),
    )


def users_frame(users: Users, parameters: Parameters) -> pa.Table:
    """Return the frame `users`."""
    count = len(users)
    columns = {
        "user_id": identifiers("u", np.arange(count)),
        "birth_date": users.birth_day.astype("datetime64[D]"),
        "lon": users.lon,
        "lat": users.lat,
        "credit_eur": np.full(count, parameters.credit_eur),
        "credit_granted_at": timestamps(users.granted_s),
        "credit_expires_at": timestamps(users.granted_s + parameters.credit_days * DAY_S),
    }
    return frame_table("users", columns)


def _credit_dates(
    generator: np.random.Generator, setting: Setting
) -> tuple[Seconds, NDArray[np.int64]]:
    """Return the grants, before now, and the birthdays 18 years and some weeks before them."""
    count, parameters = setting.scale.users, setting.parameters
    ago_s = 3_600 + generator.random(count) * parameters.cohort_days * DAY_S
    granted_s = (setting.calendar.now_s - ago_s).astype(np.int64)
    granted_day = granted_s // DAY_S
    delay = np.floor(generator.random(count) * parameters.grant_delay_days).astype(np.int64)
    birthday = (granted_day - delay).astype("datetime64[D]")
    year_month = birthday.astype("datetime64[M]")
    born = (year_month - 18 * 12).astype("datetime64[D]") + (
        birthday - year_month.astype("datetime64[D]")
    )
    return granted_s, born.astype(np.int64)


def _price_sensitivity(
    generator: np.random.Generator, money: NDArray[np.float64], parameters: Parameters
) -> NDArray[np.float64]:
    level, slope, noise = parameters.price_sensitivity
    return np.asarray(level * np.exp(-slope * money + noise * generator.normal(size=len(money))))


def _reach_m(
    generator: np.random.Generator, density: NDArray[np.int8], parameters: Parameters
) -> NDArray[np.float64]:
    level = np.array([parameters.reach_m[name] for name in DENSITIES])[density]
    return np.asarray(level * generator.lognormal(0.0, parameters.reach_sigma, len(density)))


def _activity(
    generator: np.random.Generator, count: int, parameters: Parameters
) -> NDArray[np.float64]:
    sigma = parameters.activity_sigma
    drawn = parameters.activity_per_month * generator.lognormal(-(sigma**2) / 2, sigma, count)
    return np.where(generator.random(count) < parameters.inactive_share, 0.0, drawn)


def _tastes(
    generator: np.random.Generator,
    lean: NDArray[np.float64],
    money: NDArray[np.float64],
    openness: NDArray[np.float64],
    setting: Setting,
) -> NDArray[np.float32]:
    """Draw each person's Dirichlet mixture of styles and, within each, of scenes."""
    programme, parameters = setting.programme, setting.parameters
    prior = programme.demand.sum(axis=1)
    dense_effect = np.array([style.dense_effect for style in programme.styles])
    money_effect = np.array([style.money_effect for style in programme.styles])
    shape = (len(prior), parameters.scenes)
    tastes = np.empty((len(money), *shape), dtype=np.float32)
    constant, slope = parameters.concentration
    for start in range(0, len(money), _BLOCK):
        block = slice(start, start + _BLOCK)
        bent = prior * np.exp(np.outer(lean[block], dense_effect))
        bent *= np.exp(np.outer(money[block], money_effect))
        bent *= (constant + slope * openness[block, None]) / bent.sum(axis=1, keepdims=True)
        styles = _normalised(generator.gamma(bent))
        scenes = _normalised(
            generator.gamma(parameters.scene_concentration, size=(len(bent), *shape))
        )
        tastes[block] = styles[:, :, None] * scenes
    return tastes


def _normalised(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    # Gammas of small shape underflow to zero; a row of zeros alone would have no mean.
    positive = draws + 1e-12
    return np.asarray(positive / positive.sum(axis=-1, keepdims=True))
