"""Snapshots on disk: equal to what was built, the oldest dropped."""

import json
from dataclasses import replace

import numpy as np
import pytest
from catalogues import catalogue_of, of_schema_5, stocks
from hypothesis import given

from reco.array_folder import MANIFEST
from reco.catalogue.folder import load_catalogue, save_catalogue, snapshots
from reco.errors import ArtifactRefused


@given(stocks())
def test_round_trip(tmp_path_factory, rows):
    built = catalogue_of(rows)
    loaded = load_catalogue(save_catalogue(built, tmp_path_factory.mktemp("catalogue")))
    for part in ("base", "items", "venues"):
        for name, array in vars(getattr(built, part)).items():
            np.testing.assert_array_equal(getattr(getattr(loaded, part), name), array)
    for name in ("version", "at", "users", "seen", "categories", "genres", "venue_types"):
        assert getattr(loaded, name) == getattr(built, name)


def test_an_older_snapshot_is_refused(tmp_path):
    folder = save_catalogue(catalogue_of([]), tmp_path)
    of_schema_5(folder)
    with pytest.raises(ArtifactRefused, match="genres"):
        load_catalogue(folder)


def test_a_snapshot_without_an_array_is_refused(tmp_path):
    folder = save_catalogue(catalogue_of([]), tmp_path)
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["arrays"]["item_genres"]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ArtifactRefused, match="item_genres is missing"):
        load_catalogue(folder)


def test_an_empty_catalogue(tmp_path):
    loaded = load_catalogue(save_catalogue(catalogue_of([]), tmp_path))
    assert len(loaded.base.offer_id) == 0


def test_the_newest_three_stay(tmp_path):
    for version in "abcde":
        save_catalogue(replace(catalogue_of([]), version=version), tmp_path)
    assert [folder.name for folder in snapshots(tmp_path)] == ["e", "d", "c"]
