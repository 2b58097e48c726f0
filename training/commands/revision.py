"""Which code this is."""

import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

_ROOT = Path(__file__).parents[2]
PACKAGES = ("features", "reco", "training")
"""What decides what a command does."""
_DIGEST_BYTES = 6


def code_revision(root: Path = _ROOT) -> str | None:
    """Return the commit of a checkout, None where it is none.

    Where the packages differ from the commit, or hold files that it has not, `-dirty-` and a digest
    of what differs follow: other edits, another digest.

    Parameters
    ----------
    root
        The checkout; that of this code by default.
    """
    git = shutil.which("git")
    if git is None:
        return None
    asked = partial(_answer, git, root)
    head = asked("rev-parse", "--verify", "--quiet", "HEAD")
    if not head:
        return None
    edits = asked("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--binary", "HEAD", "--",
                  *PACKAGES)  # fmt: skip
    new = asked("ls-files", "--others", "--exclude-standard", "-z", "--", *PACKAGES)
    names = [name.decode() for name in new.split(b"\0") if name]
    commit = head.decode().strip()
    return f"{commit}-dirty-{_digest(root, edits, names)}" if edits or names else commit


def _answer(git: str, root: Path, *asked: str) -> bytes:
    """Return what git says of a checkout, nothing where it refuses."""
    command = [git, "--no-optional-locks", "-C", str(root), *asked]
    return subprocess.run(command, capture_output=True, check=False).stdout  # noqa: S603


def _digest(root: Path, edits: bytes, names: Sequence[str]) -> str:
    """Return a digest of edits, and of the files of these names."""
    hashed = hashlib.blake2b(edits, digest_size=_DIGEST_BYTES)
    for name in sorted(names):
        for part in (name.encode(), (root / name).read_bytes()):
            hashed.update(len(part).to_bytes(8))
            hashed.update(part)
    return hashed.hexdigest()
