"""What a text finds: French, without accents, with mistakes, by venue; never an error."""

import unicodedata

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reco.search.text import read_matches

# Title, genres, description.
ITEMS = {
    "silence": ("Le Silence des étoiles", ["roman"], "Une astronome écoute le ciel."),
    "theatre": ("Théâtre de marionnettes", ["spectacle"], None),
    "horses": ("Les Chevaux du soleil", ["roman", "nature"], "Deux chevaux traversent l'Espagne."),
    "jazz": ("Nuit blanche", ["jazz"], "Un trio."),
    "told": ("Sans titre", [], "On y parle du silence."),
    "oeuvre": ("L'Œuvre au noir", ["roman"], None),
    "untitled": (None, ["poésie"], None),
    "forest": ("Au cœur de la forêt", [], "Promenade"),
    "cafe": ("Café-concert", [], None),
    "summer": ("Un Été sous la pluie", [], None),
    "was": ("Lumières", [], "Ce film a été tourné à Lyon."),
    "joined": (
        "Gala Mozart/Haydn",
        ["Rap/Hip-Hop"],
        "Avec M.Pokora, saison 2026-2027, cirque/danse.",
    ),
    "elle": ("Elle", [], None),
}
VENUES = {
    "v1": "Médiathèque Jean-Prévost",
    "v2": "Le Ciel",
    "v3": None,
    "v4": "Espace Danse/Cirque d'été",
}
MANY = 8


@pytest.fixture(scope="module")
def library(new_world):
    with psycopg.connect(new_world().conninfo, autocommit=True) as connection:
        connection.execute("insert into core.category (name) values ('LIVRE')")
        for name, row in ITEMS.items():
            connection.execute(
                "insert into core.item (external_id, category_id, title, genres, description)"
                " select %s, id, %s, %s, %s from core.category",
                (name, *row),
            )
        for number in range(MANY):
            connection.execute(
                "insert into core.item (external_id, category_id, title)"
                " select %s, id, %s from core.category",
                (f"many {number}", f"Aventure {number}"),
            )
        for name, title in VENUES.items():
            connection.execute(
                "insert into core.venue (external_id, name, location)"
                " values (%s, %s, 'point(5 45)')",
                (name, title),
            )
        yield connection


@pytest.fixture
def books(library):
    """The library, as it was before the test."""
    with library.transaction(force_rollback=True):
        yield library


def names(connection, table, ids):
    found = dict(connection.execute(f"select id, external_id from core.{table}").fetchall())
    return [found[row] for row in ids.tolist()]


def found(connection, text, **how):
    """Return names of items, the best first, as typed and similar alike."""
    matches = read_matches(connection, text, **how)
    order = matches.rank.argsort(kind="stable")[::-1]
    return names(connection, "item", matches.item_id[order])


def as_typed(connection, text):
    return sorted(found(connection, text, with_similar=False))


def places(connection, text):
    return sorted(names(connection, "venue", read_matches(connection, text).venue_id))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("theatre", ["theatre"]),
        ("THÉÂTRES", ["theatre"]),
        ("théatre", ["theatre"]),
        ("marionnette", ["theatre"]),
        ("cheval", ["horses"]),
        ("chevaux soleil", ["horses"]),
        ("étoile", ["silence"]),
        ("etoiles", ["silence"]),
        ("écoutait", ["silence"]),
        ("silence", ["silence", "told"]),
        ("le silence du ciel", ["silence"]),
        ("le même silence étaient à ciel", ["silence"]),
        ("le silence été ciel", []),
        ("le silence - ciel", ["silence"]),
        ("poesie", ["untitled"]),
        ("jazz", ["jazz"]),
        ("oeuvre", ["oeuvre"]),
        ("l'œuvre", ["oeuvre"]),
        ("coeur foret", ["forest"]),
        ("cafe concert", ["cafe"]),
        ("cafe-concert", ["cafe"]),
        ('"silence des étoiles"', ["silence"]),
        ('"étoiles des silences lourds"', []),
        ("roman -silence", ["horses", "oeuvre"]),
        ("été", ["summer"]),
        ("ÉTÉ", ["summer"]),
        ("ete", ["summer"]),
        ("un bel été -pluie", []),
        ("mozart", ["joined"]),
        ("haydn/mozart", ["joined"]),
        ("rap", ["joined"]),
        ("hip-hop", ["joined"]),
        ("pokora", ["joined"]),
        ("m.pokora", ["joined"]),
        ("2027", ["joined"]),
        ("2026-2027", ["joined"]),
        ("danse", ["joined"]),
        ("gala -haydn", []),
        ("gala -2027", []),
        ("mozart -haydn/bach", ["joined"]),
        ("gala -rap/hip-hop", []),
        ('"gala -mozart/haydn"', ["joined"]),
        ('"haydn -gala/mozart"', []),
        ("gala -2026-2027", []),
        # Signs before an excluded word do not make it one that is wanted ...
        ("roman -@silence", ["horses", "oeuvre"]),
        ("roman -#@silence", ["horses", "oeuvre"]),
        ("roman --silence", ["horses", "oeuvre"]),
        ("roman -(silence)", ["horses", "oeuvre"]),
        ('roman -@"silence des étoiles"', ["horses", "oeuvre"]),
        ("gala -@haydn/bach", ["joined"]),
        ('roman "nature -@silence"', []),
        # ... and without a word they exclude nothing.
        ("roman -@", ["horses", "oeuvre", "silence"]),
        ("roman -?! -💥 -", ["horses", "oeuvre", "silence"]),
        ('roman -"@"', ["horses", "oeuvre", "silence"]),
        ("gala -2026-2028", ["joined"]),
        ("jazz or marionnettes", ["jazz", "theatre"]),
        ("jazz or - marionnettes", ["jazz", "theatre"]),
        # An or before nothing but signs is no word; the last word of all is one.
        ("jazz or -@", ["jazz"]),
        ("jazz OR - ", ["jazz"]),
        ("jazz or @", ["jazz"]),
        ("jazz or -@ or -", ["jazz"]),
        ("jazz or", []),
        ("or -@", []),
        ('"jazz or -@', []),
        ("zzzz", []),
    ],
)
def test_french_is_found_as_it_is_typed(library, text, expected):
    assert as_typed(library, text) == expected


def test_what_is_written_in_two_is_found_as_one(books):
    in_two = {name: unicodedata.normalize("NFD", name) for name in ("Fête créole", "Le Théâtre")}
    assert all(name != written for name, written in in_two.items())
    books.execute(
        "update core.item set title = %s where external_id = 'many 0'", (in_two["Fête créole"],)
    )
    books.execute(
        "update core.venue set name = %s where external_id = 'v2'", (in_two["Le Théâtre"],)
    )
    assert as_typed(books, "fêtes") == as_typed(books, "creole") == ["many 0"]
    assert found(books, "créolle") == ["many 0"]
    assert places(books, "théâtre") == ["v2"]


def test_titles_come_before_genres_and_these_before_descriptions(library):
    assert found(library, "silence", with_similar=False) == ["silence", "told"]
    library.execute(
        "insert into core.item (external_id, category_id, title, genres)"
        " select 'ciel', id, 'x', array['silence'] from core.category"
    )
    assert found(library, "silence", with_similar=False) == ["silence", "ciel", "told"]
    library.execute("delete from core.item where external_id = 'ciel'")
    assert as_typed(library, "silence") == ["silence", "told"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("silense", "silence"),
        ("teatre", "theatre"),
        ("marionetes", "theatre"),
        ("chevau", "horses"),
        ("etoilles", "silence"),
        ("Œuvvre", "oeuvre"),
        ("forret", "forest"),
    ],
)
def test_a_mistake_is_forgiven_in_titles(library, text, expected):
    assert as_typed(library, text) == []
    assert found(library, text)[0] == expected
    assert read_matches(library, text).with_similar


def test_what_is_like_it_comes_after_what_is_as_typed(library):
    matches = read_matches(library, "silence")
    assert matches.with_similar
    by_name = dict(zip(names(library, "item", matches.item_id), matches.rank, strict=True))
    assert by_name["silence"] > by_name["told"] > 1_000_000
    assert len(by_name) == len(matches.item_id)
    assert matches.venue_rank <= by_name["told"]
    library.execute(
        "insert into core.item (external_id, category_id, title)"
        " select 'like', id, 'Silense' from core.category"
    )
    assert found(library, "silence") == ["silence", "told", "like"]
    library.execute("delete from core.item where external_id = 'like'")


def test_where_enough_is_found_nothing_like_it_is_looked_for(library):
    matches = read_matches(library, "aventure")
    assert (len(matches.item_id), matches.with_similar) == (MANY, False)
    # A later page takes what the first one took.
    assert read_matches(library, "aventure", with_similar=True).with_similar
    assert not read_matches(library, "silense", with_similar=False).with_similar


def test_what_is_excluded_is_not_found_as_something_like_it(library):
    assert "silence" in found(library, "jazz silence")
    for text in ("jazz -silence", 'jazz -"le silence"'):
        assert found(library, text) == ["jazz"]
    assert "cafe" in found(library, "cafe-consert")


def test_venues_do_not_bring_back_what_is_excluded(library):
    # Its name has the one word and not the other, its works may have both.
    assert places(library, "mediatheque") == ["v1"]
    assert places(library, "mediatheque -jazz") == places(library, "-jazz") == []


@pytest.mark.parametrize("text", ["mediatheque J.-Prevost", "mediatheque -de"])
def test_a_dash_that_excludes_nothing_leaves_venues_in(library, text):
    assert places(library, text) == ["v1"]


def test_of_too_many_venues_some_are_taken_and_it_is_told(library, monkeypatch):
    monkeypatch.setattr("reco.search.text.MAX_VENUES", 1)
    both = "mediatheque or ciel"
    matches = read_matches(library, both)
    assert (len(matches.venue_id), matches.is_cut) == (1, True)
    monkeypatch.setattr("reco.search.text.MAX_VENUES", 2)
    assert not read_matches(library, both).is_cut


def test_of_too_many_some_are_taken_and_it_is_told(library, monkeypatch):
    monkeypatch.setattr("reco.search.text.MAX_ITEMS", MANY - 1)
    matches = read_matches(library, "aventure")
    assert (len(matches.item_id), matches.is_cut) == (MANY - 1, True)
    monkeypatch.setattr("reco.search.text.MAX_ITEMS", MANY)
    assert not read_matches(library, "aventure").is_cut


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mediatheque", ["v1"]),
        ("Médiathèques prevost", ["v1"]),
        ("jean-prévost", ["v1"]),
        ("ciel", ["v2"]),
        ("cirque", ["v4"]),
        ("été", ["v4"]),
        ("mediateque", []),
        ("nowhere", []),
    ],
)
def test_venues_are_found_by_their_names(library, text, expected):
    assert places(library, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "le la les",
            "de",
            "'",
            '"',
            '"""',
            "''';--",
            "\\",
            "%",
            "_",
            "a & b | !c",
            "!",
            "-",
            "or",
        ),
        *("-a -b", "(", "<->", "ʼ", "🎭", "مسرح", "\u200b", "\u0301", "a" * 200, "é" * 200),
        *(
            "ab " * 66,
            "- " * 100,
            "-" * 199 + "a",
            "-(" * 99 + "a",
            '-"' * 99 + "a",
            "-a" * 99,
            '"' * 200,
            "a:*",
            "1",
            "%s",
            "{}",
            "\x01\x7f",
        ),
    ],
)
def test_odd_texts_find_something_or_nothing(library, text):
    matches = read_matches(library, text)
    assert len(matches.item_id) == len(matches.rank) <= len(ITEMS) + MANY


texts = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200),
    st.text("-\"'()!&|<>:*\\ aé", max_size=200),
)


@given(texts)
@settings(max_examples=150)
def test_whatever_is_typed_is_looked_for(library, text):
    matches = read_matches(library, text)
    assert len(set(matches.item_id.tolist())) == len(matches.item_id) == len(matches.rank)


def test_stop_words_and_letters_find_nothing(library):
    assert places(library, "le") == []
    for text in ("le la des", "du", "à l'", "e", "x y z"):
        assert found(library, text) == []
    assert found(library, "dans le silense") == found(library, "silense")


def test_a_title_of_nothing_but_stop_words_is_found_by_all_of_it(library):
    for text in ("elle", " ELLE ", "Elle"):
        matches = read_matches(library, text)
        assert names(library, "item", matches.item_id) == ["elle"]
        assert matches.rank.min() > 1_000_000
    assert found(library, "elle la") == []


def test_what_is_renamed_is_found_by_its_new_name(books):
    books.execute("update core.item set title = 'Le Tigre' where external_id = 'jazz'")
    assert as_typed(books, "tigres") == ["jazz"]
    assert as_typed(books, "nuit") == []
    assert found(books, "tigrre") == ["jazz"]
    books.execute("update core.item set title = null, genres = '{}' where external_id = 'jazz'")
    assert as_typed(books, "jazz") == as_typed(books, "tigres") == []
    assert as_typed(books, "trio") == ["jazz"]
    books.execute("update core.item set description = 'Un quatuor' where external_id = 'jazz'")
    assert as_typed(books, "trio") == []
    assert as_typed(books, "quatuors") == ["jazz"]
    books.execute("update core.item set genres = array['manga'] where external_id = 'jazz'")
    assert as_typed(books, "manga") == ["jazz"]


def test_a_venue_that_is_renamed_is_found_by_its_new_name(books):
    books.execute("update core.venue set name = 'La Comédie' where external_id = 'v1'")
    assert places(books, "comedie") == ["v1"]
    assert places(books, "mediatheque") == []
    books.execute("update core.venue set name = null where external_id = 'v1'")
    assert places(books, "comedie") == []
    books.execute("update core.venue set name = 'La Comédie' where external_id = 'v3'")
    assert places(books, "comedie") == ["v3"]


def test_many_rows_at_once_are_followed_and_what_is_deleted_is_gone(books):
    books.execute("update core.item set title = 'Aventures ' || id, genres = array['epopee']")
    assert len(as_typed(books, "epopees")) == len(ITEMS) + MANY
    books.execute("delete from core.item where external_id like 'many %'")
    assert as_typed(books, "epopee") == sorted(ITEMS)
    books.execute("delete from core.venue where external_id = 'v2'")
    assert places(books, "ciel") == []
    books.execute(
        "insert into core.item (external_id, category_id, title)"
        " select x, id, 'Renaissance' from core.category, unnest(array['n1', 'n2']) x"
    )
    assert as_typed(books, "renaissance") == ["n1", "n2"]


def test_what_does_not_change_the_text_does_not_write_it(books):
    before = books.execute("select xmin, * from reco.item_text order by item_id").fetchall()
    books.execute("update core.item set image_url = 'https://example.org/' || id")
    assert books.execute("select xmin, * from reco.item_text order by item_id").fetchall() == before


def test_a_description_of_any_length_is_kept_and_its_beginning_found(books):
    words = " ".join(f"mot{number}" for number in range(150_000))
    books.execute(
        "update core.item set description = 'Prologue ' || %s where external_id = 'jazz'", (words,)
    )
    assert as_typed(books, "prologue") == ["jazz"]
    books.execute("update core.item set title = repeat('a', 300000) where external_id = 'jazz'")
    assert as_typed(books, "prologue") == ["jazz"]
