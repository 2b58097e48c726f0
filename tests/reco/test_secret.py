"""The signing secret: the operator's, or one that is made once and kept private."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from reco.api.tokens import bearer_of, issue_token
from reco.errors import InvalidInput, SetupError, Unauthorized
from reco.secret import signing_secret
from reco.settings import Settings


def test_the_operators_secret_is_used(tmp_path):
    here, elsewhere = (Settings(home=tmp_path / home, secret="s" * 32) for home in "ab")
    other = here.model_copy(update={"secret": "t" * 32})
    assert signing_secret(here) == signing_secret(elsewhere) != signing_secret(other)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("secret", ["s" * 32, None])
def test_a_token_of_one_world_is_nothing_in_another(tmp_path, secret):
    """They may have the same secret, and somebody of the same id and number."""
    demo, town = (Settings(home=tmp_path, secret=secret, world=name) for name in ("demo", "town"))
    now = datetime(2026, 11, 28, tzinfo=UTC)
    token = issue_token("u0000156", 157, signing_secret(demo), now).token
    assert bearer_of(token, signing_secret(demo), now).user_id == "u0000156"
    with pytest.raises(Unauthorized):
        bearer_of(token, signing_secret(town), now)


def test_a_short_one_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="RECO_SECRET"):
        signing_secret(Settings(home=tmp_path, secret="short"))


def test_it_is_made_once_even_by_many_at_once(tmp_path):
    settings = Settings(home=tmp_path, secret=None)
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: signing_secret(settings), range(32)))
    assert len(made) == 1
    assert len(made.pop()) >= 32
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kept", ["", "\n", "short"])
def test_a_kept_one_that_is_short_is_refused_by_its_file(tmp_path, kept):
    (tmp_path / "secret").write_text(kept)
    with pytest.raises(SetupError, match=f"{re.escape(str(tmp_path))}/secret holds fewer than 32"):
        signing_secret(Settings(home=tmp_path, secret=None))
