"""A model's settings as a TOML file."""

import math
from dataclasses import replace

import pytest

from reco.errors import InvalidInput
from training.configuration import read_parameters, written_parameters
from training.fits import PARAMETERS


def written(tmp_path, text):
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", sorted(PARAMETERS))
def test_what_is_written_is_read_back(tmp_path, kind):
    parameters = replace(PARAMETERS[kind](), half_life_days=12.5)
    path = written(tmp_path, written_parameters(parameters))
    assert read_parameters(path) == read_parameters(path, kind) == parameters


@pytest.mark.parametrize("kind", sorted(PARAMETERS))
def test_that_nothing_is_to_fade_is_written_and_read_back(tmp_path, kind):
    path = written(tmp_path, written_parameters(PARAMETERS[kind]()))
    assert read_parameters(path) == replace(PARAMETERS[kind](), half_life_days=math.inf)


def test_a_window_and_areas_are_read_back(tmp_path):
    parameters = PARAMETERS["popularity"](window_days=30, areas=20, area_prior=5)
    path = written(tmp_path, written_parameters(replace(parameters, half_life_days=math.inf)))
    assert read_parameters(path) == replace(parameters, half_life_days=math.inf)


def test_what_a_file_does_not_name_has_its_default(tmp_path):
    found = read_parameters(written(tmp_path, "[ials]\nfactors = 16\nnu = 1\n"))
    assert found == PARAMETERS["ials"](factors=16, nu=1.0)


def test_one_of_several_tables_is_chosen_by_name(tmp_path):
    path = written(tmp_path, "[ease]\nregularisation = 5\n[ials]\nfactors = 16\n")
    assert read_parameters(path, "ease") == PARAMETERS["ease"](regularisation=5)
    with pytest.raises(InvalidInput, match="one table, named after a kind"):
        read_parameters(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[ials\n", "TOML"),
        ("[oracle]\n", "one table"),
        ("[ials]\nfactor = 3\n", "unknown settings.*factor"),
        ("[ials]\nfactors = 3.5\n", "factors must be a whole number, not 3.5"),
        ("[ials]\nnu = 'one'\n", "nu must be a number, not 'one'"),
        ("[ials]\nnu = true\n", "nu must be a number, not True"),
        ("[ials]\nhalf_life_days = 0\n", "half_life_days must be above 0, inf where nothing"),
        ("[ials]\nhalf_life_days = nan\n", "half_life_days must be above 0"),
        ("[ials]\nfactors = -8\n", "factors must be 1 or more, not -8"),
        ("[ials]\niterations = 0\n", "iterations must be 1 or more, not 0"),
        ("[popularity]\nwindow_days = 0\n", "window_days must be above 0 and finite, not 0"),
        ("[popularity]\nareas = 0\n", "areas must be 1 or more, not 0"),
        ("[popularity]\narea_prior = 0\n", "area_prior must be above 0"),
        ("[filter]\nnear_scale_m = 0\n", "near_scale_m must be above 0"),
        ("[filter]\nnear_weight = -1\n", "near_weight must be 0 or more"),
        ("[ials]\nseed = -1\n", "seed must be 0 or more"),
        ("[ease]\nregularisation = nan\n", "regularisation must be 0 or more and finite, not nan"),
        ("[hybrid]\nfilter_weight = -0.3\n", "filter_weight must be 0 or more"),
        ("[filter]\noutput_power = inf\n", "output_power must be finite, not inf"),
        ("[filter]\ndistance_scale_m = 0.0\n", "distance_scale_m must be above 0"),
    ],
)
def test_a_file_that_says_nothing_sensible_is_refused(tmp_path, text, reason):
    with pytest.raises(InvalidInput, match=reason):
        read_parameters(written(tmp_path, text))


def test_a_setting_may_be_at_its_end_and_an_exponent_below_zero(tmp_path):
    text = "[filter]\nlow_pass = 0\nfactors = 1\noutput_power = -0.1\nseed = 0\n"
    wanted = PARAMETERS["filter"](low_pass=0, factors=1, output_power=-0.1, seed=0)
    assert read_parameters(written(tmp_path, text)) == wanted


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"nowhere\.toml"):
        read_parameters(tmp_path / "nowhere.toml")
