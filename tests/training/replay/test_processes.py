import subprocess
import sys

import pytest

from training.replay.processes import shared_among

FITTED_BEFORE_AND_AFTER = """
from pathlib import Path
import sys
from implicit.nearest_neighbours import ItemItemRecommender
from scipy.sparse import csr_matrix, random
from training.replay.processes import shared_among

seen = csr_matrix(random(500, 100, 0.05, random_state=1))

def fit(piece):
    model = ItemItemRecommender(K=5)
    model.fit(seen, show_progress=False)
    Path(sys.argv[1], str(piece)).write_text(str(model.similarity.nnz))

fit(0)
list(shared_among([1, 2, 3], fit, 2))
"""


def test_what_uses_openmp_is_done_by_forked_processes_of_one_that_used_it(tmp_path):
    command = [sys.executable, "-c", FITTED_BEFORE_AND_AFTER, str(tmp_path)]
    subprocess.run(command, check=True, timeout=240)
    found = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert set(found) == {"0", "1", "2", "3"}
    assert len(set(found.values())) == 1


def test_what_a_piece_raises_is_raised_and_all_else_is_yielded_once(tmp_path):
    def write(piece):
        (tmp_path / str(piece)).write_text(str(1 / piece))

    assert sorted(shared_among([1, 2, 4], write, 2)) == [1, 2, 4]
    assert (tmp_path / "4").read_text() == "0.25"
    with pytest.raises(ZeroDivisionError):
        list(shared_among([0], write, 2))
