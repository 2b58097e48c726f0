"""What a sensitivity analysis changes."""

from dataclasses import asdict

from training.cohort.assumptions import variants

from .conftest import TINY


def leaves(told, name=""):
    """Return every number of nested assumptions by its path."""
    if not isinstance(told, dict):
        return {name: told}
    return {path: leaf for key in told for path, leaf in leaves(told[key], f"{name}/{key}").items()}


def test_each_variant_changes_one_assumption_and_no_two_the_same():
    usual, *others = variants(TINY).values()
    assert usual == TINY
    before, changes = leaves(asdict(TINY)), set()
    for other in others:
        after = leaves(asdict(other))
        (changed,) = [path for path in before if after[path] != before[path]]
        changes.add((changed, after[changed]))
    assert len(changes) == len(others) == 6
    assert {path for path, _ in changes} == {
        "/position_bias",
        "/parameters/openness",
        "/parameters/booking_taste",
    }
