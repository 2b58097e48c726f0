"""Settings of a model as a TOML file: one table, named after the kind of model."""

import math
import tomllib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from reco.errors import InvalidInput
from training.fits import PARAMETERS, Parameters

_HALF_LIFE = "half_life_days"
_SEED = "seed"
_ABOVE_ZERO = frozenset(
    {"area_prior", "distance_scale_m", "learning_rate", "near_scale_m", "window_days"}
)
_OF_EITHER_SIGN = ("power", "balance", "sharpening")
"""How the settings end that are exponents."""


def read_parameters(path: Path, kind: str | None = None) -> Parameters:
    """Return the settings in a file; those that it does not name have their defaults.

    A half-life of `inf` asks that nothing fades; a training chooses where none is named.

    Parameters
    ----------
    kind
        The table to read; the only one of the file where None.

    Raises
    ------
    InvalidInput
        The file is no TOML, has no such table, or names a setting or a value that there is not.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput("config", f"{path} cannot be read as TOML ({error})") from error
    named = sorted(set(tables) & set(PARAMETERS))
    chosen = kind or (named[0] if len(named) == 1 else None)
    if chosen not in named:
        wanted = f"a table [{kind}]" if kind else "one table, named after a kind of model"
        raise InvalidInput("config", f"{path} must have {wanted}", sorted(PARAMETERS))
    return _parameters(path, PARAMETERS[chosen], tables[chosen])


def start_parameters(kind: str, path: Path | None) -> Parameters:
    """Return the settings of a kind of model that a file has, the defaults where there is no file.

    Raises
    ------
    InvalidInput
        There is no such kind; or see `read_parameters`.
    """
    if kind not in PARAMETERS:
        raise InvalidInput("model", f"{kind!r} is no kind of model", sorted(PARAMETERS))
    return PARAMETERS[kind]() if path is None else read_parameters(path, kind)


def written_parameters(parameters: Parameters) -> str:
    """Return the text of a file that `read_parameters` reads back; what is None is left out.

    But for the half-life: None is written as `inf`, lest a training chooses another.
    """
    named = asdict(parameters)
    if parameters.half_life_days is None:
        named[_HALF_LIFE] = math.inf
    lines = [f"{name} = {value!r}" for name, value in named.items() if value is not None]
    return "\n".join([f"[{parameters.kind}]", *lines, ""])


def _parameters(path: Path, kind: type[Parameters], table: dict[str, Any]) -> Parameters:
    known = {field.name: field.type for field in fields(kind)}
    if strange := sorted(set(table) - set(known)):
        raise InvalidInput("config", f"{path} has unknown settings {strange}", sorted(known))
    for name, value in table.items():
        accepted = (int,) if known[name] is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, accepted):
            what = "a whole number" if known[name] is int else "a number"
            raise InvalidInput("config", f"{path}: {name} must be {what}, not {value!r}")
        if lacking := _lacking(name, value, is_whole=known[name] is int):
            raise InvalidInput("config", f"{path}: {name} must be {lacking}, not {value!r}")
    return kind(**table)


def _lacking(name: str, value: float, *, is_whole: bool) -> str | None:
    """Return what a setting must be, where it is not."""
    if name == _HALF_LIFE:
        return None if value > 0 else "above 0, inf where nothing is to fade"
    if is_whole and name != _SEED:
        return None if value >= 1 else "1 or more"
    if name in _ABOVE_ZERO:
        return None if 0 < value < math.inf else "above 0 and finite"
    if name.endswith(_OF_EITHER_SIGN):
        return None if -math.inf < value < math.inf else "finite"
    return None if 0 <= value < math.inf else "0 or more and finite"
