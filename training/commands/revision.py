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


def code_revision(root: Path = _ROOT) -> str:
    """Return the commit of a checkout; where it is none, `files-` and a digest of the packages.

    Where the packages differ from the commit, or hold files that it has not, `-dirty-` and a digest
    of what differs follow: other edits, another digest.

    Parameters
    ----------
    root
        The folder of the packages; that of this code by default.
    """
    git = shutil.which("git")
    return (git and _of_checkout(git, root)) or f"files-{_digest(root, b'', _files(root))}"


def _of_checkout(git: str, root: Path) -> str | None:
    """Return the commit and what differs from it, None where `root` is not the top of a checkout.

    An installation below another project's checkout is none of its commits.
    """
    asked = partial(_answer, git, root)
    head = asked("rev-parse", "--verify", "--quiet", "HEAD")
    if not head or asked("rev-parse", "--show-prefix").strip():
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


def _files(root: Path) -> list[str]:
    """Return the names of the packages' files, but for what Python compiled."""
    found = (file for package in PACKAGES for file in (root / package).rglob("*"))
    return [
        file.relative_to(root).as_posix()
        for file in found
        if file.is_file() and "__pycache__" not in file.parts
    ]


def _digest(root: Path, edits: bytes, names: Sequence[str]) -> str:
    """Return a digest of edits, and of the files of these names."""
    hashed = hashlib.blake2b(edits, digest_size=_DIGEST_BYTES)
    for name in sorted(names):
        for part in (name.encode(), (root / name).read_bytes()):
            hashed.update(len(part).to_bytes(8))
            hashed.update(part)
    return hashed.hexdigest()
