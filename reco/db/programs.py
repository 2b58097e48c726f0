"""PostgreSQL's server programs on this machine: found, or installed, or said how to get them."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from reco.errors import SetupError

Tell = Callable[[str], None]
"""Called with a line for the person who waits."""

OLDEST_VERSION = 15
"""`nulls not distinct` came with it."""

_APT_PACKAGE = re.compile(r"^postgresql-(\d+)-postgis-3\b", re.MULTILINE)

_BY_HAND = """\
PostgreSQL {oldest} or newer with PostGIS 3 is needed and was not found{why}. Install it:
  Debian, Ubuntu:  sudo apt-get update && sudo apt-get install postgresql postgresql-postgis
  macOS:           brew install postgresql@17 postgis
or let RECO_DATABASE_URL name a database of a server that you have."""


@dataclass(frozen=True)
class Programs:
    """One version's programs, with PostGIS beside them."""

    folder: Path
    version: int

    def path(self, name: str) -> str:
        """Return the path of one program, as initdb."""
        return str(self.folder / name)

    def has_extension(self, name: str) -> bool:
        """Say whether the server could load an extension, as postgis."""
        pg_config = self.folder / "pg_config"
        shared = [Path(_output([str(pg_config), "--sharedir"]))] if pg_config.exists() else []
        shared.append(Path(f"/usr/share/postgresql/{self.version}"))
        return any((folder / "extension" / f"{name}.control").exists() for folder in shared)


def required_programs(tell: Tell) -> Programs:
    """Return the programs of this machine, after installing them with apt where need be.

    Raises
    ------
    SetupError
        They are not there and cannot be installed from here; the message says what to run.
    """
    return newest(_candidates()) or _installed(tell)


def newest(folders: Iterable[Path]) -> Programs | None:
    """Return the newest programs in `folders` that have PostGIS, None where there are none."""
    found = [p for folder in folders if (p := _programs_in(folder)) and p.has_extension("postgis")]
    return max(found, key=lambda programs: programs.version, default=None)


def apt_package(listing: str) -> str | None:
    """Return the newest PostGIS package in the output of `apt-cache search`.

    >>> apt_package("postgresql-14-postgis-3 - x\\npostgresql-16-postgis-3 - x")
    'postgresql-16-postgis-3'
    """
    versions = [int(match.group(1)) for match in _APT_PACKAGE.finditer(listing)]
    usable = [version for version in versions if version >= OLDEST_VERSION]
    return f"postgresql-{max(usable)}-postgis-3" if usable else None


def _candidates() -> Iterator[Path]:
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent
    yield from Path("/usr/lib/postgresql").glob("*/bin")
    yield from Path("/usr").glob("pgsql-*/bin")
    for brew in ("/opt/homebrew/opt", "/usr/local/opt"):
        yield from Path(brew).glob("postgresql*/bin")
    yield from Path("/Applications/Postgres.app/Contents/Versions").glob("*/bin")


def _programs_in(folder: Path) -> Programs | None:
    if not all((folder / name).exists() for name in ("initdb", "pg_ctl", "postgres")):
        return None
    said = _output([str(folder / "postgres"), "--version"])
    match = re.search(r"(\d+)", said)
    version = int(match.group(1)) if match else 0
    return Programs(folder, version) if version >= OLDEST_VERSION else None


def _installed(tell: Tell) -> Programs:
    apt = shutil.which("apt-get")
    if apt is None:
        raise SetupError(_by_hand(""))
    before = _privilege()
    _apt(["update"], before, tell, "Updating the list of packages")
    package = apt_package(_output(["apt-cache", "search", "--names-only", "^postgresql-.*postgis"]))
    if package is None:
        raise SetupError(_by_hand(", and no package source of this machine has it"))
    _apt(
        ["install", "-y", "--no-install-recommends", package], before, tell, f"Installing {package}"
    )
    programs = newest(_candidates())
    if programs is None:
        raise SetupError(_by_hand(f", although {package} is installed"))
    return programs


def _privilege() -> list[str]:
    """Return what stands before apt-get: nothing for root, sudo where it asks no password."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if (
        sudo
        and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return [sudo, "-n"]
    if sudo and sys.stdin.isatty():
        return [sudo]
    raise SetupError(_by_hand(", and this user may not install it"))


def _apt(arguments: list[str], before: list[str], tell: Tell, what: str) -> None:
    tell(f"{what} ...")
    command = [*before, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        said = "\n".join(done.stdout.decode(errors="replace").splitlines()[-5:])
        raise SetupError(_by_hand(f"; {' '.join(command)} failed:\n{said}\n"))


def _by_hand(why: str) -> str:
    return _BY_HAND.format(oldest=OLDEST_VERSION, why=why)


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
