from hypothesis import given
from hypothesis import strategies as st

from reco.core.deposits import Credit
from training.cohort.settling import Purse

CAPS = ("none", "digital", "physical")


@given(
    st.integers(0, 600),
    st.integers(0, 300),
    st.integers(0, 300),
    st.lists(st.tuples(st.integers(0, 350), st.sampled_from(CAPS)), max_size=30),
)
def test_a_purse_pays_what_every_limit_allows_and_nothing_else(total, digital, physical, wishes):
    purse, paid = Purse(Credit(total, digital, physical, 300)), []
    for amount, cap in wishes:
        of_cap = sum(one for one, kind in paid if kind == cap)
        most = {"none": total, "digital": digital - of_cap, "physical": physical - of_cap}[cap]
        allowed = amount <= min(300, most, total - sum(one for one, _ in paid))
        assert purse.pays(amount, cap) == allowed
        if allowed:
            paid.append((amount, cap))


def test_without_limits_everything_is_paid():
    purse = Purse(Credit(None, None, None))
    assert all(purse.pays(10**6, cap) for cap in CAPS)
