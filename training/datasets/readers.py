"""All readers, by the name that `reco import` knows them by."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from reco.frames.schema import Frames
from reco.frames.sources import FolderSource, FrameSource, MemorySource
from training.datasets.lightgcn import read_lightgcn
from training.datasets.meetup import read_meetup
from training.datasets.movielens import read_movielens
from training.datasets.yelp_poi import read_yelp_poi

Reader = Callable[[Path], Frames]

READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "meetup": read_meetup,
        "yelp-poi": read_yelp_poi,
        "movielens": read_movielens,
        "lightgcn": read_lightgcn,
    }
)


def source_of(folder: Path, file_format: str) -> FrameSource:
    """Return the frames of a folder in the format of one of the `READERS`, or `frames` itself."""
    if file_format == "frames":
        return FolderSource(folder)
    return MemorySource(READERS[file_format](folder))
