"""Open Bandit logs: what is read, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from reco.errors import InvalidInput
from training.datasets import files
from training.datasets.open_bandit import read_open_bandit

HEADER = ",timestamp,item_id,position,click,propensity_score,user_feature_0\n"
GOOD = "0,2019-11-24 00:00:01+00:00,3,1,0,0.25,a\n1,2019-11-24 00:00:02+00:00,0,3,1,0.5,b\n"


@pytest.fixture
def folder(tmp_path):
    for policy in ("random", "bts"):
        (tmp_path / policy).mkdir()
        (tmp_path / policy / "women.csv").write_text(HEADER + GOOD)
        (tmp_path / policy / "item_context.csv").write_text("item_id\n0\n")
    return tmp_path


def test_rows_are_read_with_positions_from_0(folder):
    log = read_open_bandit(folder)["bts"]
    assert log.item.tolist() == [3, 0]
    assert log.position.tolist() == [0, 2]
    assert log.click.tolist() == [0.0, 1.0]
    assert log.propensity.tolist() == [0.25, 0.5]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("2,t,1,1,0,0,a", "propensity_score"),
        ("2,t,1,1,0,1.5,a", "propensity_score"),
        ("2,t,1,1,0,,a", "propensity_score"),
        ("2,t,1,1,2,.5,a", "click"),
        ("2,t,1,0,1,.5,a", "position"),
        ("2,t,1.5,1,1,.5,a", "item_id"),
        ("2,t,one,1,1,.5,a", "item_id"),
    ],
)
def test_a_bad_row_is_named(folder, row, column):
    (folder / "bts" / "women.csv").write_text(HEADER + GOOD + row + "\n")
    with pytest.raises(InvalidInput, match=rf"women.csv: line 4, column {column}: "):
        read_open_bandit(folder)


def test_a_log_in_many_parts_is_the_same_and_its_rows_are_counted_through(folder, monkeypatch):
    whole = read_open_bandit(folder)["bts"]
    monkeypatch.setattr(files, "_ROWS_AT_ONCE", 1)
    for name, column in vars(read_open_bandit(folder)["bts"]).items():
        assert column.tolist() == getattr(whole, name).tolist()
        assert column.dtype == getattr(whole, name).dtype
    (folder / "bts" / "women.csv").write_text(HEADER + GOOD + "2,t,1,1,2,.5,a\n")
    with pytest.raises(InvalidInput, match="line 4, column click"):
        read_open_bandit(folder)


def test_a_folder_without_a_log_is_named(folder):
    (folder / "random" / "women.csv").unlink()
    with pytest.raises(InvalidInput, match="one campaign") as raised:
        read_open_bandit(folder)
    assert str(folder / "random") in str(raised.value)


def test_the_real_logs():
    shared = Path(__file__).parents[4] / "shared" / "data" / "open_bandit_women"
    if not shared.exists():
        pytest.skip(f"{shared} is not there")
    logs = read_open_bandit(shared)
    assert {name: len(log.item) for name, log in logs.items()} == {"random": 10_000, "bts": 10_000}
    assert {name: log.click.sum() for name, log in logs.items()} == {"random": 46.0, "bts": 46.0}
    assert logs["random"].propensity == pytest.approx(np.full(10_000, 1 / 46))
