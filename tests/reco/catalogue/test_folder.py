"""Snapshots on disk: equal to what was built, the oldest dropped."""

from dataclasses import replace

import numpy as np
from catalogues import catalogue_of, stocks
from hypothesis import given

from reco.catalogue.folder import load_catalogue, save_catalogue, snapshots


@given(stocks())
def test_round_trip(tmp_path_factory, rows):
    built = catalogue_of(rows)
    loaded = load_catalogue(save_catalogue(built, tmp_path_factory.mktemp("catalogue")))
    for part in ("base", "items"):
        for name, array in vars(getattr(built, part)).items():
            np.testing.assert_array_equal(getattr(getattr(loaded, part), name), array)
    for name in ("version", "at", "users", "seen", "categories"):
        assert getattr(loaded, name) == getattr(built, name)


def test_an_empty_catalogue(tmp_path):
    loaded = load_catalogue(save_catalogue(catalogue_of([]), tmp_path))
    assert len(loaded.base.offer_id) == 0


def test_the_newest_three_stay(tmp_path):
    for version in "abcde":
        save_catalogue(replace(catalogue_of([]), version=version), tmp_path)
    assert [folder.name for folder in snapshots(tmp_path)] == ["e", "d", "c"]
