"""Short names of the systems of a run: a letter each, and words that tell them apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

from training.replay.served import answers_alike

_NEAR = "popularity near"


@dataclass(frozen=True)
class Label:
    """What one system is called in a report."""

    letter: str
    name: str
    """As in the run."""
    words: str
    model: str
    """The words but for the dials: the same for all floors of a model."""
    floor: float
    price: float
    """Of relevance, in points a booking; 0: none."""
    intensity: float

    @property
    def line(self) -> str:
        """What is the same for systems that differ in their floors alone; a price stands alone."""
        return self.name if self.price else f"{self.model}, intensity {self.intensity:g}"


def labels_of(
    systems: Sequence[Mapping[str, Any]], served: Mapping[str, Any] | None = None
) -> tuple[Label, ...]:
    """Return the label of each system of a manifest, in its order.

    Parameters
    ----------
    served
        What the manifest says was served; the words of the system that is alike say so.
    """
    versions: dict[str | None, set[str | None]] = {}
    intensities: dict[str | None, set[float]] = {}
    for system in systems:
        versions.setdefault(system["kind"], set()).add(system["version"])
        intensities.setdefault(system["version"], set()).add(system["intensity"])
    labels = []
    for place, system in enumerate(systems):
        model = _model(system, is_alone=len(versions[system["kind"]]) == 1)
        parts = [model]
        if version := system["version"]:
            parts += _chosen(system, is_alone=len(intensities[version]) == 1)
        is_served = served and answers_alike(system, served)
        labels.append(
            Label(
                letter=_letter(place),
                name=system["name"],
                words=", ".join(parts) + (" (served)" if is_served else ""),
                model=model,
                floor=float(system["floor"]),
                price=float(system.get("points_a_booking", 0.0)),
                intensity=float(system["intensity"]),
            )
        )
    return tuple(labels)


def _model(system: Mapping[str, Any], *, is_alone: bool) -> str:
    if not system["version"]:
        return _NEAR if is_alone and system["floor"] == 1.0 else f"{_NEAR} ({system['name']})"
    if is_alone:
        return str(system["kind"])
    return f"{system['kind']} {str(system['version']).rsplit('-', 1)[-1]}"


def _chosen(system: Mapping[str, Any], *, is_alone: bool) -> list[str]:
    """Say by which dials slates are chosen: a floor, a price, or both.

    The intensity is told where that of the model's slates is not one alone.
    """
    price, floor = system.get("points_a_booking"), system["floor"]
    parts = [f"floor {floor:g}"] if floor or not price else []
    parts += [f"price {price:g}"] if price else []
    return parts if is_alone else [*parts, f"intensity {system['intensity']:g}"]


def _letter(place: int) -> str:
    """Return A, B, ..., Z, AA, AB, ..."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, len(ascii_uppercase))
        letters = ascii_uppercase[rest] + letters
    return letters
