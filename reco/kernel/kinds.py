"""Kinds of items: which are alike in category, subcategory and genres, and what each kind gains."""

import numba
import numpy as np
from numba import boolean, float64, int32, int64

from reco.kernel.compiled import READ_BOOL, READ_F64, READ_I16, READ_I32, compiled

_READ_MATRIX_I16 = numba.types.Array(numba.int16, 2, "C", readonly=True)


@compiled(boolean(int64, int64, READ_I16, READ_I16, _READ_MATRIX_I16))
def _are_alike(item, other, category, subcategory, genres):
    if category[item] != category[other] or subcategory[item] != subcategory[other]:
        return False
    are_alike = True
    for place in range(genres.shape[1]):
        are_alike &= genres[item, place] == genres[other, place]
    return are_alike


@compiled(int64(READ_I16, READ_I16, _READ_MATRIX_I16, int32[::1], int32[::1]))
def number_kinds(category, subcategory, genres, kind, first):
    """Number the kinds of items from 0 on, in the order they are met; return how many there are.

    Parameters
    ----------
    category, subcategory, genres
        (I,), (I,) and (I, G) codes of each item.
    kind, first
        (I,) receive the kind of each item, and by kind the first item of it.
    """
    size = 16
    while size < 2 * len(kind):
        size *= 2
    mask = np.uint64(size - 1)
    table = np.full(size, -1, dtype=np.int32)
    count = 0
    for item in range(len(kind)):
        # Fibonacci hashing, then linear probing: at most half of the places are taken.
        key = np.uint64(category[item]) << np.uint64(16) ^ np.uint64(subcategory[item])
        for place in range(genres.shape[1]):
            key = key * np.uint64(0x9E3779B97F4A7C15) + np.uint64(genres[item, place])
        at = key * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20) & mask
        while table[at] >= 0 and not _are_alike(
            item, first[table[at]], category, subcategory, genres
        ):
            at = (at + np.uint64(1)) & mask
        if table[at] < 0:
            table[at], first[count] = count, item
            count += 1
        kind[item] = table[at]
    return count


@compiled(
    float64(int64, READ_I16, READ_I16, _READ_MATRIX_I16, READ_F64, READ_F64, READ_F64, READ_F64)
)
def gained_by(
    item, category, subcategory, genres, of_category, of_subcategory, of_genre, of_met
):  # fmt: skip
    """Return what an item gains by the finest kind known of it (`features.affinity.of_items`).

    Parameters
    ----------
    category, subcategory, genres
        Codes of each item; a genre of 0 is none, and none comes after it.
    of_category, of_subcategory, of_genre
        Log-odds by code.
    of_met
        Log-odds by subcategory, which every item gains.
    """
    row = np.uint64(item)
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
    return gain + of_met[family]


@compiled(
    boolean(
        READ_I32, READ_I16, READ_I16, _READ_MATRIX_I16, READ_F64, READ_F64, READ_F64, READ_F64,
        float64[::1],
    )
)  # fmt: skip
def add_gained(
    item, category, subcategory, genres, of_category, of_subcategory, of_genre, of_met, gain
):  # fmt: skip
    """Add to `gain` (C,) what each of `item` (C,) gains, as above."""
    for place in range(len(item)):
        gain[place] += gained_by(
            item[place], category, subcategory, genres,
            of_category, of_subcategory, of_genre, of_met,
        )  # fmt: skip
    return True


@compiled(
    boolean(
        READ_I32, READ_I16, _READ_MATRIX_I16, READ_BOOL, READ_BOOL, float64, float64, float64[::1]
    )
)
def add_liked(item, category, genres, likes_category, likes_genre, of_category, of_genre, gain):
    """Add what each of `item` gains by stated tastes.

    `of_category` where its category is liked, and `of_genre` where one of its genres is.

    Parameters
    ----------
    likes_category, likes_genre
        By code.

    The others are as above.
    """
    for place in range(len(item)):
        row = np.uint64(item[place])
        if likes_category[category[row]]:
            gain[place] += of_category
        for at in range(genres.shape[1]):
            code = genres[row, at]
            if code == 0:
                break
            if likes_genre[code]:
                gain[place] += of_genre
                break
    return True
