"""The experiment that runs, as a worker serves it: what answers for each variant."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from reco.array_folder import MANIFEST
from reco.errors import ArtifactDamaged, ArtifactRefused
from reco.experiments.exposure import Exposure
from reco.experiments.plan import CHAMPION, Experiment, Plan, Variant
from reco.experiments.records import models_of
from reco.feed.generation import Generation, ReadContents, generation
from reco.feed.query import FeedQuery
from reco.model.address import local_folder
from reco.model.loaded import LoadedModel
from reco.model.registry import kept_version, version_named
from reco.model.serving import opened, opened_anew


@dataclass(frozen=True)
class Trial:
    """An experiment with the models that its variants name."""

    experiment: Experiment
    models: Mapping[str, LoadedModel]
    """By version; without those that are refused."""
    refused: Mapping[str, str]
    """Version to the reason; the champion answers in its place, outside the experiment."""
    generations: Mapping[str, Generation] = field(default_factory=dict)
    """What answers, by model version."""
    damaged: frozenset[str] = frozenset()
    """Those of `refused` that are damaged where they were trained, or in their store, too."""

    def on(self, champion: Generation, contents: ReadContents) -> "Trial":
        """Return the trial over the catalogue of `champion`, with which it shares what it can."""
        made = {}
        for version, model in self.models.items():
            before = self.generations.get(version, champion)
            is_served = champion.model is not None and champion.model.version == version
            made[version] = (
                champion
                if is_served
                else generation(champion.catalogue, model, before, contents).worked_out()
            )
        return replace(self, generations=made)

    def treat(self, champion: Generation, query: FeedQuery) -> tuple[Generation, FeedQuery]:
        """Return what answers a query, and the query as its person's variant has it.

        What the request says itself is heeded; the slate is then no part of the experiment, nor is
        one that the champion has to make in the place of a model that cannot be used.
        """
        experiment = self.experiment
        if query.user_id is None or query.now < experiment.started_at:
            return champion, query
        variant = experiment.plan.variant_of(query.user_id)
        is_champions = variant.model == CHAMPION
        serving = champion if is_champions else self.generations.get(variant.model)
        if serving is None:
            return champion, query
        return serving, _as(variant, experiment.plan, query)


def _as(variant: Variant, plan: Plan, query: FeedQuery) -> FeedQuery:
    floor = price = intensity = None
    if "floor" in query.unasked:
        floor, price = variant.floor, variant.points_a_booking
    if "intensity" in query.unasked:
        intensity = variant.intensity
    is_part = query.unasked == {"floor", "intensity"}
    exposure = Exposure(plan.name, variant.label) if is_part else None
    dials = query.dials.turned(floor, intensity, price)
    return replace(query.with_dials(dials), exposure=exposure)


def trial_of(
    experiment: Experiment, conninfo: str, cache: Path, before: Trial | None = None
) -> Trial:
    """Return the trial of an experiment; `before` itself, where nothing has changed.

    Parameters
    ----------
    cache
        Where artifacts of an object store are kept.
    before
        The trial in use, whose models are kept as long as their folders are there.
    """
    held = before.models if before else {}
    models: dict[str, LoadedModel] = {}
    refused: dict[str, str] = {}
    damaged: set[str] = set()
    for name in models_of(experiment.plan):
        version = version_named(conninfo, name)
        try:
            # A model may be removed while it is in use: after an erasure, say.
            is_there = (local_folder(version.address, cache) / MANIFEST).exists()
            open_it = opened if before and name in before.damaged else opened_anew
            models[name] = held[name] if name in held and is_there else open_it(version, cache)
        except ArtifactRefused as error:
            refused[name] = str(error)
            if isinstance(error, ArtifactDamaged):
                damaged.add(name)
    # Which models are held follows from which are refused.
    if before and (before.experiment, before.refused) == (experiment, refused):
        return before
    made = before.generations if before else {}
    return Trial(experiment, models, refused, made, frozenset(damaged))


def check_models(plan: Plan, conninfo: str, cache: Path) -> None:
    """Raise `ArtifactRefused`, `NotFound` or `RuleBroken` where a model cannot be loaded."""
    for name in models_of(plan):
        opened_anew(kept_version(conninfo, name), cache)
