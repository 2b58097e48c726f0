"""Labels of items: every combination that there is, once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from reco.catalogue.labels import Labels

IDS = st.integers(0, 5)


@given(st.integers(0, 30).flatmap(lambda items: npst.arrays(np.int16, (3, items), elements=IDS)))
def test_labels_say_all_three_columns(columns):
    category, subcategory, is_digital = columns[0], columns[1], columns[2] > 2
    labels = Labels.of(category, subcategory, is_digital)
    np.testing.assert_array_equal(labels.category[labels.label], category)
    np.testing.assert_array_equal(labels.subcategory[labels.label], subcategory)
    np.testing.assert_array_equal(labels.is_digital[labels.label], is_digital)
    there = set(zip(category.tolist(), subcategory.tolist(), is_digital.tolist(), strict=True))
    assert len(labels.category) == len(there)
