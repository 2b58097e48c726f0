from itertools import product

import numpy as np

from reco.catalogue.caps import cap_codes, read_flags
from reco.catalogue.shelf import CAPS

FLAGS = list(product((None, False, True), repeat=3))
CAP_OF = "select core.cap_of(%s, %s, %s, %s, %s)"


def test_codes_are_those_of_the_database_for_whatever_is_known(connection):
    connection.execute("insert into core.category (name) values ('A')")
    for place, flags in enumerate(FLAGS):
        connection.execute(
            "insert into core.subcategory (name, is_event, is_digital, is_physical, category_id)"
            " values (%s, %s, %s, %s, (select id from core.category))",
            (f"S{place}", *flags),
        )
    ids = [
        connection.execute("select id from core.subcategory where name = %s", (f"S{place}",))
        for place in range(len(FLAGS))
    ]
    known = read_flags(connection)[[row.fetchone()[0] for row in ids]]
    for is_dated, has_venue in product((False, True), repeat=2):
        asked = [(*flags, is_dated, has_venue) for flags in FLAGS]
        expected = [connection.execute(CAP_OF, one).fetchone()[0] for one in asked]
        codes = cap_codes(known, np.full(len(FLAGS), is_dated), np.full(len(FLAGS), has_venue))
        assert [CAPS[code] for code in codes] == expected


def test_of_no_subcategory_nothing_is_known(connection):
    assert read_flags(connection).tolist() == [[-1, -1, -1]]
