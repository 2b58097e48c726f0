"""Champions for tests that need one: trained, and promoted past the gate."""

from reco.model.registry import Act, champion, force, publication
from training.commands.train import train_world


def train_champion(world, model, *, now, frames=None):
    """Train a model, make it the champion whatever it is worth, and return its summary."""
    summary = train_world(world, model, split="time", cutoff=None, now=now, frames=frames)
    if champion(world.conninfo).version != summary.version:
        with publication(world.conninfo) as connection:
            force(connection, summary.version, Act(now, "a test", "it is to be served"))
    return summary
