"""Where an artifact lies: a local folder, or one of an object store that is fetched once."""

import shutil
from pathlib import Path

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from reco.errors import ArtifactRefused


def local_folder(address: str, cache: Path) -> Path:
    """Return the folder of the artifact at `address`, on this machine.

    Parameters
    ----------
    address
        A path, or a URL that fsspec understands (`s3://...`, with its package installed).
    cache
        Where folders of an object store are kept: a version never changes, so one fetch does.

    Raises
    ------
    ArtifactRefused
        The address cannot be read.
    """
    try:
        store, path = url_to_fs(address)
        if isinstance(store, LocalFileSystem):
            return Path(path)
        folder = cache / Path(path).name
        if not folder.exists():
            draft = cache / f".{folder.name}.draft"
            shutil.rmtree(draft, ignore_errors=True)
            store.get(path, str(draft), recursive=True)
            draft.rename(folder)
    except (OSError, ValueError, ImportError) as error:
        raise ArtifactRefused(address, f"it cannot be fetched ({error})") from error
    return folder
