"""Models for tests that need one shown: champions past the gate, and in an experiment."""

import shutil
from datetime import timedelta

import psycopg

from reco.experiments.plan import Plan, Variant
from reco.experiments.records import create
from reco.model.address import local_folder, published
from reco.model.registry import Act, champion, force, publication
from training.commands.train import train_world


def train_champion(world, model, *, now, frames=None):
    """Train a model, make it the champion whatever it is worth, and return its summary."""
    summary = train_world(world, model, split="time", cutoff=None, now=now, frames=frames)
    if champion(world.conninfo).version != summary.version:
        with publication(world.conninfo) as connection:
            force(connection, summary.version, Act(now, "a test", "it is to be served"))
    return summary


def fetch_from(store_url, world, folder):
    """Serve a model from a store: what is here of it is a copy by now, fetched from there."""
    address = published(folder, store_url)
    with psycopg.connect(world.conninfo) as connection:
        connection.execute(
            "update reco.model_version set address = %s where version = %s", (address, folder.name)
        )
    shutil.rmtree(folder)
    local_folder(address, world.models)


def show_to_half(world, version, act):
    """Begin an experiment, `wider`, that shows a model to half of the people."""
    variants = (Variant("control"), Variant("old", model=version))
    week = timedelta(days=7)
    plan = Plan("wider", "a salt", variants, "bookings", {}, week, planned_users=100)
    create(world.conninfo, plan, act, act.at)
