import numpy as np
import pytest

from reco.errors import InvalidInput
from reco.feed.slate import MAX_A_VENUE, quotas, within_quotas
from training.cohort.policies import check_policy, widening

POLICIES = (
    "nearest", "popular", "relevance", "dpp", "round-robin", "horizon@.9", "credit@0.4"
)  # fmt: skip


@pytest.mark.parametrize("name", POLICIES)
def test_known_policies_are_taken(name):
    check_policy(name)


@pytest.mark.parametrize(
    "name",
    ["magic", "horizon", "horizon@", "horizon@x", "horizon@2", "dpp@1", "credit", "credit@-1"],
)
def test_others_are_refused_with_those_there_are(name):
    with pytest.raises(InvalidInput, match=r"round-robin|between 0 and 1"):
        check_policy(name)


@pytest.fixture(scope="module")
def answers(begun):
    """The first slate of one person under every policy."""
    return {name: begun.life(name).feeds(0).answer(7) for name in POLICIES}


@pytest.mark.parametrize("name", POLICIES)
def test_a_slate_has_n_items_around_each_once(answers, name):
    ranking, situation, shown = answers[name]
    around = set(ranking.sweep.everything().item.tolist())
    items = shown.candidates.item.tolist()
    assert len(items) == len(set(items)) == situation.query.n
    assert set(items) <= around


def test_the_nearest_come_first(answers):
    ranking, _, shown = answers["nearest"]
    away_m = shown.candidates.distance_m
    assert (np.diff(away_m) >= 0).all()
    everything = ranking.sweep.everything().everything()
    assert away_m[0] == np.nanmin(everything.distance_m)
    assert np.unique(shown.candidates.venue_id, return_counts=True)[1].max() <= MAX_A_VENUE


def test_a_rotation_shows_more_categories_than_the_order_by_relevance(answers):
    ranking, _, rotated = answers["round-robin"]
    _, _, likeliest = answers["relevance"]
    category = ranking.sweep.catalogue.items.item_category
    shown, usual = (len(np.unique(category[one.candidates.item])) for one in (rotated, likeliest))
    assert shown > usual


@pytest.mark.parametrize("name", POLICIES)
def test_everybody_keeps_the_quotas_of_the_feed(answers, name):
    ranking, situation, shown = answers[name]
    limits = quotas(ranking.sweep.catalogue, shown.candidates, situation.query.n)
    assert len(within_quotas(np.arange(len(shown)), limits, len(shown))) == len(shown)


def test_the_likeliest_are_those_of_a_floor_of_1(begun, answers):
    _, _, shown = answers["relevance"]
    ranking, situation, _ = begun.life("horizon@1").feeds(0).answer(7)
    ours = widening(1.0)(ranking, situation)
    assert shown.candidates.offer_id.tolist() == ours.candidates.offer_id.tolist()


def test_a_floor_is_kept(answers):
    _, _, likeliest = answers["relevance"]
    _, _, widened = answers["horizon@.9"]
    discount = 1 / np.log2(np.arange(len(likeliest)) + 2.0)
    assert widened.probability @ discount >= 0.9 * (likeliest.probability @ discount)
    assert widened.candidates.item.tolist() != likeliest.candidates.item.tolist()
