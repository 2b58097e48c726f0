"""What a run found in plain words: sentences in which every number is quoted from its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.paired import Compared
from training.replay.served import answers_alike
from training.replay.summary import RunSummary, Segment
from training.report.definitions import HEADLINE, definition
from training.report.labels import Label
from training.report.verdict import NO_DIFFERENCE, Verdict, is_good, verdict_of
from training.report.wording import change_text, difference_text, p_text, percent, value_text


@dataclass(frozen=True)
class Quoted:
    """A number in a sentence, and where in the files of the run it stands."""

    text: str
    value: float | str
    source: str
    """`summary` or `manifest`, then keys and places, separated by `/`; `#`: how many there are."""


Sentence = tuple[str | Quoted, ...]


@dataclass(frozen=True)
class Told:
    """A run as sentences are made of it."""

    manifest: Mapping[str, Any]
    summary: RunSummary
    labels: Sequence[Label]
    beside: int
    """Place of the system that stands beside the first; 0: there is but one."""

    @property
    def n(self) -> int:
        """Offers a slate."""
        return int(self.manifest["n"])

    def sentences(self) -> tuple[Sentence, ...]:
        """Return what is told of the pair."""
        compared = self._compared() if self.beside else self._alone()
        return (self._people(), *compared, *self._venues(), *self._calibration(), _CAVEAT)

    def lead(self) -> Sentence:
        """Return what the pair comes to: figures by what may be said of them."""
        first, second = self.labels[0].letter, self.labels[self.beside].letter
        if not self.beside:
            return (f"The run has one system, {first}: there is nothing to set it beside.",)
        said: dict[str, list[str]] = {}
        for name in HEADLINE:
            said.setdefault(self._in_a_word(name), []).append(definition(name).title.lower())
        told = "; ".join(f"{words} in {listed(names)}" for words, names in said.items())
        return (f"{second} against {first}{self._if_served()}: {told}.",)

    def others(self) -> tuple[Sentence, ...]:
        """Return what the systems beside the pair come to."""
        places = [at for at in range(1, len(self.labels)) if at != self.beside]
        return tuple(self._in_short(at) for at in places)

    def _if_served(self) -> str:
        served = self.manifest.get("served")
        is_first = served and answers_alike(self.manifest["systems"][0], served)
        return " (what is served)" if is_first else ""

    def _in_a_word(self, name: str) -> str:
        figure = self._figure(self.beside, name)
        if figure.value is None:
            return "nothing to be judged"
        verdict = verdict_of(figure)
        good = is_good(name, verdict)
        return _IN_A_WORD[verdict] if good is None else "better" if good else "worse"

    def _people(self) -> Sentence:
        asked, summary = self.manifest, self.summary
        return (
            "The feeds of ",
            Quoted(f"{summary.people:,}", summary.people, "summary/people"),
            " people were replayed as they would have been, each week anew for ",
            Quoted(str(asked["weeks"]), asked["weeks"], "manifest/weeks"),
            f" week{'s' if asked['weeks'] > 1 else ''}, from ",
            Quoted(str(asked["start"])[:10], asked["start"], "manifest/start"),
            " to ",
            Quoted(str(asked["end"])[:10], asked["end"], "manifest/end"),
            "; ",
            Quoted(f"{summary.judged:,}", summary.judged, "summary/judged"),
            " of them booked something new in that time, and that is what had to be found.",
        )

    def _alone(self) -> list[Sentence]:
        return [
            (
                f"{definition(name).title}: {self.labels[0].letter} reaches ",
                self._value(0, name),
                *self._span(0, name),
                ".",
            )
            for name in HEADLINE
            if self._figure(0, name).value is not None
        ]

    def _compared(self) -> list[Sentence]:
        return [
            *(self._change(self.beside, name) for name in HEADLINE),
            self._segments(),
            self._change(self.beside, "distance_m"),
        ]

    def _change(self, at: int, name: str) -> Sentence:
        """Say what one figure of a system is beside that of the first."""
        first, second = self.labels[0].letter, self.labels[at].letter
        beside = (self._value(at, name), " beside ", self._value(0, name), f" under {first}")
        figure, title = self._figure(at, name), definition(name).title
        if figure.value is None:
            return (f"{title}: defined for nobody here.",)
        verdict = verdict_of(figure)
        if verdict is Verdict.UNTESTED:
            return (f"{title}: {second} has ", *beside, ", without a test of the difference.")
        change = (self._apart(at, name), ", ", *self._interval(at, name))
        if verdict is Verdict.NO_DIFFERENCE:
            return (f"{title}: {NO_DIFFERENCE}. {second} has ", *beside, " (", *change, ").")
        if verdict is Verdict.UNCONFIRMED:
            return (
                f"{title}: not confirmed. {second} has ", *beside, " (", *change,
                "), and the test that allows for the number of systems does not bear it out",
                *self._test(at, name), ".",
            )  # fmt: skip
        word = {True: "better", False: "worse", None: _FARTHER.get(verdict, "")}[
            is_good(name, verdict)
        ]
        return (f"{title}: {second} is {word}, ", *beside, " (", *change, ").")

    def _in_short(self, at: int) -> Sentence:
        """Say of another system what its relevance and its horizon are."""
        told: list[str | Quoted] = [f"{self.labels[at].letter} against {self.labels[0].letter}: "]
        for name in ("ndcg", "horizon_recall", "slate_points"):
            verdict = verdict_of(self._figure(at, name))
            if verdict is Verdict.UNTESTED:
                continue
            said = "" if verdict in {Verdict.HIGHER, Verdict.LOWER} else f", {_SHORT[verdict]}"
            comma = ", " if len(told) > 1 else ""
            told += [f"{comma}{definition(name).title.lower()} ", self._apart(at, name)]
            told += [" (", *self._interval(at, name), f"{said})"]
        return (*told, ".")

    def _segments(self) -> Sentence:
        """Say for whom relevance falls."""
        segments = self.summary.segments
        if not segments:
            return ("There are too few people of any kind to tell kinds of people apart.",)
        name = f"ndcg@{self.n}"
        falls = [
            (place, one)
            for place, one in enumerate(segments)
            if verdict_of(one.systems[self.beside][name]) is Verdict.LOWER
        ]
        count = Quoted(str(len(segments)), len(segments), "summary/segments/#")
        letter = self.labels[self.beside].letter
        if not falls:
            what = f" kinds of people does relevance fall under {letter} by more than chance"
            return ("In none of the ", count, what, " would make it.")
        what = f" kinds of people, relevance falls under {letter} by more than chance would make"
        told: list[str | Quoted] = ["Of ", count, what, " it for "]
        for at, (place, one) in enumerate(falls):
            told += [", " if at else "", segment_words(one), " (", self._in_segment(place, name)]
            told += [")"]
        return (*told, ". This is not corrected for the number of kinds.")

    def _in_segment(self, place: int, name: str) -> Quoted:
        change = self.summary.segments[place].systems[self.beside][name].change
        source = f"summary/segments/{place}/systems/{self.beside}/{name}/change"
        return Quoted(change_text(change or 0.0), change or 0.0, source)

    def _venues(self) -> list[Sentence]:
        name = "venue_gini"
        if self._figure(0, name).value is None:
            return []
        told: list[str | Quoted] = [
            "How unevenly venues are shown, from nought (all alike) to one (a single venue): ",
            f"{self.labels[0].letter} ",
            self._value(0, name),
            *self._span(0, name),
        ]
        if self.beside:
            told += [f", {self.labels[self.beside].letter} ", self._value(self.beside, name)]
            told += self._span(self.beside, name)
        return [(*told, ".")]

    def _calibration(self) -> list[Sentence]:
        found = self.summary.systems[self.beside].probability
        if found is None:
            return []
        first, letter = self.labels[0].letter, self.labels[self.beside].letter
        events = [self._event(at) for at in (0, self.beside)]
        others = f" Those of {first} are {events[0]}." if events[0] != events[1] else ""
        source = f"summary/systems/{self.beside}"
        return [
            (
                f"The probabilities that {letter} shows are {events[1]}.{others} From how often"
                " what it shows was booked within the week, wherever from, they are off by ",
                Quoted(_in_points(found.ece), found.ece, f"{source}/probability/ece"),
                " on average, which is ",
                Quoted(percent(found.ece_rel, 0), found.ece_rel, f"{source}/probability/ece_rel"),
                " of how often it was booked at all.",
                *self._without_chance(),
            )
        ]

    def _event(self, at: int) -> str:
        """Return what the probabilities of a system are of."""
        told = self.manifest["systems"][at].get("of_what_is_shown")
        return {True: "of a booking because it is shown", False: "of a booking on that visit"}.get(
            told, "of a booking"
        )

    def _without_chance(self) -> Sentence:
        found = self.summary.systems[self.beside].ece_rel
        if found is None:
            return ()
        source = f"summary/systems/{self.beside}/ece_rel"
        value, low, high = (
            Quoted(percent(number, 0), number, f"{source}/{name}")
            for name, number in vars(found).items()
        )
        return (
            " Without what chance alone would make of exact ones: ",
            value, " (interval ", low, " to ", high, ").",
        )  # fmt: skip

    def _figure(self, at: int, name: str) -> Compared:
        return self.summary.systems[at].metrics[f"{name}@{self.n}"]

    def _value(self, at: int, name: str) -> Quoted:
        value = self._figure(at, name).value or 0.0
        return Quoted(value_text(name, value), value, self._source(at, name, "value"))

    def _apart(self, at: int, name: str, end: str = "") -> Quoted:
        """Quote how far a figure is from the first one, or an end of its interval.

        Relative, but where the first one is 0.
        """
        figure = self._figure(at, name)
        part = f"{'difference' if figure.change is None else 'change'}{end}"
        value = float(getattr(figure, part))
        text = difference_text(name, value) if figure.change is None else change_text(value)
        return Quoted(text, value, self._source(at, name, part))

    def _interval(self, at: int, name: str) -> Sentence:
        return ("interval ", self._apart(at, name, "_low"), " to ", self._apart(at, name, "_high"))

    def _span(self, at: int, name: str) -> Sentence:
        figure = self._figure(at, name)
        if figure.interval is None:
            return ()
        low, high = (
            Quoted(value_text(name, value), value, self._source(at, name, part))
            for part, value in zip(("low", "high"), figure.interval[1:], strict=True)
        )
        return (" (interval ", low, " to ", high, ")")

    def _test(self, at: int, name: str) -> Sentence:
        p = self._figure(at, name).p
        if p is None:
            return ()
        return (" (", Quoted(p_text(p), p, self._source(at, name, "p")), ")")

    def _source(self, at: int, name: str, part: str) -> str:
        return f"summary/systems/{at}/metrics/{name}@{self.n}/{part}"


_IN_A_WORD = {
    Verdict.NO_DIFFERENCE: NO_DIFFERENCE,
    Verdict.UNCONFIRMED: "a difference that is not confirmed",
    Verdict.UNTESTED: "a difference that is not tested",
}
_FARTHER = {Verdict.HIGHER: "farther", Verdict.LOWER: "nearer"}
_SHORT = {
    Verdict.NO_DIFFERENCE: "no more than chance",
    Verdict.UNCONFIRMED: "not confirmed",
    Verdict.UNTESTED: "not tested",
}
_CAVEAT: Sentence = (
    "Only what was really booked counts as found: a good offer that nobody had been shown is a miss"
    " here. These figures compare systems; they do not forecast bookings.",
)
_KINDS = {
    "seen": "people who are {}",
    "density": "people in {} places",
    "first_category": "people who booked {} first",
}
_SEEN = {"cold": "cold", "warming": "warming up", "warm": "warm"}


def _in_points(share: float) -> str:
    """Return a distance of shares: as percent it could be one of the other."""
    return f"{100.0 * share:.3f} percentage points"


def listed(names: Sequence[str]) -> str:
    """Return names as they stand in a sentence."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def segment_words(segment: Segment) -> str:
    """Return what a segment is called."""
    value = _SEEN.get(segment.value, segment.value)
    if segment.kind == "first_category" and value == "none":
        return "people who had booked nothing"
    return _KINDS.get(segment.kind, "{}").format(value)
