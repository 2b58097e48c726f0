"""The words of explanations and notes: of one or of several, and short enough for a card."""

import json
from csv import DictReader
from importlib.resources import files

import pytest

from reco.api.pages import FOLDER
from reco.feed.query import LANGUAGES
from reco.feed.wording import MOST_LETTERS, statement

TEXTS = json.loads((FOLDER / "texts.json").read_text())
ON_A_CARD = 100
"""Letters, some three lines of a card on a phone."""
OF_A_SLATE = 130
SLATE = {"likeliest_slate", "relevance_kept", "points_gained", "points_a_booking", "one_to_learn"}
ENDLESS = "Le très long titre d'une œuvre " * 20
LONGEST = {
    "title": ENDLESS,
    "attribute": "genre",
    "value": ENDLESS,
    "points": 1_234.5,
    "rank": 999,
    "bookings_near": 99_999,
    "relevance_kept": 0.9876,
    "changed": 100,
    "intensity": 999.5,
    "points_a_booking": 999_999.9,
    "radius_km": 199.9,
    "fair_eur": 299.9,
}
ONE_OF = {"changed": 1, "bookings_near": 1, "intensity": 1.0, "points_a_booking": 1.0}
NONE_OF = {"changed": 0}
BELOW_TWO_OF = {"intensity": 1.9, "points_a_booking": 1e-9}
FORMS = {"": {}, "_one": ONE_OF, "_none": NONE_OF, "_below_two": BELOW_TWO_OF}


def told():
    """Yield every text of an explanation, by language, code and form."""
    for language in LANGUAGES:
        for key in TEXTS[language]:
            if key.startswith("explain_"):
                code, form = key.removeprefix("explain_"), ""
                for ending in ("_one", "_none", "_below_two"):
                    if code.endswith(ending):
                        code, form = code.removesuffix(ending), ending
                yield language, code, form


@pytest.mark.parametrize(("language", "code", "form"), list(told()))
def test_every_text_is_short_enough_for_a_card(language, code, form):
    template = TEXTS[language][f"explain_{code}{form}"]
    counted = {name: one for name, one in FORMS[form].items() if _counts(language, code, name)}
    parameters = {
        name: one
        for name, one in (LONGEST | counted).items()
        if f"{{{name}}}" in template or name in counted or name == "attribute"
    }
    text = statement(language, code, parameters).text
    assert len(text) <= (OF_A_SLATE if code in SLATE else ON_A_CARD)
    assert "{" not in text


def _counts(language, code, name):
    return f"{{{name}}}" in TEXTS[language][f"explain_{code}"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_note_is_short_enough(language):
    notes = [text for key, text in TEXTS[language].items() if key.startswith("note_")]
    assert len(notes) > 8
    assert max(map(len, notes)) <= ON_A_CARD


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_long_title_ends_in_an_ellipsis_and_is_whole_in_the_parameters(language):
    found = statement(language, "similar_to", {"title": ENDLESS})
    assert ENDLESS[: MOST_LETTERS - 2].rstrip() in found.text
    assert "…" in found.text
    assert found.parameters["title"] == ENDLESS
    short = "x" * MOST_LETTERS
    assert short in statement(language, "similar_to", {"title": short}).text
    genre = {"attribute": "genre", "value": ENDLESS, "points": 5.0}
    assert "…, +5" in statement(language, "new_genre", genre).text


def gained(language, points, intensity):
    parameters = {"points": points, "intensity": intensity, "points_once": 0.0}
    return statement(language, "points_gained", parameters).text


def test_one_agenda_is_told_as_one():
    assert gained("en", 1.0, 1.0).endswith(": +1, over one agenda like this.")
    assert gained("fr", 1.0, 1.0).endswith("\N{NO-BREAK SPACE}: +1, en un agenda pareil.")
    assert gained("en", 2.3, 3.0).endswith(": +2.3, over 3 agendas like this.")
    assert gained("fr", 2.3, 3.0).endswith("\N{NO-BREAK SPACE}: +2,3, en 3 agendas pareils.")
    assert gained("fr", 2.3, 1.5).endswith("\N{NO-BREAK SPACE}: +2,3, en 1,5 agenda pareil.")
    assert gained("en", 2.3, 1.5).endswith(": +2.3, over 1.5 agendas like this.")


@pytest.mark.parametrize(
    ("language", "words"), [("fr", ["un point", "2 points"]), ("en", ["one point", "2 points"])]
)
def test_one_point_is_told_as_one(language, words):
    for points, of_so_many in zip((1.0, 2.0), words, strict=True):
        text = statement(language, "points_a_booking", {"points_a_booking": points}).text
        assert text.endswith(f" {of_so_many}.")


@pytest.mark.parametrize(
    ("points", "french", "english"),
    [
        (0.04, "0,04 point", "0.04 points"),
        (0.5, "0,5 point", "0.5 points"),
        (1.04, "un point", "one point"),
        (1.5, "1,5 point", "1.5 points"),
        (1.96, "2 points", "2 points"),
    ],
)
def test_less_than_two_is_told_in_the_singular_in_french_and_little_is_not_none(
    points, french, english
):
    for language, words in (("fr", french), ("en", english)):
        text = statement(language, "points_a_booking", {"points_a_booking": points}).text
        assert text.endswith(f" {words}.")


@pytest.mark.parametrize(
    ("euros", "words"), [(12.5, "12,50"), (12.0, "12"), (0.1, "0,10"), (300.0, "300")]
)
def test_money_is_told_with_both_places_or_none(euros, words):
    text = statement("fr", "within_means", {"fair_eur": euros}).text
    assert text == f"dans tes moyens\N{NO-BREAK SPACE}: {words}\N{NO-BREAK SPACE}€ par réservation"


@pytest.mark.parametrize(
    ("changed", "language", "words"),
    [
        (0, "fr", "aucune idée changée"),
        (1, "fr", "une idée changée"),
        (2, "fr", "2 idées changées"),
        (0, "en", "no idea changed"),
        (1, "en", "one idea changed"),
        (2, "en", "2 ideas changed"),
    ],
)
def test_changed_ideas_are_counted_in_words(changed, language, words):
    parameters = {"relevance_kept": 0.98, "floor": 0.95, "changed": changed}
    assert words in statement(language, "relevance_kept", parameters).text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("attribute", ["category", "subcategory"])
def test_what_the_simulated_country_offers_has_a_name(language, attribute):
    taxonomy = files("training.simulate").joinpath("taxonomy.csv").read_text().splitlines()
    codes = {row[attribute] for row in DictReader(taxonomy)}
    assert len(codes) > 10
    assert all(f"{attribute}_{code}" in TEXTS[language] for code in codes)


def test_what_belongs_to_the_likeliest_selection_is_not_told_to_be_among_the_likeliest_offers():
    """Quotas let in what hundreds of offers are likelier than."""
    assert statement("en", "likely", {}).text == "in the likeliest selection"
    assert statement("fr", "likely", {}).text == "dans la sélection la plus probable"


def test_after_one_offer_reads_as_after_many():
    """Where all but one are as likely as each other."""
    assert statement("en", "rank_after", {"rank": 1}).text == "after no. 1 by relevance"
    assert statement("fr", "rank_after", {"rank": 1}).text == "après le n° 1 par pertinence"
