"""Which code made a run: the commit, and what was edited since."""

import shutil
import subprocess

import pytest

from training.commands.revision import code_revision


@pytest.fixture
def checkout(tmp_path):
    """A checkout of one commit; what it tells of itself is not that of the tests."""
    if shutil.which("git") is None:
        pytest.skip("git is not there")
    root = tmp_path / "checkout"
    (root / "training").mkdir(parents=True)
    (root / "training" / "code.py").write_text("value = 1\n")
    (root / "notes.md").write_text("notes\n")
    (root / ".gitignore").write_text("*.pyc\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    author = ["-c", "user.name=someone", "-c", "user.email=someone@example.org"]
    git(root, *author, "commit", "-q", "--no-gpg-sign", "-m", "first")
    return root


def git(root, *asked):
    told = subprocess.run(
        [shutil.which("git"), "-C", str(root), *asked], check=True, capture_output=True, text=True
    )
    return told.stdout.strip()


def test_a_clean_checkout_is_its_commit(checkout):
    head = git(checkout, "rev-parse", "HEAD")
    assert code_revision(checkout) == head
    (checkout / "notes.md").write_text("other notes\n")
    (checkout / "training" / "code.pyc").write_bytes(b"compiled")
    assert code_revision(checkout) == head


def test_other_edits_are_another_revision(checkout):
    head, code = git(checkout, "rev-parse", "HEAD"), checkout / "training" / "code.py"

    def edited(text):
        code.write_text(text)
        return code_revision(checkout)

    found = [edited("value = 2\n"), edited("value = 3\n")]
    assert all(one.startswith(f"{head}-dirty-") for one in found)
    assert found[0] != found[1]
    assert edited("value = 2\n") == found[0]
    git(checkout, "add", "training/code.py")
    assert code_revision(checkout) == found[0]
    assert edited("value = 1\n") == head


def test_new_files_are_another_revision_by_name_and_content(checkout):
    told = set()
    for name, text in (("new.py", "a"), ("new.py", "b"), ("other.py", "b"), ("sub/new.py", "b")):
        file = checkout / "training" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        told.add(code_revision(checkout))
        file.unlink()
    assert len(told) == 4
    (checkout / "training" / "code.py").unlink()
    told.add(code_revision(checkout))
    assert len(told) == 5
    assert all("-dirty-" in one for one in told)


def test_what_is_no_checkout_is_told_by_its_files(tmp_path, monkeypatch):
    file = tmp_path / "training" / "code.py"
    file.parent.mkdir()

    def holding(text):
        file.write_text(text)
        return code_revision(tmp_path)

    found = [holding("value = 1\n"), holding("value = 2\n")]
    assert all(one.startswith("files-") for one in found)
    assert found[0] != found[1]
    cached = file.parent / "__pycache__" / "code.pyc"
    cached.parent.mkdir()
    cached.write_bytes(b"compiled")
    (tmp_path / "notes.md").write_text("notes\n")
    assert holding("value = 1\n") == found[0]
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert code_revision(tmp_path) == found[0]
    file.rename(file.with_name("other.py"))
    assert code_revision(tmp_path) not in found


def test_a_checkout_without_a_commit_and_what_lies_in_another_are_told_by_files(checkout):
    site = checkout / "site"
    (site / "training").mkdir(parents=True)
    (site / "training" / "code.py").write_text("value = 1\n")
    told = code_revision(site)
    assert told.startswith("files-")
    git(site, "init", "-q")
    assert code_revision(site) == told
