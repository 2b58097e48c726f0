"""The newest schema that this code knows, told without loading what migrates."""

from pathlib import Path

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


def head_revision() -> str:
    """Return the newest revision: the number that its file's name begins with."""
    return max(path.name.split("_")[0] for path in _VERSIONS.glob("[0-9]*_*.py"))
