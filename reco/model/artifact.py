"""A model on disk: its arrays, and what is known of how it came about."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from pydantic import Field

from features.interactions import FEATURES
from reco.array_folder import (
    MANIFEST,
    ArrayFolder,
    Frozen,
    Layout,
    read_arrays,
    settle,
    write_arrays,
)
from reco.array_folder import check_layout as check_arrays
from reco.errors import ArtifactRefused
from reco.model.ranker import RankerFacts

__all__ = [
    "MANIFEST",
    "SCHEMA_VERSION",
    "Artifact",
    "Layout",
    "ModelFacts",
    "PeopleFacts",
    "check_layout",
    "read_artifact",
    "save_artifact",
]

SCHEMA_VERSION = 7
"""Rises when older code could no longer read the folder right.

2: the manifest says whom the model holds (`people`).
3: it may hold a ranker; older folders hold none, and are served with the costs by hand.
4: its ranker may cost what is beyond a person's fair price; older ones were learned without.
5: its ranker may know what a person's own bookings are worth by their kind; older ones do not.
6: popularity may be by area; older code would say what is popular with all.
7: its ranker may know what hours of the week cost; older ones do not.
"""


class PeopleFacts(Frozen):
    """Whom a model holds, beside the accounts of its world at the moment of publication."""

    accounts: int
    """Accounts that were not erased."""
    erased: int
    """Accounts that were; none of them is held."""
    erased_until: datetime | None
    """When the last of them was erased."""
    left_out: int
    """People of whom the events told, but who had no account (any more); none of them is held."""
    vectors_without_account: int
    """People who are held in spite of it, counted over what was written: always 0."""


class ModelFacts(Frozen):
    """What is known of a model beside its arrays."""

    version: str
    kind: str
    cutoff: datetime | None
    """Nothing after it was seen; None where the events have no times."""
    created_at: datetime
    parameters: dict[str, float | int | str | None]
    calibration: dict[str, float]
    metrics: dict[str, Any]
    features: tuple[str, ...] = FEATURES
    """What the model has seen of the events."""
    git_revision: str | None = None
    libraries: dict[str, str] = Field(default_factory=dict)
    ranker: RankerFacts | None = None
    """None: none was learned, and calibration is of the score alone."""
    people: PeopleFacts | None = None
    """None: the model was not compared with the accounts of a world."""


Artifact = ArrayFolder[ModelFacts]
"""A verified model folder."""


def save_artifact(folder: Path, facts: ModelFacts, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Write a model to `folder`, which must not exist yet, and return its digest.

    The folder appears when all of it is written, or not at all. It is on disk before anybody can
    register it: what may be empty after a power cut would be refused for good.
    """
    digest = write_arrays(folder, facts, arrays, schema_version=SCHEMA_VERSION)
    settle(folder)
    return digest


def read_artifact(folder: Path, digest: str | None = None) -> Artifact:
    """Return the model in `folder`, verified by its digest where that is known.

    Raises
    ------
    ArtifactDamaged, ArtifactRefused
        With the reason: see `read_arrays`. What has seen other features than this code computes is
        refused, too.
    """
    artifact = read_arrays(folder, ModelFacts, schema_version=SCHEMA_VERSION, digest=digest)
    if artifact.facts.features != FEATURES:
        raise ArtifactRefused(
            str(folder),
            f"it was trained on the features {', '.join(artifact.facts.features)}, "
            f"this code computes {', '.join(FEATURES)}; train it again",
        )
    return artifact


def check_layout(artifact: Artifact, layout: Layout) -> None:
    """Raise `ArtifactRefused` unless the arrays are those of `layout`, with agreeing dimensions."""
    check_arrays(artifact.folder, artifact.arrays, layout)
