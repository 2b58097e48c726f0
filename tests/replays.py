"""What tests of replays share."""

from reco.model.registry import champion, version_named
from reco.model.serving import opened


def model_of(world):
    """Return the champion of a world."""
    return opened(version_named(world.conninfo, champion(world.conninfo).version), world.models)
