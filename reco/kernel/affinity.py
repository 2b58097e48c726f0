"""What items gain by how often a person has booked their kind, looked up by item in one pass."""

import numba
import numpy as np
from numba import boolean, float32

from reco.kernel.compiled import READ_F64, READ_I16, READ_I32, compiled

_READ_MATRIX_I16 = numba.types.Array(numba.int16, 2, "C", readonly=True)


@compiled(
    boolean(
        READ_I32, READ_I16, READ_I16, _READ_MATRIX_I16, READ_F64, READ_F64, READ_F64, READ_F64,
        float32[::1],
    )
)  # fmt: skip
def add_gained(
    item, category, subcategory, genres, of_category, of_subcategory, of_genre, of_met, log_odds
):  # fmt: skip
    """Add what each of `item` gains by the finest kind known (`features.affinity.of_items`).

    Parameters
    ----------
    item
        (C,)
    category, subcategory, genres
        (I,), (I,) and (I, G) codes of each item; a genre of 0 is none, and none comes after it.
    of_category, of_subcategory, of_genre
        Log-odds by code.
    of_met
        Log-odds by subcategory, which every item gains.
    log_odds
        (C,) to which is added.
    """
    for place in range(len(item)):
        row = np.uint64(item[place])
        family, genre = np.uint64(subcategory[row]), np.uint64(genres[row, 0])
        if genre:
            gain, known = of_genre[genre], 1
            while known < genres.shape[1] and genres[row, known]:
                gain += of_genre[np.uint64(genres[row, known])]
                known += 1
            if known > 1:
                gain /= known
        elif family:
            gain = of_subcategory[family]
        else:
            gain = of_category[np.uint64(category[row])]
        log_odds[place] += float32(gain + of_met[family])
    return True
