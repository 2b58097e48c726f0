"""A trained model as an artifact: its arrays, its name, and the proof of whom it holds."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reco.model.artifact import ModelFacts, PeopleFacts, save_artifact
from reco.model.content import Content
from reco.people.accounts import Accounts
from training.distributed import SparkAlsParameters
from training.fits import Parameters, stated
from training.run import Trained
from training.summary import TrainingSummary, as_metrics

_LIBRARIES = ("implicit", "numba", "numpy", "scikit-learn", "scipy")


def save_model(
    trained: Trained,
    *,
    models: Path,
    now: datetime,
    revision: str | None = None,
    accounts: Accounts | None = None,
    content: Content | None = None,
) -> TrainingSummary:
    """Write the artifact of a model below `models`.

    Parameters
    ----------
    now
        Names the version.
    revision
        Of the code, for the manifest.
    accounts
        The people of the world that is to be served. Of all others the artifact keeps nothing, be
        they erased since the events were read, or strangers of a folder of frames. None: there is
        no world to compare with, and everybody is kept.
    content
        How items that nobody met are scored; None: not at all.
    """
    arrays = _arrays(trained, accounts) | (content.arrays() if content else {})
    ranker = trained.ranked.learned.ranker if trained.ranked else None
    arrays |= ranker.arrays() if ranker else {}
    users = trained.final.part.past.users
    kind = trained.final.parameters.kind
    name = f"{kind}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{_fingerprint(arrays)}"
    facts = ModelFacts(
        version=name,
        kind=kind,
        cutoff=trained.cutoff,
        created_at=now,
        parameters=stated(trained.final.parameters),
        calibration=dict(vars(trained.calibration)),
        metrics=as_metrics(
            trained.figures,
            trained.open_figures,
            task=trained.task,
            is_held_out=trained.is_held_out,
            ranker=trained.ranked.figures if trained.ranked else None,
        ),
        ranker=ranker.facts if ranker else None,
        git_revision=revision,
        libraries=_libraries(trained.final.parameters),
        people=_people(arrays["users"], len(users), accounts) if accounts else None,
    )
    folder = models / name
    return _summary(trained, facts, folder, save_artifact(folder, facts, arrays))


def _libraries(parameters: Parameters) -> dict[str, str]:
    """Return the versions of all that a fit's numbers may depend on."""
    names = [*_LIBRARIES, *(["pyspark"] if isinstance(parameters, SparkAlsParameters) else [])]
    return {"python": python_version(), **{name: version(name) for name in names}}


def _arrays(trained: Trained, accounts: Accounts | None) -> dict[str, NDArray[Any]]:
    events, matrix = trained.final.part.past, trained.final.matrix
    users = events.users
    if accounts is not None:
        kept = np.flatnonzero(accounts.hold(users))
        users, matrix = users[kept], matrix[kept]
    return {
        "users": users,
        "items": events.items,
        "history_start": matrix.indptr.astype(np.int64),
        "history_item": matrix.indices.astype(np.int32),
        "history_weight": matrix.data.astype(np.float32),
        **trained.final.fitted.scorer.arrays(),
    }


def _people(users: NDArray[np.bytes_], fitted_on: int, accounts: Accounts) -> PeopleFacts:
    return PeopleFacts(
        accounts=len(accounts.ids),
        erased=accounts.erased,
        erased_until=accounts.erased_until,
        left_out=fitted_on - len(users),
        vectors_without_account=int(np.count_nonzero(~accounts.hold(users))),
    )


def _summary(trained: Trained, facts: ModelFacts, folder: Path, digest: str) -> TrainingSummary:
    final = trained.final
    return TrainingSummary(
        version=facts.version,
        kind=facts.kind,
        folder=folder,
        digest=digest,
        cutoff=facts.cutoff,
        created_at=facts.created_at,
        users=int(np.count_nonzero(np.diff(final.matrix.indptr))),
        items=len(np.unique(final.matrix.indices)),
        events=len(final.part.past),
        people=facts.people,
        task=trained.task,
        is_held_out=trained.is_held_out,
        figures=trained.figures,
        open_figures=trained.open_figures,
        ranker=trained.ranked.figures if trained.ranked else None,
        seconds=trained.seconds,
        half_life_days=final.parameters.half_life_days,
        peak_memory_bytes=trained.peak_memory_bytes,
    )


def _fingerprint(arrays: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[name]).view(np.uint8).data)
    return digest.hexdigest()[:8]
