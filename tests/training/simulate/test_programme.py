import numpy as np
import pytest

from training.simulate.items import items_per_subcategory, offers_per_subcategory
from training.simulate.parameters import SCALES
from training.simulate.words import PATTERNS


def test_shares_add_up(programme):
    assert sum(s.offer_share for s in programme.subcategories) == pytest.approx(1)
    assert sum(kind.share for kind in programme.venue_types) == pytest.approx(1)
    assert programme.demand.sum() == pytest.approx(1)
    assert np.allclose(programme.genre_styles.sum(axis=1), 1)
    for subcategory in programme.subcategories:
        assert programme.genres_of(subcategory)[1].sum() == pytest.approx(1)


def test_books_have_the_programmes_share_of_offers(programme):
    books = [s.offer_share for s in programme.subcategories if s.category == "LIVRE"]
    assert sum(books) == pytest.approx(0.84)


def test_every_row_refers_to_rows_that_exist(programme):
    types = {kind.name for kind in programme.venue_types}
    for subcategory in programme.subcategories:
        assert set(subcategory.venue_types) <= types
        assert bool(subcategory.venue_types) != subcategory.is_digital
        assert bool(subcategory.hours) == subcategory.is_event
        wordings = (
            {subcategory.wording}
            if subcategory.wording
            else {programme.genres[row].wording for row in programme.genres_of(subcategory)[0]}
        )
        assert wordings <= set(PATTERNS)
    assert {kind.wording for kind in programme.venue_types} <= set(PATTERNS)


@pytest.mark.parametrize("size", SCALES)
def test_counts_sum_to_the_scale_with_an_offer_for_every_work(programme, size):
    scale = SCALES[size]
    offers = offers_per_subcategory(programme, scale.offers)
    items = items_per_subcategory(programme, scale.items, offers)
    assert offers.sum() == scale.offers
    assert items.sum() == scale.items
    assert (offers >= items).all()
    assert items.min() >= 1


def test_taxonomy_frame_has_a_row_a_subcategory(programme):
    table = programme.taxonomy().to_pandas()
    assert table["subcategory"].is_unique
    assert {"LIVRE", "CINEMA", "SPECTACLE", "MUSEE", "MUSIQUE_LIVE"} <= set(table["category"])
    assert not (table["is_event"] & (table["is_digital"] | table["is_physical"])).any()
