"""What stated tastes add to items, all of them in one pass."""

import numba
from numba import boolean, float32, float64

from reco.kernel.compiled import READ_BOOL, READ_I16, compiled

_READ_MATRIX_I16 = numba.types.Array(numba.int16, 2, "C", readonly=True)


@compiled(boolean(READ_I16, _READ_MATRIX_I16, READ_BOOL, READ_BOOL, float64, float64, float32[::1]))
def liked(category, genres, likes_category, likes_genre, of_category, of_genre, added):
    """Write what each item gains: `of_category` where its category is liked, and `of_genre`.

    Parameters
    ----------
    category, genres
        (I,) and (I, G) codes of each item; a genre of 0 is none, and none comes after it.
    likes_category, likes_genre
        By code.
    added
        (I,) receives the sum.
    """
    for item in range(len(category)):
        gain = of_category if likes_category[category[item]] else 0.0
        for place in range(genres.shape[1]):
            code = genres[item, place]
            if code == 0:
                break
            if likes_genre[code]:
                gain += of_genre
                break
        added[item] = float32(gain)
    return True
