"""How what is served now stands in a run, and what others are compared with, in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from reco.feed.dials import NAMES
from training.replay.served import answers_alike
from training.report.labels import Label
from training.report.plain import Quoted, Sentence, listed


class Standing(StrEnum):
    """Of what was served when a run began."""

    FIRST = "first"
    """All changes are against it."""
    BESIDE = "beside another"
    """It is in the run, but not the first system."""
    SEEN = "has seen the weeks"
    OTHER_DIALS = "its model under other dials"
    ABSENT = "not asked for"
    UNKNOWN = "not on record"
    """The run does not say what was served."""


@dataclass(frozen=True)
class Served:
    """What was served when a run began, and its place in the run."""

    standing: Standing
    place: int | None
    """Among the systems of the run; None: it is none of them."""
    told: Sentence
    """The same in words, with what others are compared with."""


def served_in(manifest: Mapping[str, Any], labels: Sequence[Label]) -> Served:
    """Return how what was served stands in the run of a manifest."""
    served, systems = manifest.get("served"), manifest["systems"]
    if served is None:
        nobody_knows = "This run does not say what was served when it began: all changes are"
        told: Sentence = (f"{nobody_knows} against {labels[0].letter}, which is named first.",)
        return Served(Standing.UNKNOWN, None, told)
    alike = [place for place, one in enumerate(systems) if answers_alike(one, served)]
    place = alike[0] if alike else None
    standing = _standing(manifest, place)
    told = (*_was_served(manifest), ". ", *_place(manifest, labels, standing, place))
    return Served(standing, place, told)


def _standing(manifest: Mapping[str, Any], place: int | None) -> Standing:
    served = manifest["served"]
    if place is not None:
        return Standing.BESIDE if place else Standing.FIRST
    if served["version"] in {one["version"] for one in manifest["systems"]}:
        return Standing.OTHER_DIALS
    until = served["trained_until"]
    if until and datetime.fromisoformat(until) > datetime.fromisoformat(manifest["start"]):
        return Standing.SEEN
    return Standing.ABSENT


def _was_served(manifest: Mapping[str, Any]) -> Sentence:
    served, began = manifest["served"], manifest["begun_at"]
    version = served["version"]
    what = Quoted(version, version, "manifest/served/version") if version else "popularity near"
    price: Sentence = ()
    if served["points_a_booking"]:
        price = (", a price of ", _number(manifest, "points_a_booking"), " points a booking")
    return (
        "When this run began, on ", Quoted(began[:10], began, "manifest/begun_at"), ", ", what,
        " was served, under a floor of ", _number(manifest, "floor"), *price,
        " and an intensity of ", _number(manifest, "intensity"),
    )  # fmt: skip


def _number(manifest: Mapping[str, Any], dial: str) -> Quoted:
    value = manifest["served"][dial]
    return Quoted(f"{value:g}", value, f"manifest/served/{dial}")


def _place(
    manifest: Mapping[str, Any], labels: Sequence[Label], standing: Standing, place: int | None
) -> Sentence:
    first = labels[0].letter
    if standing is Standing.FIRST:
        return (f"This is {first} here, and all changes are against it.",)
    if place is not None:
        letter = labels[place].letter
        return (f"This is {letter} here; but all changes are against {first}, named first.",)
    if standing is Standing.OTHER_DIALS:
        why: Sentence = ("Its model is in this run, but never with its slates chosen so.",)
    elif standing is Standing.SEEN:
        until, start = manifest["served"]["trained_until"], manifest["start"]
        why = (
            "It is not in this run: it was trained until ",
            Quoted(until[:10], until, "manifest/served/trained_until"),
            " and has seen the weeks, which begin on ",
            Quoted(start[:10], start, "manifest/start"),
            ".",
        )
    else:
        why = ("It is not in this run: nobody asked for it.",)
    return (*why, f" All changes are against {first} instead, named first: ", *_likeness(manifest))


def _likeness(manifest: Mapping[str, Any]) -> Sentence:
    """Say what the first system has in common with what is served, and what not."""
    served, first = manifest["served"], manifest["systems"][0]
    names = {"kind": "kind", "settings": "settings", "points_a_booking": "price"}
    same: list[str] = []
    other: list[str] = []
    told = [name for name in ("kind", "settings", *NAMES) if first.get(name) or served.get(name)]
    for name in told:
        (same if first.get(name) == served.get(name) else other).append(names.get(name, name))
    parts = [f"{words} {listed(some)}" for words, some in (("the same", same), ("other", other))
             if some]  # fmt: skip
    until = first["trained_until"]
    if not until:
        return (f"it has {' and '.join(parts)}.",)
    quoted = Quoted(until[:10], until, "manifest/systems/0/trained_until")
    return (f"it has {', '.join(parts)}, and was trained until ", quoted, ".")
