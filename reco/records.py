"""Frozen dataclasses that are made by the dozen in a request."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """Return a dataclass that type checkers take for frozen.

    Frozen at run time too, a dataclass sets each of its fields through a call of
    `object.__setattr__`, which makes an object take several times as long to make.
    """
    return dataclass(unsafe_hash=True)(cls)
