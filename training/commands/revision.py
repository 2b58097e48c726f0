"""Which code this is."""

import shutil
import subprocess
from pathlib import Path


def code_revision() -> str | None:
    """Return the commit of this checkout, None where it is none."""
    git = shutil.which("git")
    if git is None:
        return None
    asked = [git, "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() or None
