import pytest

from training.cohort.figures import Lived
from training.cohort.plot import save_cohort_plot
from training.cohort.report import told

from .conftest import SEED, TINY


@pytest.mark.slow
def test_a_cohort_through_time_can_be_drawn(begun, ours, tmp_path):
    pytest.importorskip("matplotlib")
    lived = Lived("ours", SEED, ours.bookings(), ours.worth(), begun.people(), TINY)
    save_cohort_plot([told([lived])], tmp_path / "cohort.png")
    assert (tmp_path / "cohort.png").read_bytes().startswith(b"\x89PNG")
