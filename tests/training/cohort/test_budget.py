"""What people could afford: told by the market that trains as by the state that serves."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from features.pairs import DAY_US
from reco.catalogue.shelf import CAPS
from reco.feed.budget import budget_at
from training.replay.states import Biographer


def test_training_tells_the_same_budget_as_serving(begun):
    biographer, market = Biographer(begun.world.past), begun.world.market
    fair = []
    for user in range(begun.world.ordinary):
        for days_before in (1, 40, 160):
            at_us = begun.world.start_s * 1_000_000 - days_before * DAY_US
            at = datetime.fromtimestamp(at_us / 1_000_000, UTC)
            state = biographer.state_at(user, at)
            if state.person.deposit is None:
                continue
            served, learned = budget_at(state, at), market.budget(user, at_us)
            assert learned.left_cents == served.left_cents
            assert learned.fair_cents == pytest.approx(served.fair_cents)
            left_cents = market.left_cents(user, at_us).tolist()
            credit = state.credit
            of_caps = (credit.total_cents, credit.digital_cents, credit.physical_cents)
            assert left_cents == [min(credit.total_cents, cents) for cents in of_caps]
            fair.append(served.fair_cents)
    assert len(np.unique([one[0] for one in fair])) > 100
    assert len(CAPS) == 3
    # The cap of goods binds somebody.
    assert any(one[2] < one[0] for one in fair)


def test_what_was_spent_before_a_grant_is_not_of_it(begun):
    market = begun.world.market
    paid = np.diff(market.spent_cents.sum(axis=1))
    user = next(u for u in range(begun.world.ordinary) if np.sum(_of(market, u, paid) > 0) > 2)
    times, cents = _of(market, user, market.spent_at_us), _of(market, user, paid)
    granted_us = market.granted_us.copy()
    granted_us[user] = times[1]
    later = replace(market, granted_us=granted_us)
    assert later.left_cents(user, times[1] - 1).tolist() == [0, 0, 0]
    spent = market.credit_cents[user] - later.left_cents(user, times[-1] + 1)[0]
    assert spent == cents[1:].sum() < cents.sum()


def _of(market, user, column):
    return column[market.spent_start[user] : market.spent_start[user + 1]]
