import json
from dataclasses import replace

import pytest

from reco.errors import InvalidInput
from training.cohort.report import as_json, told
from training.cohort.run import Cohorts

from .conftest import SEED, TINY


def unseen(what, share):
    assert 0.0 <= share <= 1.0


def cohorts(folder, *policies, assumptions=TINY, seeds=(SEED,), revision="abc"):
    return Cohorts(assumptions, policies, seeds, folder, folder / "models", revision)


def test_lives_are_kept_and_not_lived_again(tmp_path):
    brief = replace(TINY, months=1, people=20)
    shares = []
    named_twice = cohorts(tmp_path, "popular", "popular", assumptions=brief)
    named_twice.run(1, lambda what, share: shares.append(share) if what == "lives" else None)
    # After the model, and after the one life.
    assert shares == [0.0, 1.0]
    kept = (tmp_path / f"bookings-popular-{SEED}.parquet").stat().st_mtime_ns
    both = cohorts(tmp_path, "popular", "nearest", assumptions=brief)
    assert both.lived("nearest") == []
    both.run(2, unseen)
    assert (tmp_path / f"bookings-popular-{SEED}.parquet").stat().st_mtime_ns == kept
    (one,) = both.lived("nearest")
    assert (one.policy, one.seed, len(one.people)) == ("nearest", SEED, 20)
    assert not list(tmp_path.glob("*.unfinished"))
    figures = as_json([told(both.lived("popular"))], [])
    bookings = both.lived("popular")[0].bookings
    value = figures["policies"][0]["figures"]["bookings"]["estimate"]["value"]
    assert value == pytest.approx(bookings.num_rows / 20)


def test_a_folder_of_other_assumptions_is_refused(tmp_path):
    others = cohorts(tmp_path, "popular", assumptions=replace(TINY, people=21))
    (tmp_path / "assumptions.json").write_text('{"digest": "of others"}', encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"other assumptions; choose another .* or delete it"):
        others.run(1, unseen)


@pytest.mark.parametrize("revision", ["def", None])
def test_a_folder_of_other_code_is_refused(tmp_path, revision):
    ours = cohorts(tmp_path, "popular")
    claimed = {"digest": TINY.digest(), "revision": revision}
    (tmp_path / "assumptions.json").write_text(json.dumps(claimed), encoding="utf-8")
    with pytest.raises(InvalidInput, match="other code"):
        ours.run(1, unseen)
    del claimed["revision"]
    (tmp_path / "assumptions.json").write_text(json.dumps(claimed), encoding="utf-8")
    with pytest.raises(InvalidInput, match="other code"):
        ours.run(1, unseen)


def test_nothing_to_live_through_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="at least one"):
        cohorts(tmp_path)
    with pytest.raises(InvalidInput, match="no policy 'magic'"):
        cohorts(tmp_path, "magic")
